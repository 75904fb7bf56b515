/** Between the sockets and the decision: what the responder leaves open goes to an upstream or to a zone transfer. */
import type { EndpointSlice } from '../api/index.ts';
import type { Logger } from '../observe/index.ts';
import { messageOf } from '../observe/index.ts';
import { parseIp } from '../net/index.ts';
import type { ChainTail, Permutation } from './answers/answer-writer.ts';
import type { AutopathOptions } from './forwarding/autopath.ts';
import { namesAfter, walkSearchPath } from './forwarding/autopath.ts';
import { encodeWithin } from './wire/encode-within.ts';
import { decodeMessage, encodeMessage, encodeRecord, MessageError, queryMessage } from './wire/message.ts';
import type { Message } from './wire/message.ts';
import { headerFlags, maxMessageBytes, maxUdpPacketBytes, plainUdpBytes, rcodes } from './wire/protocol.ts';
import type { Responder } from './answers/responder.ts';
import { outcomes } from './answers/responder.ts';
import { shuffleAddresses } from './answers/shuffle.ts';

/** Asks name servers elsewhere. Expected failures are answers (SERVFAIL), not rejections. */
export interface Forwarder {
  /** `query` is a whole message; so is the answer, with the same id and question. `maxBytes` bounds it (TC is set when it had to be cut). */
  forward(query: Message, options: { readonly isTcp: boolean; readonly maxBytes: number }): Promise<Message>;
  close(): Promise<void>;
}

/** Who asked, over what. */
export interface QueryClient {
  readonly address: string;
  readonly isTcp: boolean;
}

/** Gives a zone away: the messages of an AXFR, or undefined when this client must not have it. */
export type ZoneTransfer = (query: Message, client: QueryClient) => readonly Uint8Array[] | undefined;

/** Is told of every query once it is answered. Called on the hot path: must not allocate. */
export interface QueryObserver {
  /** Any clock, in seconds; its values come back in `answered`. */
  now(): number;
  answered(
    qtype: number,
    isDnssecOk: boolean,
    rcode: number,
    queryBytes: number,
    answerBytes: number,
    client: QueryClient,
    /** Whether the name is not ours. */
    isForwarded: boolean,
    startedSeconds: number,
  ): void;
  /** A query whose handling threw. */
  failed(): void;
  /** A walk of a search path that was ended here. */
  searchCompleted?(): void;
  /** A slice as it has just come from the API. */
  sliceSeen?(slice: EndpointSlice): void;
  /** Memory in which a thread may count (`QueryCounters`). */
  shareCounters?(): SharedArrayBuffer;
}

export interface QueryHandlerParts {
  readonly responder: Responder;
  readonly forwarder?: Forwarder | undefined;
  readonly transfer?: ZoneTransfer | undefined;
  readonly observer?: QueryObserver | undefined;
  /** Walks pods' search paths; the responder must `completesSearch`. Absent: clients do it themselves. */
  readonly autopath?: AutopathOptions | undefined;
  /** The zone of the search paths, in wire form. */
  readonly zoneWire?: string;
  /** Largest UDP answer, as for the responder: also of what comes from elsewhere. Default 1232. */
  readonly maxUdpBytes?: number | undefined;
  /** The order of addresses in forwarded answers. */
  readonly permutation: Permutation;
}

/** In place: `packet[0, length)` becomes the answer. A number is its length (0: say nothing); a promise is an answer that takes longer. */
export type QueryHandler = (packet: Uint8Array, length: number, client: QueryClient) => number | Promise<readonly Uint8Array[]>;

