/** A name server without names of its own: every query goes to its forwarder. */
import type { Logger } from '../observe/index.ts';
import { CodedError, messageOf } from '../observe/index.ts';
import type { DnsListen } from './sockets/bind-sockets.ts';
import { bindSockets } from './sockets/bind-sockets.ts';
import { encodeWithin } from './wire/encode-within.ts';
import { emptyAnswer } from './forwarding/forward.ts';
import type { Message } from './wire/message.ts';
import { decodeMessage, MessageError } from './wire/message.ts';
import { headerFlags, maxMessageBytes, maxUdpPacketBytes, opcodes, plainUdpBytes, rcodes } from './wire/protocol.ts';
import type { Forwarder, QueryHandler } from './query-handler.ts';

/** A running forwarding server. */
export interface ForwardingServer {
  readonly addresses: readonly { readonly protocol: 'UDP' | 'TCP'; readonly address: string; readonly port: number }[];
  /** Closes its sockets. The forwarder is left to whoever made it. */
  close(): Promise<void>;
}

/** Starts answering. Rejects with the system's error, nothing left open, when a socket cannot be bound. */
export async function startForwardingServer(
  options: { readonly listen: DnsListen; readonly forwarder: Forwarder },
  { logger }: { readonly logger: Logger },
): Promise<ForwardingServer> {
  const handle: QueryHandler = async (packet, length, { isTcp }) => {
    let query: Message;
    try {
      query = decodeMessage(packet.slice(0, length));
    } catch (error) {
      // what is no message gets no answer: it may have been sent to provoke one
      if (error instanceof MessageError) return [];
      throw error;
    }
    if ((query.flags & headerFlags.QR) !== 0) return [];
    return [await answerOf(query, isTcp)];
  };

  const answerOf = async (query: Message, isTcp: boolean): Promise<Uint8Array> => {
    const asked = query.edns?.udpBytes ?? plainUdpBytes;
    const maxBytes = isTcp ? maxMessageBytes : Math.min(maxUdpPacketBytes, Math.max(plainUdpBytes, asked));
    return encodeWithin(await answerOrCode(query, isTcp, maxBytes), maxBytes);
  };

  const answerOrCode = async (query: Message, isTcp: boolean, maxBytes: number): Promise<Message> => {
    if (((query.flags >> 11) & 15) !== opcodes.QUERY) return emptyAnswer(query, rcodes.NOTIMP);
    if (query.questions.length !== 1) return emptyAnswer(query, rcodes.FORMERR);
    try {
      return await options.forwarder.forward(query, { isTcp, maxBytes });
    } catch (error) {
      logger.error({ err: error, problem: messageOf(error) }, 'query failed');
      return emptyAnswer(query, rcodes.SERVFAIL);
    }
  };

  const makeWorker = (): never => {
    throw new CodedError('a forwarding server has no threads', { code: 'no-threads' });
  };
  const { udp, tcp } = await bindSockets(
    { listen: options.listen, handle, makeWorker, udpWorkers: 0, tcpTimeouts: undefined },
    { logger },
  );
  return {
    addresses: [
      ...udp.map((service) => ({ protocol: 'UDP' as const, ...service.address })),
      ...tcp.map((service) => ({ protocol: 'TCP' as const, ...service.address })),
    ],
    async close() {
      await Promise.all([...udp, ...tcp].map((service) => service.close()));
    },
  };
}
