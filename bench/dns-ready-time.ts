/**
 * How long after a pod becomes ready its name resolves, through a whole control plane in one process: API server, endpoint slice
 * controller, watch, index, answer over UDP. `node bench/dns-ready-time.ts [SAMPLES]` prints one JSON line.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nodes, pods, services } from '../src/api/index.ts';
import type { EndpointSlice, Pod } from '../src/api/index.ts';
import { startApiServer } from '../src/apiserver/index.ts';
import { createClient, parseKubeconfig, SharedInformers } from '../src/client/index.ts';
import { startControllers } from '../src/controllers/index.ts';
import { startDnsServer } from '../src/dns/index.ts';
import { rrTypes } from '../src/names/index.ts';
import { silentLogger } from '../src/observe/index.ts';
import { askOnce } from './dns-peers.ts';
import { percentile, round } from './shapes/figures.ts';

/** From the request that says "ready" to the first answer that has the name. */
export interface ReadyTime {
  readonly samples: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The name server's share: from the slice's arrival in it until the name is known. What is left of the whole is the control plane, and asking again and again. */
  readonly ownP50Ms: number;
  readonly ownP99Ms: number;
}

/** Measures in a new process. */
export function measureReadyTime(samples: number): ReadyTime {
  const output = execFileSync(process.execPath, [fileURLToPath(import.meta.url), String(samples)], { encoding: 'utf8' });
  return JSON.parse(output) as ReadyTime;
}

async function measure(samples: number): Promise<ReadyTime> {
  const logger = silentLogger;
  const api = await startApiServer({ port: 0, serviceCidrs: ['10.96.0.0/16'] }, { logger });
  const client = createClient(parseKubeconfig(api.kubeconfigText), { logger });
  const informers = new SharedInformers(client, { logger });
  const stopping = new AbortController();
  const provider = { ensure: async () => undefined, remove: async () => undefined };
  const controllers = startControllers(client, { loadBalancer: { pools: [], provider } }, { logger, informers });
  const knownMs = new Map<string, number>();
  const observer = {
    now: () => 0,
    answered: () => undefined,
    failed: () => undefined,
    sliceSeen: (slice: EndpointSlice): void => {
      const seenMs = performance.now();
      // the event is taken in before anything else runs
      process.nextTick(() => {
        for (const { hostname = '' } of slice.endpoints ?? [])
          if (!knownMs.has(hostname)) knownMs.set(hostname, performance.now() - seenMs);
      });
    },
  };
  const listen = { address: '127.0.0.1', port: 0 };
  const dns = await startDnsServer({ source: { client }, listen, udpWorkers: 1, observer }, { logger });
  await informers.start(stopping.signal);
  await controllers.ready;
  await dns.ready;
  const port = dns.addresses[0]?.port ?? 0;
  const at = { namespace: 'default' };
  // pods of unknown nodes are no endpoints
  await client.create(nodes, { metadata: { name: 'node-1' } });
  await client.create(
    services,
    { metadata: { name: 'db' }, spec: { clusterIP: 'None', selector: { app: 'db' }, ports: [{ port: 80 }] } },
    at,
  );
  const times: number[] = [];
  const own: number[] = [];
  for (let index = 0; index < samples; index++) {
    const name = `db-${index}`;
    const pod: Pod = {
      metadata: { name, labels: { app: 'db' } },
      spec: { hostname: name, subdomain: 'db', nodeName: 'node-1', containers: [{ name: 'c', image: 'echo' }] },
    };
    await client.create(pods, pod, at);
    const ip = `10.244.${index >> 8}.${(index & 255) + 1}`;
    await new Promise((resolve) => setTimeout(resolve, 20));
    const startMs = performance.now();
    const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True' }] };
    const said = client.patch(pods, name, 'merge', { status }, { ...at, subresource: 'status' });
    for (;;) {
      const answer = await askOnce(port, `${name}.db.default.svc.cluster.local`, rrTypes.A);
      if (answer?.answers.length === 1) break;
      if (performance.now() - startMs > 10_000) throw new Error(`${name} did not resolve within 10 s`);
    }
    times.push(performance.now() - startMs);
    own.push(knownMs.get(name) ?? Number.NaN);
    await said;
  }
  await dns.close();
  stopping.abort();
  await controllers.stop();
  client.close();
  await api.close();
  const share = (list: readonly number[], part: number): number => round(percentile(list, part));
  return {
    samples,
    p50Ms: share(times, 0.5),
    p99Ms: share(times, 0.99),
    ownP50Ms: share(own, 0.5),
    ownP99Ms: share(own, 0.99),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(JSON.stringify(await measure(Number(process.argv[2] ?? 100))));
  process.exit(0);
}
