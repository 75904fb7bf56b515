/** Names that are not ours: asks servers elsewhere, one after the other until one has an answer. */
import { randomInt } from 'node:crypto';
import { lowerCaseWire, mustEncodeName } from '../../names/index.ts';
import type { Logger } from '../../observe/index.ts';
import { messageOf } from '../../observe/index.ts';
import type { Message } from '../wire/message.ts';
import { headerFlags, rcodes } from '../wire/protocol.ts';
import type { Forwarder } from '../query-handler.ts';
import type { UpstreamAddress } from './upstream-line.ts';
import type { UpstreamCounts } from './upstream.ts';
import { Upstream } from './upstream.ts';

export interface ForwardOptions {
  /** In order of preference for policy `sequential`. At most 15. */
  readonly upstreams: readonly UpstreamAddress[];
  /** Which healthy server is asked first. Default `random`. */
  readonly policy?: 'random' | 'round_robin' | 'sequential';
  /** Answer codes that make us ask the next server. Default SERVFAIL and REFUSED: one sick server of several then hurts no one. */
  readonly failover?: readonly number[];
  /** Names (and all below) that are not forwarded: REFUSED. */
  readonly except?: readonly string[];
  /** Queries under way at once; beyond it REFUSED, which no cache keeps. Default 1000. */
  readonly maxConcurrent?: number;
  /** Ask over TCP whatever the client used. */
  readonly forceTcp?: boolean;
  /** Ask over UDP first whatever the client used, over TCP when the answer was cut. */
  readonly preferUdp?: boolean;
  /** For one query, all servers together. Default 5000 ms. */
  readonly totalMs?: number;
  /** For one try. Default 2000 ms. */
  readonly tryMs?: number;
  readonly maxFails?: number;
  readonly probeEveryMs?: number;
  /** How long a socket or connection to a server is used. Default 10 s. */
  readonly lineAgeMs?: number;
  /** SERVFAIL at once when every server is down, instead of one try all the same. */
  readonly failsFast?: boolean;
  /** Whether this very server answers there: such are left out of `upstreams`, with a warning, for a server that asks itself never ends. */
  readonly isOwn?: (to: UpstreamAddress) => boolean;
}

/** Counts for metrics. */
export interface ForwardCounts {
  readonly rejects: number;
  readonly coalesced: number;
  /** All servers were down and one was asked all the same. */
  readonly healthBroken: number;
  /** Queries of our own that came back. */
  readonly loops: number;
}

/** A forwarder and what it counted. */
export interface ServerForwarder extends Forwarder {
  readonly counts: ForwardCounts;
  readonly upstreams: readonly { readonly name: string; readonly isDown: boolean; readonly counts: UpstreamCounts }[];
}

/**
 * Forwards to servers. A query of our own that comes back to us, known by id and question, is SERVFAIL at once: its server leads
 * here, and the next one is asked. Identical queries under way are asked once; that also ends loops that lead through others, who
 * give ids of their own: what comes back then joins itself, waits until its time is out and is SERVFAIL.
 */
