/**
 * Resident memory of a name server that holds a cluster, in a process of its own: `node bench/dns-memory.ts SERVICES ENDPOINTS WORKERS`
 * prints one JSON line. Objects are read from JSON one by one and slimmed, as from a watch. A quarter of the Services is headless.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { limitGarbage, startDnsServer } from '../src/dns/index.ts';
import { createSlimmer } from '../src/dns/slim-objects.ts';
import type { EndpointSlice, Service } from '../src/api/index.ts';
import { silentLogger } from '../src/observe/index.ts';
import { handInformers } from '../test/wire/dns-harness.ts';
import { sampleService, sampleSlices } from './dns-sample.ts';

/** What was measured. */
export interface DnsMemory {
  readonly services: number;
  readonly endpoints: number;
  /** Services, slices and pods: what CoreDNS counts its memory by. */
  readonly objects: number;
  readonly udpWorkers: number;
  readonly residentMb: number;
  readonly heapMb: number;
}

/** Measures in a new process. */
export function measureMemory(services: number, endpointsEach: number, udpWorkers: number): DnsMemory {
  const words = [services, endpointsEach, udpWorkers].map(String);
  const output = execFileSync(process.execPath, ['--expose-gc', fileURLToPath(import.meta.url), ...words], { encoding: 'utf8' });
  return JSON.parse(output) as DnsMemory;
}

async function measure(services: number, endpointsEach: number, udpWorkers: number): Promise<DnsMemory> {
  limitGarbage();
  const informers = handInformers();
  const slim = createSlimmer({ endpointPodNames: false, zonalNames: false });
  for (let at = 0; at < 100; at++) informers.namespaces.apply(slim.namespace({ metadata: { name: `ns-${at}` } }));
  const server = await startDnsServer(
    { source: { informers }, listen: { address: '127.0.0.1', port: 0 }, udpWorkers },
    { logger: silentLogger },
  );
  let objects = 0;
  for (let at = 0; at < services; at++) {
    informers.services.apply(slim.service(fromWire<Service>(sampleService(at))));
    const slices = sampleSlices(at, endpointsEach);
    for (const slice of slices) informers.endpointSlices.apply(slim.slice(fromWire<EndpointSlice>(slice)));
    objects += 1 + slices.length + endpointsEach;
    // as a list does: in pages
    if (at % 200 === 199) await new Promise((resolve) => setImmediate(resolve));
  }
  for (const informer of Object.values(informers)) informer.finishSync();
  await server.ready;
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const { rss, heapUsed } = process.memoryUsage();
  const result = {
    services,
    endpoints: services * endpointsEach,
    objects,
    udpWorkers,
    residentMb: Math.round(rss / 2 ** 20),
    heapMb: Math.round(heapUsed / 2 ** 20),
  };
  await server.close();
  return result;
}

/** An object as a watch brings it: with everything that a real one has. */
function fromWire<T>(object: T): T {
  return JSON.parse(JSON.stringify(object)) as T;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [services = 10_000, endpointsEach = 1, udpWorkers = 0] = process.argv.slice(2).map(Number);
  console.log(JSON.stringify(await measure(services, endpointsEach, udpWorkers)));
}
