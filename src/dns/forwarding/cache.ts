/**
 * A cache of forwarded answers (RFC 2308 for the negative ones). Never of our own names: those come from the index, so that a
 * pod that has just become ready is found at once.
 */
import { lowerCaseWire, rrTypes } from '../../names/index.ts';
import type { AnswerMemory } from '../answers/answer-memory.ts';
import { answerFlags } from '../answers/answer-memory.ts';
import { answerTo, isBelow, zoneSuffix } from './forward.ts';
import type { Message, ResourceRecord } from '../wire/message.ts';
import { headerFlags, rcodes } from '../wire/protocol.ts';
import type { Forwarder } from '../query-handler.ts';

export interface CacheOptions {
  /** Answers of each kind. The one stored longest ago goes first. Default 9984 each, as CoreDNS. */
  readonly capacity?: { readonly success: number; readonly denial: number };
  /** Bounds for what an answer says of its own life. Defaults 3600 s, 1800 s, and 5 s at least. */
  readonly maxPositiveSeconds?: number;
  readonly maxNegativeSeconds?: number;
  readonly minPositiveSeconds?: number;
  readonly minNegativeSeconds?: number;
  /** How long a failure (SERVFAIL, NOTIMP) is remembered: just long enough to spare the upstream a storm. Default 5 s. */
  readonly failureSeconds?: number;
  /** Hits have the TTL that the answer came with, not what is left of it. */
  readonly keepsTtl?: boolean;
  /** Zones whose answers of a kind are not kept. */
  readonly disabled?: { readonly success: readonly string[]; readonly denial: readonly string[] };
  /** How long after its end an answer may still serve when no upstream answers (RFC 8767). Default 0: never. */
  readonly staleSeconds?: number;
  /** A stale answer is given at once and asked for anew behind the client's back, instead of only when no upstream answers. */
  readonly staleAtOnce?: boolean;
  /** Answers asked for so often within this time are asked for anew when so little of their life is left. */
  readonly prefetch?: PrefetchOptions;
  /** Milliseconds of any clock that does not go back. */
  readonly nowMs: () => number;
  /** Where threads find what is remembered here; not with `keepsTtl`, which is not how they answer. */
  readonly shared?: AnswerMemory | undefined;
}

export interface PrefetchOptions {
  readonly leastHits: number;
  /** Hits further apart than this begin the count anew. */
  readonly withinMs: number;
  /** 0 to 1. */
  readonly shareLeft: number;
}

/** Counts for metrics. */
export interface CacheCounts {
  readonly hits: { readonly success: number; readonly denial: number };
  readonly misses: number;
  readonly evictions: { readonly success: number; readonly denial: number };
  readonly servedStale: number;
  /** Answers whose question is not that of the query. */
  readonly drops: number;
  readonly prefetches: number;
}

/** A forwarder with a memory. */
export interface CachingForwarder extends Forwarder {
  readonly counts: CacheCounts;
  readonly entries: { readonly success: number; readonly denial: number };
}

interface Entry {
  readonly answer: Message;
  readonly storedMs: number;
  readonly lifeSeconds: number;
  hits: number;
  lastHitMs: number;
  /** When it was last asked for anew without its being replaced; -Infinity: never. */
  refreshedMs: number;
}

