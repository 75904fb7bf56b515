/** Counters of queries in one block of memory, which may be shared: a thread counts, another one reads. No locks: each block has one writer, and a reader a moment late is no harm. */
import type { QueryClient } from '../query-handler.ts';

/** One writer's counters. */
export class QueryCounters {
  /** zone (ours, forwarded) x proto (udp, tcp) x family (1, 2) x type slot */
  readonly requests: Float64Array;
  /** zone x code; slot 16 is BADVERS and above */
  readonly responses: Float64Array;
  readonly dnssecOk: Float64Array;
  readonly panics: Float64Array;
  /** proto x bucket; sum and count at the end of each row */
  readonly requestSizes: Float64Array;
  readonly responseSizes: Float64Array;
  readonly durations: Float64Array;
  /** Answers that were remembered: successes, denials. */
  readonly cacheHits: Float64Array;

  constructor(buffer: ArrayBuffer | SharedArrayBuffer = new ArrayBuffer(QueryCounters.bytes)) {
    let at = 0;
    const take = (length: number): Float64Array => {
      const array = new Float64Array(buffer, at * 8, length);
      at += length;
      return array;
    };
    this.requests = take(lengths.requests);
    this.responses = take(lengths.responses);
    this.dnssecOk = take(1);
    this.panics = take(1);
    this.requestSizes = take(lengths.sizes);
    this.responseSizes = take(lengths.sizes);
    this.durations = take(lengths.durations);
    this.cacheHits = take(2);
  }

  static get bytes(): number {
    return (lengths.requests + lengths.responses + 2 + 2 * lengths.sizes + lengths.durations + 2) * 8;
  }

  count(
    qtype: number,
    isDnssecOk: boolean,
    rcode: number,
    queryBytes: number,
    answerBytes: number,
    client: QueryClient,
    isForwarded: boolean,
  ): void {
    const zone = isForwarded ? 1 : 0;
    const proto = client.isTcp ? 1 : 0;
    const family = client.address.includes(':') ? 1 : 0;
    bump(this.requests, (zone * 4 + proto * 2 + family) * slotTypes.length + slotOf(qtype));
    bump(this.responses, zone * 17 + Math.min(rcode, 16));
    if (isDnssecOk) bump(this.dnssecOk, 0);
    observe(this.requestSizes, proto * histogramRow(sizeBuckets), sizeBuckets, queryBytes, 1);
    observe(this.responseSizes, proto * histogramRow(sizeBuckets), sizeBuckets, answerBytes, 1);
  }

  /** `queries` answers that took this long each. */
  took(seconds: number, queries: number): void {
    observe(this.durations, 0, durationBuckets, seconds, queries);
  }

  remembered(isDenial: boolean): void {
    bump(this.cacheHits, isDenial ? 1 : 0);
  }

  failed(): void {
    bump(this.panics, 0);
  }
}

/** The sum of several writers' counters. */
export function sumOf(all: readonly QueryCounters[]): QueryCounters {
  const sum = new QueryCounters();
  for (const counters of all) {
    for (const key of [
      'requests',
      'responses',
      'dnssecOk',
      'panics',
      'requestSizes',
      'responseSizes',
      'durations',
      'cacheHits',
    ] as const) {
      for (const [index, value] of counters[key].entries()) sum[key][index] = (sum[key][index] ?? 0) + value;
    }
  }
  return sum;
}

/** Types that have a label of their own, as in CoreDNS; slot 0 is all the others. */
export const slotTypes = [0, 1, 28, 15, 6, 5, 12, 16, 2, 33, 43, 48, 46, 47, 50, 251, 252, 255, 13, 35, 65, 64];
const slots = new Uint8Array(256);
for (const [slot, type] of slotTypes.entries()) slots[type] = slot;

export const sizeBuckets = [0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16e3, 32e3, 48e3, 64e3];
export const durationBuckets = Array.from({ length: 16 }, (_, power) => 0.00025 * 2 ** power);

function slotOf(type: number): number {
  return type < slots.length ? (slots[type] as number) : 0;
}

/** Numbers that a histogram needs. */
export function histogramRow(buckets: readonly number[]): number {
  return buckets.length + 3; // one for +Inf, the sum, the count
}

function bump(counters: Float64Array, at: number): void {
  counters[at] = (counters[at] as number) + 1;
}

/** Counts a value in a histogram whose row begins at `at`: buckets, +Inf, sum, count. */
export function observe(data: Float64Array, at: number, buckets: readonly number[], value: number, times: number): void {
  let bucket = 0;
  while (bucket < buckets.length && value > (buckets[bucket] as number)) bucket++;
  data[at + bucket] = (data[at + bucket] as number) + times;
  const sumAt = at + buckets.length + 1;
  data[sumAt] = (data[sumAt] as number) + value * times;
  data[sumAt + 1] = (data[sumAt + 1] as number) + times;
}

const lengths = {
  requests: 2 * 2 * 2 * slotTypes.length,
  responses: 2 * 17,
  sizes: 2 * histogramRow(sizeBuckets),
  durations: histogramRow(durationBuckets),
};
