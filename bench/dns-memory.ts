/**
 * Resident memory of `fairlead dns` as it is run: a process of its own that reads a cluster from an API server (here, in this
 * process) over HTTP. `node bench/dns-memory.ts SERVICES ENDPOINTS WORKERS sources|compiled` prints one JSON line. A quarter of the
 * Services is headless. Compiled is as in the npm package: `npm run build` first.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { FakeApiServer } from '../src/client/fake-api-server.ts';
import { sampleService, sampleSlices } from './dns-sample.ts';
import { round } from './shapes/figures.ts';

/** What was measured, in MB. */
export interface DnsMemory {
  readonly services: number;
  readonly endpoints: number;
  /** Services, slices and pods: what CoreDNS counts its memory by. */
  readonly objects: number;
  readonly udpWorkers: number;
  readonly program: DnsProgram;
  readonly residentMb: number;
  /** Of it, what is no file. */
  readonly ownMb: number;
  /** The most while the objects were read. */
  readonly peakMb: number;
}

export type DnsProgram = 'sources' | 'compiled';

const compiled = join(import.meta.dirname, '../dist/cli/main.js');

/** The programs that can be measured. */
export function dnsPrograms(): DnsProgram[] {
  return existsSync(compiled) ? ['sources', 'compiled'] : ['sources'];
}

/** Measures in a new process, once the names are known and quiet has come. */
export async function measureMemory(
  services: number,
  endpointsEach: number,
  udpWorkers: number,
  program: DnsProgram,
): Promise<DnsMemory> {
  const api = new FakeApiServer();
  for (let at = 0; at < 100; at++) api.put('namespaces', { metadata: { name: `ns-${at}` } });
  let objects = 0;
  for (let at = 0; at < services; at++) {
    api.put('services', sampleService(at));
    const slices = sampleSlices(at, endpointsEach);
    for (const slice of slices) api.put('endpointslices', slice);
    objects += 1 + slices.length + endpointsEach;
  }
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-dns-memory-'));
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, JSON.stringify(kubeconfigOf(await api.start())));
  const main = program === 'compiled' ? compiled : join(import.meta.dirname, '../src/cli/main.ts');
  const words = ['dns', '--kubeconfig', kubeconfig, '--listen', '127.0.0.1:0', '--udp-workers', String(udpWorkers)];
  const start = `import(${JSON.stringify(main)}).then(({ main }) => main(${JSON.stringify(words)}))`;
  const child = spawn(process.execPath, ['-e', start], { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    const said: string[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      said.push(line);
      if (line.startsWith('ready:')) break;
    }
    if (child.exitCode !== null) throw new Error(`fairlead dns ended: ${said.join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    const status = readFileSync(`/proc/${child.pid ?? 0}/status`, 'utf8');
    const mb = (field: string): number => round(Number(new RegExp(`${field}:\\s+([0-9]+) kB`).exec(status)?.[1]) / 1024);
    return {
      services,
      endpoints: services * endpointsEach,
      objects,
      udpWorkers,
      program,
      residentMb: mb('VmRSS'),
      ownMb: mb('RssAnon'),
      peakMb: mb('VmHWM'),
    };
  } finally {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await api.stop();
    rmSync(folder, { recursive: true });
  }
}

function kubeconfigOf(server: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'bench', cluster: { server } }],
    users: [{ name: 'bench', user: { token: 'bench' } }],
    contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'bench' } }],
    'current-context': 'bench',
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [services = '10000', endpointsEach = '1', udpWorkers = '1', program = 'sources'] = process.argv.slice(2);
  console.log(
    JSON.stringify(
      await measureMemory(
        Number(services),
        Number(endpointsEach),
        Number(udpWorkers),
        program === 'compiled' ? 'compiled' : 'sources',
      ),
    ),
  );
  process.exit(0);
}