/** Puts a cache before a forwarder. */
export function createCachingForwarder(next: Forwarder, options: CacheOptions): CachingForwarder {
  const capacity = options.capacity ?? { success: 9_984, denial: 9_984 };
  const disabled = {
    success: (options.disabled?.success ?? []).map(zoneSuffix),
    denial: (options.disabled?.denial ?? []).map(zoneSuffix),
  };
  const stores = { success: new Map<string, Entry>(), denial: new Map<string, Entry>() };
  const counts = {
    hits: { success: 0, denial: 0 },
    misses: 0,
    evictions: { success: 0, denial: 0 },
    servedStale: 0,
    prefetches: 0,
    drops: 0,
  };

  const remember = (key: string, answer: Message, query: Message): void => {
    const kind = kindOf(answer);
    if (kind === undefined) return;
    const name = lowerCaseWire(answer.questions[0]?.name ?? '\0');
    if (disabled[kind].some((zone) => isBelow(name, zone))) return;
    const lifeSeconds = lifeOf(answer, kind, options);
    const store = stores[kind];
    store.delete(key);
    if (store.size >= capacity[kind]) {
      const [oldest] = store.keys();
      if (oldest !== undefined) store.delete(oldest);
      counts.evictions[kind]++;
    }
    const nowMs = options.nowMs();
    store.set(key, { answer, storedMs: nowMs, lifeSeconds, hits: 0, lastHitMs: nowMs, refreshedMs: -Infinity });
    // Near its end threads leave it to us, who count and ask anew.
    const sharedSeconds = Math.floor(lifeSeconds * (1 - (options.prefetch?.shareLeft ?? 0)));
    if (options.keepsTtl !== true)
      options.shared?.put(answer, answerFlags(query.edns?.isDnssecOk === true, query.flags), sharedSeconds, kind === 'denial');
    // A name has one state: what is known anew replaces what was known of the other kind. A failure of the server says nothing of the name.
    if (answer.rcode !== rcodes.SERVFAIL) stores[kind === 'success' ? 'denial' : 'success'].delete(key);
  };

  /** Asks anew behind the client's back, once at a time. Only what says something of the name replaces what was known. */
  const refresh = (key: string, entry: Entry, query: Message, how: ForwardHow): void => {
    if (options.nowMs() - entry.refreshedMs < recheckMs) return;
    entry.refreshedMs = options.nowMs();
    counts.prefetches++;
    void next.forward(query, how).then(
      (answer) => {
        if (answer.rcode === rcodes.NOERROR || answer.rcode === rcodes.NXDOMAIN) remember(key, answer, query);
      },
      // what is known stays; the next hit asks again
      () => undefined,
    );
  };

  const isPopular = (entry: Entry, ageSeconds: number): boolean => {
    const { prefetch } = options;
    if (prefetch === undefined) return false;
    const nowMs = options.nowMs();
    entry.hits = nowMs - entry.lastHitMs > prefetch.withinMs ? 1 : entry.hits + 1;
    entry.lastHitMs = nowMs;
    return entry.hits >= prefetch.leastHits && entry.lifeSeconds - ageSeconds <= entry.lifeSeconds * prefetch.shareLeft;
  };

  return {
    counts,
    get entries() {
      return { success: stores.success.size, denial: stores.denial.size };
    },
    async forward(query, how) {
      const [question] = query.questions;
      if (question === undefined) return next.forward(query, how);
      const checking = query.flags & headerFlags.CD;
      const key = `${question.type} ${question.class} ${query.edns?.isDnssecOk === true ? 1 : 0}${checking} ${lowerCaseWire(question.name)}`;
      for (const kind of ['success', 'denial'] as const) {
        const entry = stores[kind].get(key);
        const ageSeconds = entry === undefined ? 0 : Math.floor((options.nowMs() - entry.storedMs) / 1000);
        if (entry === undefined || ageSeconds >= entry.lifeSeconds) continue;
        counts.hits[kind]++;
        if (isPopular(entry, ageSeconds)) refresh(key, entry, query, how);
        return answerTo(query, withLife(entry.answer, entry.lifeSeconds - (options.keepsTtl === true ? 0 : ageSeconds)));
      }
      counts.misses++;
      const isStale = (entry: Entry): boolean =>
        entry.answer.rcode !== rcodes.SERVFAIL &&
        options.nowMs() - entry.storedMs < (entry.lifeSeconds + (options.staleSeconds ?? 0)) * 1000;
      const serveStale = (entry: Entry): Message => {
        counts.servedStale++;
        return answerTo(query, withLife(entry.answer, staleTtlSeconds));
      };
      const known = stores.success.get(key) ?? stores.denial.get(key);
      if (options.staleAtOnce === true && known !== undefined && isStale(known)) {
        refresh(key, known, query, how);
        return serveStale(known);
      }
      const answer = await next.forward(query, how);
      if (answer.rcode === rcodes.SERVFAIL) {
        const stale = stores.success.get(key) ?? stores.denial.get(key);
        if (stale !== undefined && isStale(stale)) return serveStale(stale);
      }
      const echoed = answer.questions[0];
      if (echoed !== undefined && lowerCaseWire(echoed.name) === lowerCaseWire(question.name)) remember(key, answer, query);
      else counts.drops++;
      return answer;
    },
    async close() {
      await next.close();
    },
  };
}

type ForwardHow = Parameters<Forwarder['forward']>[1];

/** RFC 8767 §5: how long a failed refresh keeps us from another. */
const recheckMs = 30_000;
/** RFC 8767 §5: TTL of a stale answer. */
const staleTtlSeconds = 30;

/** Where an answer may be kept, or undefined when it may not: cut, without the SOA that says how long, or of a code that says nothing lasting. */
function kindOf(answer: Message): 'success' | 'denial' | undefined {
  if ((answer.flags & headerFlags.TC) !== 0) return undefined;
  if (answer.rcode === rcodes.SERVFAIL || answer.rcode === rcodes.NOTIMP) return 'denial';
  const hasSoa = answer.authorities.some((record) => record.type === rrTypes.SOA);
  if (answer.rcode === rcodes.NXDOMAIN) return hasSoa ? 'denial' : undefined;
  if (answer.rcode !== rcodes.NOERROR) return undefined;
  const asked = answer.questions[0]?.type;
  if (answer.answers.some((record) => record.type === asked)) return 'success';
  return hasSoa ? 'denial' : undefined;
}

function lifeOf(answer: Message, kind: 'success' | 'denial', options: CacheOptions): number {
  if (answer.rcode === rcodes.SERVFAIL || answer.rcode === rcodes.NOTIMP) return options.failureSeconds ?? 5;
  const ttls = [...answer.answers, ...answer.authorities, ...answer.additionals].map(ttlOf);
  const [most, least] =
    kind === 'success'
      ? [options.maxPositiveSeconds ?? 3_600, options.minPositiveSeconds ?? 5]
      : [options.maxNegativeSeconds ?? 1_800, options.minNegativeSeconds ?? 5];
  return Math.max(least, Math.min(most, ...ttls));
}

/** RFC 2308 §5: a denial lives as long as the lesser of the SOA record's TTL and its minimum field. */
function ttlOf(record: ResourceRecord): number {
  if (record.type !== rrTypes.SOA || record.data.length < 4) return record.ttlSeconds;
  const { data } = record;
  return Math.min(record.ttlSeconds, new DataView(data.buffer, data.byteOffset, data.length).getUint32(data.length - 4));
}

function withLife(answer: Message, ttlSeconds: number): Message {
  const age = (records: readonly ResourceRecord[]): ResourceRecord[] => records.map((record) => ({ ...record, ttlSeconds }));
  return { ...answer, answers: age(answer.answers), authorities: age(answer.authorities), additionals: age(answer.additionals) };
}
