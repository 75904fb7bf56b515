/**
 * How fast answers are built, without sockets: queries a second and heap growth per query of the responder over an index of
 * N Services, memory of the index, and the cost of a change. `node bench/dns-codec.ts [SERVICES]` (default 10000);
 * with `--expose-gc` heap growth is measured too.
 */
import { endpointSlices } from '../src/api/index.ts';
import { createShuffle, encodeMessage, headerFlags, queryMessage, Responder } from '../src/dns/index.ts';
import { mustEncodeName, NameIndex } from '../src/names/index.ts';
import { headlessOf, namespaceOf, serviceOf, sliceOf } from '../src/names/sample-objects.ts';

const serviceCount = Number(process.argv[2] ?? 10_000);
const collect = (globalThis as { gc?: () => void }).gc ?? (() => undefined);

interface Row {
  readonly what: string;
  readonly queriesPerSecond: number;
  readonly heapBytesPerQuery: number;
}

function buildIndex(): NameIndex {
  const index = new NameIndex({ zone: 'cluster.local', nowSeconds: () => 1, podMode: 'insecure' });
  for (let ns = 0; ns < 100; ns++) index.applyNamespace(namespaceOf(`ns-${ns}`));
  for (let at = 0; at < serviceCount; at++) {
    const name = `ns-${at % 100}/service-${at}`;
    const ip = `10.${96 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`;
    index.applyService(serviceOf(name, { clusterIPs: [ip], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }));
    const endpoints = Array.from({ length: 4 }, (_, pod) => `10.${128 + pod * 8 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`);
    index.applyEndpointSlice(sliceOf(name, endpoints, [{ name: 'http', port: 8080, protocol: 'TCP' }]));
  }
  index.applyService(headlessOf('ns-0/big', { ports: [{ name: 'http', port: 80 }] }));
  const pods = Array.from({ length: 1000 }, (_, pod) => `10.250.${pod >> 8}.${pod & 255}`);
  index.applyEndpointSlice(sliceOf('ns-0/big', pods, [{ name: 'http', port: 80, protocol: 'TCP' }]));
  return index;
}

function measure(
  what: string,
  index: NameIndex,
  questions: readonly (readonly [name: string, type: number])[],
  isTcp = false,
): Row {
  const responder = new Responder({ index, isSynced: () => true, permutation: createShuffle(Math.random) });
  const queries = questions.map(([name, type]) =>
    encodeMessage(queryMessage(1, `${mustEncodeName(name)}\0`, type, headerFlags.RD, 1232)),
  );
  const packet = new Uint8Array(65_535);
  const ask = (rounds: number): void => {
    for (let round = 0, at = 0; round < rounds; round++) {
      const query = queries[at] as Uint8Array;
      packet.set(query);
      if (responder.respond(packet, query.length, isTcp) <= 0) throw new Error(`${what}: no answer`);
      if (++at === queries.length) at = 0;
    }
  };
  const rounds = isTcp ? 20_000 : 1_000_000;
  ask(rounds / 5);
  collect();
  const heapBefore = process.memoryUsage().heapUsed;
  const start = process.hrtime.bigint();
  ask(rounds);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const heapBytes = process.memoryUsage().heapUsed - heapBefore;
  return { what, queriesPerSecond: Math.round(rounds / seconds), heapBytesPerQuery: Math.max(0, heapBytes) / rounds };
}

collect();
const before = process.memoryUsage().heapUsed;
const start = process.hrtime.bigint();
const index = buildIndex();
const buildMs = Number(process.hrtime.bigint() - start) / 1e6;
collect();
const heapMb = (process.memoryUsage().heapUsed - before) / 2 ** 20;

const A = 1;
const AAAA = 28;
const SRV = 33;
const PTR = 12;
const someServices = Array.from({ length: 1000 }, (_, at) => Math.floor((at * serviceCount) / 1000));
const nameOf = (at: number): string => `service-${at}.ns-${at % 100}.svc.cluster.local`;
const rows = [
  measure(
    'plain A',
    index,
    someServices.map((at) => [nameOf(at), A]),
  ),
  measure(
    'AAAA (NODATA)',
    index,
    someServices.map((at) => [nameOf(at), AAAA]),
  ),
  measure(
    'search path NXDOMAIN',
    index,
    someServices.map((at) => [`www.example.com.ns-${at % 100}.svc.cluster.local`, A]),
  ),
  measure(
    'SRV',
    index,
    someServices.map((at) => [`_http._tcp.${nameOf(at)}`, SRV]),
  ),
  measure(
    'PTR',
    index,
    someServices.map((at) => [`${at & 255}.${(at >> 8) & 255}.${96 + (at >> 16)}.10.in-addr.arpa`, PTR]),
  ),
  measure(
    'ndots mix',
    index,
    someServices.map((at, i) =>
      i % 20 < 14
        ? [nameOf(at), A]
        : i % 20 < 17
          ? [nameOf(at), AAAA]
          : i % 20 < 19
            ? [`x.y.${nameOf(at)}`, A]
            : [`_http._tcp.${nameOf(at)}`, SRV],
    ),
  ),
  measure('headless, 1000 endpoints, UDP (TC)', index, [['big.ns-0.svc.cluster.local', A]]),
  measure('headless, 1000 endpoints, TCP', index, [['big.ns-0.svc.cluster.local', A]], true),
];

const pods = Array.from({ length: 1000 }, (_, pod) => `10.250.${pod >> 8}.${pod & 255}`);
const changeStart = process.hrtime.bigint();
for (let round = 0; round < 100; round++) {
  index.applyEndpointSlice(
    sliceOf('ns-0/big', round % 2 === 0 ? pods.slice(1) : pods, [{ name: 'http', port: 80, protocol: 'TCP' }]),
  );
}
const bigChangeMs = Number(process.hrtime.bigint() - changeStart) / 1e6 / 100;
const smallStart = process.hrtime.bigint();
for (let round = 0; round < 1000; round++) {
  index.applyEndpointSlice(sliceOf('ns-1/service-1', [`10.249.0.${round & 255}`], [{ name: 'http', port: 80, protocol: 'TCP' }]));
}
const smallChangeMs = Number(process.hrtime.bigint() - smallStart) / 1e6 / 1000;

console.table(rows);
const facts = {
  services: serviceCount,
  names: index.forward.size,
  buildMs,
  heapMb,
  bigChangeMs,
  smallChangeMs,
  kind: endpointSlices.kind,
};
console.log(JSON.stringify({ bench: 'dns-codec', ...facts, rows }));
