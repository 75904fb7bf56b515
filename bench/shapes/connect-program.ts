/** The programs in the pods of a benchmark: `accept PORT`, or `dial`, which takes orders from its parent and reports back. */
import { clusterIpOf, servicePort } from './objects.ts';
import { acceptForever, socketAddress, timeConnect } from './tcp-calls.ts';

/** So many connections, or for so long; to random Services of the first `serviceCount`, or to these addresses in turn. */
export interface DialOrder {
  readonly serviceCount?: number;
  readonly addresses?: readonly string[];
  readonly port?: number;
  readonly connections?: number;
  readonly forMs?: number;
  /** Connections a second; absent: one after the other without pause. */
  readonly rate?: number;
}

export interface DialReport {
  readonly connections: number;
  readonly failures: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  readonly perSecond: number;
}

const [role, port] = process.argv.slice(2);
if (role === 'accept') acceptForever(Number(port), () => process.send?.('ready'));
else if (role === 'dial') {
  process.on('message', (order) => void process.send?.(dial(order as DialOrder)));
  process.send?.('ready');
}

function dial(order: DialOrder): DialReport {
  const { serviceCount = 0, connections = Infinity, forMs = Infinity, rate } = order;
  const addresses = order.addresses?.map((address) => socketAddress(address, order.port ?? servicePort));
  const target = socketAddress('0.0.0.0', servicePort);
  const times: number[] = [];
  let failures = 0;
  const start = performance.now();
  let count = 0;
  for (; count < connections; count++) {
    const elapsedMs = performance.now() - start;
    if (elapsedMs >= forMs) break;
    if (rate !== undefined && (count * 1000) / rate > elapsedMs) sleep((count * 1000) / rate - elapsedMs);
    let address = addresses?.[count % addresses.length];
    if (address === undefined) {
      target.set(bytesOf(Math.floor(Math.random() * serviceCount)), 4);
      address = target;
    }
    const ms = timeConnect(address);
    if (ms < 0) failures++;
    else times.push(ms);
  }
  const seconds = (performance.now() - start) / 1000;
  const sorted = Float64Array.from(times).sort();
  const at = (share: number): number =>
    1000 * (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN);
  return { connections: count, failures, p50Us: at(0.5), p99Us: at(0.99), maxUs: at(1), perSecond: count / seconds };
}

const known = new Map<number, readonly number[]>();

function bytesOf(service: number): readonly number[] {
  let bytes = known.get(service);
  if (bytes === undefined) known.set(service, (bytes = clusterIpOf(service).split('.').map(Number)));
  return bytes;
}

function sleep(ms: number): void {
  if (ms >= 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
