/**
 * A name server over 10,000 Services (or as many as the first argument says) for dnsperf to ask: prints its port, the path of a
 * file of queries, and its memory each second. `node bench/dns-server.ts [SERVICES] [UDP_WORKERS]`; ends after 60 s or on SIGTERM.
 * Pin it with taskset, and dnsperf to the other cores:  dnsperf -s 127.0.0.1 -p PORT -d FILE -l 10 -c 8 -q 200
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDnsMetrics, startDnsServer } from '../src/dns/index.ts';
import { headlessOf, namespaceOf, serviceOf, sliceOf } from '../src/names/sample-objects.ts';
import { silentLogger } from '../src/observe/index.ts';
import { handInformers } from '../test/wire/dns-harness.ts';

const serviceCount = Number(process.argv[2] ?? 10_000);
const udpWorkers = Number(process.argv[3] ?? 0);
const informers = handInformers();
for (let ns = 0; ns < 100; ns++) informers.namespaces.apply(namespaceOf(`ns-${ns}`));
const queries: string[] = [];
for (let at = 0; at < serviceCount; at++) {
  const ip = `${at >> 16}.${(at >> 8) & 255}.${at & 255}`;
  const name = `ns-${at % 100}/service-${at}`;
  informers.services.apply(serviceOf(name, { clusterIPs: [`10.${ip}`], ports: [{ name: 'http', port: 80 }] }));
  informers.endpointSlices.apply(sliceOf(name, [`11.${ip}`], [{ name: 'http', port: 80 }]));
  const owner = `service-${at}.ns-${at % 100}.svc.cluster.local`;
  // The ndots mix: 70 % A, 15 % AAAA, 10 % search-path NXDOMAIN, 5 % SRV.
  const kind = at % 20;
  queries.push(
    kind < 14
      ? `${owner} A`
      : kind < 17
        ? `${owner} AAAA`
        : kind < 19
          ? `www.example.com.ns-${at % 100}.svc.cluster.local A`
          : `_http._tcp.${owner} SRV`,
  );
}
informers.services.apply(headlessOf('ns-0/big'));
for (const informer of Object.values(informers)) informer.finishSync();

const directory = mkdtempSync(join(tmpdir(), 'fairlead-dns-'));
const file = join(directory, 'queries.txt');
writeFileSync(file, `${queries.join('\n')}\n`);
const metrics = createDnsMetrics({ server: 'dns://:53', zone: 'cluster.local', nowSeconds: () => performance.now() / 1000 });
const server = await startDnsServer(
  { source: { informers }, listen: { address: '127.0.0.1', port: 0 }, udpWorkers, observer: metrics },
  { logger: silentLogger },
);
await server.ready;
console.log(
  JSON.stringify({
    port: server.addresses[0]?.port,
    file,
    udpWorkers,
    residentMb: Math.round(process.memoryUsage().rss / 2 ** 20),
  }),
);
const stop = async (): Promise<void> => {
  clearTimeout(timer);
  rmSync(directory, { recursive: true });
  await server.close();
};
const timer = setTimeout(() => void stop(), 60_000);
process.once('SIGTERM', () => void stop());
