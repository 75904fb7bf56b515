/**
 * A name server over the sample cluster, in a process of its own, for dnsperf to ask: `node bench/dns-server.ts FACTS` (JSON,
 * `ServerFacts`) prints one JSON line `{"port":…}` when it answers, and runs until its standard input ends.
 */
import { AnswerMemory, createCachingForwarder, createDnsMetrics, createForwarder, startDnsServer } from '../src/dns/index.ts';
import { limitGarbage } from '../src/cli/lean-process.ts';
import type { Forwarder } from '../src/dns/index.ts';
import { silentLogger } from '../src/observe/index.ts';
import { handInformers } from '../test/wire/dns-harness.ts';
import { bigService, sampleService, sampleSlices } from './dns-sample.ts';

/** How it is started. */
export interface ServerFacts {
  readonly services: number;
  readonly udpWorkers: number;
  /** Port of a server on loopback for all other names. */
  readonly upstreamPort?: number;
  readonly caches?: boolean;
  /** Default `cluster.local`. */
  readonly zone?: string;
  /** Default 30. */
  readonly ttlSeconds?: number;
}

const facts = JSON.parse(process.argv[2] ?? '{"services":10000,"udpWorkers":1}') as ServerFacts;
const { zone = 'cluster.local' } = facts;
limitGarbage();
const informers = handInformers();
for (let at = 0; at < 100; at++) informers.namespaces.apply({ metadata: { name: `ns-${at}` } });
for (let at = 0; at < facts.services; at++) {
  informers.services.apply(sampleService(at));
  informers.endpointSlices.apply(...sampleSlices(at, 1));
}
informers.services.apply(bigService.service);
informers.endpointSlices.apply(...bigService.slices);
for (const informer of Object.values(informers)) informer.finishSync();
const sharedAnswers = new AnswerMemory();
const forwarder = facts.upstreamPort === undefined ? undefined : forwarderTo(facts.upstreamPort);
const server = await startDnsServer(
  {
    source: { informers },
    listen: { address: '127.0.0.1', port: 0 },
    udpWorkers: facts.udpWorkers,
    clusterDomain: zone,
    ttlSeconds: facts.ttlSeconds ?? 30,
    sharedAnswers,
    observer: createDnsMetrics({ server: 'dns://:53', zone, nowSeconds: () => performance.now() / 1000 }),
    ...(forwarder === undefined ? {} : { forwarder }),
  },
  { logger: silentLogger },
);
await server.ready;
console.log(JSON.stringify({ port: server.addresses[0]?.port }));
process.stdin.resume();
process.stdin.once('end', () => void server.close().then(() => process.exit(0)));

function forwarderTo(port: number): Forwarder {
  const direct = createForwarder({ upstreams: [{ address: '127.0.0.1', port }] }, { logger: silentLogger });
  return facts.caches === true
    ? createCachingForwarder(direct, { nowMs: () => performance.now(), shared: sharedAnswers })
    : direct;
}