/** Puts the parts together. Never throws: what goes wrong inside is SERVFAIL to the client, counted, and logged. */
export function createQueryHandler(parts: QueryHandlerParts, { logger }: { readonly logger: Logger }): QueryHandler {
  const { responder, forwarder, transfer, observer, permutation, autopath } = parts;
  const maxUdpBytes = parts.maxUdpBytes ?? 1232;

  const fail = (packet: Uint8Array, length: number, client: QueryClient, error: unknown): number => {
    logger.error({ err: error, problem: messageOf(error) }, 'query failed');
    observer?.failed();
    return responder.respondWithError(packet, length, client.isTcp, rcodes.SERVFAIL);
  };

  /** An answer that is written in place: room for a whole one is made only by those ways that need it, and most queries are forwarded. */
  const respond = (query: Uint8Array, client: QueryClient, write: (packet: Uint8Array) => number): readonly Uint8Array[] => {
    const packet = new Uint8Array(client.isTcp ? maxMessageBytes : maxUdpPacketBytes);
    packet.set(query);
    return [packet.slice(0, write(packet))];
  };

  const refuse = (query: Uint8Array, client: QueryClient): readonly Uint8Array[] =>
    respond(query, client, (packet) => responder.respondWithError(packet, query.length, client.isTcp, rcodes.REFUSED));

  /** `startedSeconds`: when the query came; undefined: part of another one, not counted. */
  const elsewhere = async (
    outcome: number,
    query: Uint8Array,
    client: QueryClient,
    target: string,
    startedSeconds: number | undefined,
  ): Promise<readonly Uint8Array[]> => {
    const { qtype, isDnssecOk } = responder.query;
    let message: Message | undefined;
    let messages: readonly Uint8Array[];
    try {
      message = decodeMessage(query);
      if (outcome === outcomes.forward && forwarder !== undefined) {
        const maxBytes = limitOf(message, client);
        const answer = await forwarder.forward(withinLimit(message, client), { isTcp: client.isTcp, maxBytes });
        messages = [encodeWithin(shuffleAddresses(answer, permutation), maxBytes)];
      } else if (outcome === outcomes.transfer) {
        messages = transfer?.(message, client) ?? refuse(query, client);
      } else if (outcome === outcomes.search) {
        messages = [await searched(message, client)];
      } else {
        messages = await chased(message, query, client, target);
      }
    } catch (error) {
      // a record beside the question that only a whole reading shows to be malformed: the client's fault, not ours
      const isMalformed = error instanceof MessageError && message === undefined;
      messages = respond(query, client, (packet) =>
        isMalformed
          ? responder.respondWithError(packet, query.length, client.isTcp, rcodes.FORMERR)
          : fail(packet, query.length, client, error),
      );
    }
    const first = messages[0];
    if (first !== undefined && startedSeconds !== undefined) {
      const rcode = (first[3] ?? 0) & 15;
      const isForwarded = outcome === outcomes.forward;
      observer?.answered(qtype, isDnssecOk, rcode, query.length, first.length, client, isForwarded, startedSeconds);
    }
    return messages;
  };

  /** A chain of aliases that leads out, with what the forwarder says of its last name. */
  const chased = async (
    message: Message,
    query: Uint8Array,
    client: QueryClient,
    target: string,
  ): Promise<readonly Uint8Array[]> => {
    if (forwarder === undefined) return refuse(query, client);
    const type = message.questions[0]?.type ?? 0;
    const { edns, flags } = withinLimit(message, client);
    const asked = {
      ...queryMessage(message.id, target, type, headerFlags.RD | (flags & (headerFlags.CD | headerFlags.AD))),
      ...(edns === undefined ? {} : { edns }),
    };
    const answer = await forwarder.forward(asked, { isTcp: client.isTcp, maxBytes: maxMessageBytes });
    const tail = chainTail(target, shuffleAddresses(answer, permutation));
    return respond(query, client, (packet) => responder.respondWithTail(packet, query.length, client.isTcp, tail));
  };

  const limitOf = (message: Message, client: QueryClient): number =>
    client.isTcp ? maxMessageBytes : Math.min(maxUdpBytes, Math.max(plainUdpBytes, message.edns?.udpBytes ?? plainUdpBytes));

  /** The query with the size that its client may get: that is also the most that an upstream need send. */
  const withinLimit = (message: Message, client: QueryClient): Message => {
    const { edns } = message;
    if (client.isTcp || edns === undefined || edns.udpBytes <= maxUdpBytes) return message;
    return { ...message, edns: { ...edns, udpBytes: Math.min(edns.udpBytes, maxUdpBytes) } };
  };

  /** What a pod's resolver would find if it walked on; or that its first name is missing, so that it does. */
  const searched = async (message: Message, client: QueryClient): Promise<Uint8Array> => {
    const plainly = async (question: Uint8Array): Promise<Uint8Array> => {
      const packet = new Uint8Array(maxMessageBytes);
      packet.set(question);
      // our own names as if over TCP: whole, and cut to size once they have their alias
      const length = responder.respondPlainly(packet, question.length, true);
      if (length > 0) return packet.slice(0, length);
      const [answer] = await elsewhere(length, question, client, responder.chaseTarget, undefined);
      return answer ?? new Uint8Array(0);
    };
    const names = namesAfter(message.questions[0]?.name ?? '\0', parts.zoneWire ?? '', autopath?.search ?? []);
    const lookUp = async (asked: Message): Promise<Message> => decodeMessage(await plainly(encodeMessage(asked)));
    const asked = withinLimit(message, client);
    const found = await walkSearchPath(asked, names, lookUp);
    if (found !== undefined) observer?.searchCompleted?.();
    const answer = found ?? (await lookUp(asked));
    return encodeWithin(
      asked.edns === undefined ? answer : { ...answer, edns: { ...asked.edns, version: 0 } },
      limitOf(message, client),
    );
  };

  return (packet, length, client) => {
    const startedSeconds = observer === undefined ? 0 : observer.now();
    try {
      let outcome = responder.respond(packet, length, client.isTcp);
      if (outcome === outcomes.search && !isFromPod(responder, packet, client))
        outcome = responder.respondPlainly(packet, length, client.isTcp);
      if (outcome < 0) return elsewhere(outcome, packet.slice(0, length), client, responder.chaseTarget, startedSeconds);
      if (outcome > 0 && observer !== undefined) {
        const { query, rcode } = responder;
        observer.answered(query.qtype, query.isDnssecOk, rcode, length, outcome, client, false, startedSeconds);
      }
      return outcome;
    } catch (error) {
      return fail(packet, length, client, error);
    }
  };
}

/** After outcome `search`: whether the client is a pod whose search path the name stands in. */
function isFromPod(responder: Responder, packet: Uint8Array, client: QueryClient): boolean {
  const bytes = parseIp(client.address)?.bytes;
  return bytes !== undefined && responder.isFromPod(packet, bytes, 0, bytes.length);
}

function chainTail(target: string, message: Message): ChainTail {
  return {
    target,
    rcode: message.rcode,
    isTruncated: (message.flags & headerFlags.TC) !== 0,
    answers: message.answers.map(encodeRecord),
    authorities: message.authorities.map(encodeRecord),
  };
}