export function createForwarder(options: ForwardOptions, { logger }: { readonly logger: Logger }): ServerForwarder {
  const isOwn = options.isOwn ?? (() => false);
  for (const to of options.upstreams.filter(isOwn)) logger.warn({ ...to }, 'upstream is this server itself: left out');
  const upstreams = options.upstreams
    .filter((to) => !isOwn(to))
    .map(
      (to) =>
        new Upstream(
          {
            to,
            randomId: () => randomInt(0x1_0000),
            ...(options.maxFails === undefined ? {} : { maxFails: options.maxFails }),
            ...(options.probeEveryMs === undefined ? {} : { probeEveryMs: options.probeEveryMs }),
            ...(options.lineAgeMs === undefined ? {} : { lineAgeMs: options.lineAgeMs }),
          },
          { logger },
        ),
    );
  const except = (options.except ?? []).map(zoneSuffix);
  const failover = new Set(options.failover ?? [rcodes.SERVFAIL, rcodes.REFUSED]);
  const underWay = new Map<string, Promise<Message>>();
  const counts = { rejects: 0, coalesced: 0, healthBroken: 0, loops: 0 };
  let turn = 0;

  const order = (): readonly Upstream[] => {
    const healthy = upstreams.some(isDown) ? upstreams.filter((upstream) => !upstream.isDown) : upstreams;
    if (healthy.length === 0 && upstreams.length > 0) {
      if (options.failsFast === true) {
        counts.healthBroken++;
        return [];
      }
      // All down: health may be wrong, so one is tried all the same.
      counts.healthBroken++;
      return [upstreams[randomInt(upstreams.length)] as Upstream];
    }
    const first =
      options.policy === 'sequential'
        ? 0
        : options.policy === 'round_robin'
          ? turn++ % healthy.length
          : randomInt(Math.max(1, healthy.length));
    return first === 0 ? healthy : [...healthy.slice(first), ...healthy.slice(0, first)];
  };

  /** Whatever happens it is an answer. */
  const askAll = async (query: Message, isTcp: boolean): Promise<Message> => {
    const deadlineMs = performance.now() + (options.totalMs ?? 5_000);
    const servers = order();
    let refused: Message | undefined;
    for (let attempt = 0; attempt < servers.length * 2; attempt++) {
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) break;
      const server = servers[attempt % servers.length] as Upstream;
      try {
        const answer = await server.ask(query, isTcp, Math.min(options.tryMs ?? 2_000, leftMs));
        if (!failover.has(answer.rcode)) return answer;
        refused = answer;
        // Each server has had its say: the last one's answer stands.
        if (attempt >= servers.length - 1) return answer;
      } catch (error) {
        logger.debug({ upstream: server.name, problem: messageOf(error) }, 'upstream failed');
      }
    }
    return refused ?? emptyAnswer(query, rcodes.SERVFAIL);
  };

  const askOverUdpFirst = async (query: Message): Promise<Message> => {
    const answer = await askAll(query, false);
    return (answer.flags & headerFlags.TC) === 0 ? answer : askAll(query, true);
  };

  // a promise for each layer is most of what a query costs here: no more of them than needed
  const askOnce = (query: Message, isTcp: boolean): Promise<Message> => {
    if (options.forceTcp === true) return askAll(query, true);
    return options.preferUdp === true ? askOverUdpFirst(query) : askAll(query, isTcp);
  };

  const warned = new Set<Upstream>();
  const warnOfLoop = (upstream: Upstream): void => {
    counts.loops++;
    if (warned.has(upstream)) return;
    warned.add(upstream);
    logger.warn({ upstream: upstream.name }, 'this server asks itself: what is sent to the upstream comes back here');
  };

  return {
    counts,
    upstreams,
    forward(query, { isTcp }) {
      const atOnce = (rcode: number): Promise<Message> => Promise.resolve(emptyAnswer(query, rcode));
      const question = query.questions[0];
      if (question === undefined) return atOnce(rcodes.FORMERR);
      const name = lowerCaseWire(question.name);
      if (except.some((suffix) => isBelow(name, suffix))) return atOnce(rcodes.REFUSED);
      const { edns } = query;
      // the name, which has an end, and what else makes two queries the same one, a character for each
      const kind = (isTcp ? 1 : 0) | (query.flags & headerFlags.CD) | (edns === undefined ? 0 : edns.isDnssecOk ? 6 : 2);
      const key = name + String.fromCharCode(question.type, question.class, kind, edns?.udpBytes ?? 0);
      const known = underWay.get(key);
      if (known !== undefined) {
        const looping = upstreams.find((upstream) => upstream.isAsking(query));
        if (looping !== undefined) {
          warnOfLoop(looping);
          return atOnce(rcodes.SERVFAIL);
        }
        counts.coalesced++;
        return known.then((answer) => answerTo(query, answer));
      }
      if (underWay.size >= (options.maxConcurrent ?? 1_000)) {
        counts.rejects++;
        return atOnce(rcodes.REFUSED);
      }
      const asking = askOnce(query, isTcp);
      underWay.set(key, asking);
      // this hears of it first, before those who joined
      return asking.then(
        (answer) => {
          underWay.delete(key);
          return answerTo(query, answer);
        },
        (error: unknown) => {
          underWay.delete(key);
          throw error;
        },
      );
    },
    async close() {
      for (const upstream of upstreams) upstream.close();
    },
  };
}

function isDown(upstream: Upstream): boolean {
  return upstream.isDown;
}

/** Sends each name to the forwarder of the longest zone that it is in. Keys are zones (`.` for all). Without one it is REFUSED. */
export function createZoneForwarder(zones: ReadonlyMap<string, Forwarder>): Forwarder {
  const byLength = [...zones]
    .map(([zone, forwarder]) => ({ wire: zoneSuffix(zone), forwarder }))
    .sort((a, b) => b.wire.length - a.wire.length);
  return {
    forward(query, options) {
      const name = lowerCaseWire(query.questions[0]?.name ?? '\0');
      const zone = byLength.find(({ wire }) => isBelow(name, wire));
      return zone === undefined ? Promise.resolve(emptyAnswer(query, rcodes.REFUSED)) : zone.forwarder.forward(query, options);
    },
    async close() {
      await Promise.all([...zones.values()].map((forwarder) => forwarder.close()));
    },
  };
}

/** An answer without records. */
export function emptyAnswer(query: Message, rcode: number): Message {
  const { id, questions, edns } = query;
  const flags = headerFlags.QR | headerFlags.RA | (query.flags & (headerFlags.RD | headerFlags.CD));
  const message = { id, flags, rcode, questions, answers: [], authorities: [], additionals: [] };
  return edns === undefined ? message : { ...message, edns: { ...edns, version: 0 } };
}

/** Someone else's answer as the answer to this query: its id, its letter case, EDNS iff it had EDNS, AD only when asked for. */
export function answerTo(query: Message, answer: Message): Message {
  const { edns } = query;
  const wantsAd = (query.flags & headerFlags.AD) !== 0 || edns?.isDnssecOk === true;
  const copied = headerFlags.RD | headerFlags.CD;
  const kept = answer.flags & ~copied & (wantsAd ? 0xffff : ~headerFlags.AD);
  const { answers, authorities, additionals, rcode } = answer;
  const flags = headerFlags.QR | kept | (query.flags & copied);
  const { id, questions } = query;
  if (edns === undefined) return { id, flags, rcode: rcode & 15, questions, answers, authorities, additionals };
  const { udpBytes, isDnssecOk } = edns;
  return { id, flags, rcode, questions, answers, authorities, additionals, edns: { udpBytes, version: 0, isDnssecOk } };
}

/** A zone's name as `isBelow` wants it: absolute wire form, lower case. Throws `TypeError` for what is no name. */
export function zoneSuffix(zone: string): string {
  return `${lowerCaseWire(mustEncodeName(zone))}\0`;
}

/** Whether a name is a zone or in it. Both absolute wire form and lower case. */
export function isBelow(name: string, zone: string): boolean {
  if (!name.endsWith(zone)) return false;
  let at = 0;
  while (at < name.length - zone.length) at += 1 + name.charCodeAt(at);
  return at === name.length - zone.length;
}
