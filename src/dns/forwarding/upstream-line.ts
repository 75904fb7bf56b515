/** Ways to another name server: a connected UDP socket, a TCP connection. Each carries many queries at once, told apart by id. */
import { createSocket } from 'node:dgram';
import type { Socket as UdpSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connectUdp } from '../../linux/index.ts';
import type { ConnectedUdp, ConnectedUdpHandlers } from '../../linux/index.ts';
import { CodedError } from '../../observe/index.ts';
import { lowerCaseWire } from '../../names/index.ts';
import type { Message } from '../wire/message.ts';
import { decodeMessage, writeMessage } from '../wire/message.ts';
import { headerFlags } from '../wire/protocol.ts';

/** Thrown when a server elsewhere gives no usable answer. */
export class UpstreamError extends CodedError<{ readonly code: 'timeout' | 'unreachable' | 'closed' | 'busy' }> {}

/** Where another name server answers. */
export interface UpstreamAddress {
  readonly address: string;
  readonly port: number;
}

/** A way to one server. */
export interface UpstreamLine {
  /** Sends the query under an id of the line's own and resolves to the answer to it, whose id is the query's again. Rejects with `UpstreamError`. */
  ask(query: Message, timeoutMs: number): Promise<Message>;
  /** Whether this very query, id and question, is one that was sent here and waits for its answer. */
  isAsking(query: Message): boolean;
  /** Whether it can still be asked. */
  readonly isOpen: boolean;
  /** How many answers are awaited. */
  readonly pending: number;
  close(): void;
}

interface Waiting {
  readonly query: Message;
  readonly resolve: (answer: Message) => void;
  readonly reject: (error: UpstreamError) => void;
  readonly timer: NodeJS.Timeout;
}

/** Queries under way on one line, by the id that they were sent with. */
class Ledger {
  readonly #waiting = new Map<number, Waiting>();
  readonly #randomId: () => number;

  constructor(randomId: () => number) {
    this.#randomId = randomId;
  }

  get size(): number {
    return this.#waiting.size;
  }

  has(query: Message): boolean {
    const waiting = this.#waiting.get(query.id);
    return waiting !== undefined && isAnswerTo(query, waiting.query);
  }

  /** Sends through `send`, which must use the bytes up, under a fresh random id, and waits. */
  post(query: Message, timeoutMs: number, send: (bytes: Uint8Array) => void): Promise<Message> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.size > maxPending) throw new UpstreamError('too many queries under way', { code: 'busy' });
      let id = this.#randomId();
      while (this.#waiting.has(id)) id = (id + 1) & 0xffff;
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new UpstreamError('no answer in time', { code: 'timeout' }));
      }, timeoutMs);
      this.#waiting.set(id, { query, resolve, reject, timer });
      send(writeMessage(query, id));
    });
  }

  /** Gives an answer to whoever waits for it. Anything else (late, forged, garbled) is passed over: the query may still be answered. */
  receive(bytes: Uint8Array): void {
    let answer: Message;
    try {
      answer = decodeMessage(bytes);
    } catch {
      // Not a message: as good as not sent. The wait ends in time-out and another server is asked.
      return;
    }
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined || (answer.flags & headerFlags.QR) === 0 || !isAnswerTo(answer, waiting.query)) return;
    this.#waiting.delete(answer.id);
    clearTimeout(waiting.timer);
    waiting.resolve({ ...answer, id: waiting.query.id });
  }

  fail(error: UpstreamError): void {
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#waiting.clear();
  }
}

/** A connected UDP socket: the kernel drops what comes from elsewhere and reports refusals. One that cannot be made is a closed line. */
export function openUdpLine(to: UpstreamAddress, randomId: () => number): UpstreamLine {
  const ledger = new Ledger(randomId);
  let isOpen = true;
  const end = (error: UpstreamError): void => {
    isOpen = false;
    ledger.fail(error);
  };
  let socket: ConnectedUdp;
  try {
    // with the system's calls where they can be had
    socket = (process.platform === 'linux' ? connectUdp : connectDgram)(to, {
      onDatagram: (bytes) => ledger.receive(bytes),
      onError: (cause) => end(new UpstreamError('server is not reachable', { code: 'unreachable' }, { cause })),
    });
  } catch (cause) {
    return closedLine(new UpstreamError('server is not reachable', { code: 'unreachable' }, { cause }));
  }
  const send = (bytes: Uint8Array): void => socket.send(bytes);
  return {
    ask: (query, timeoutMs) => ledger.post(query, timeoutMs, send),
    isAsking: (query) => ledger.has(query),
    get isOpen() {
      return isOpen;
    },
    get pending() {
      return ledger.size;
    },
    close() {
      if (!isOpen) return;
      socket.close();
      end(new UpstreamError('line was closed', { code: 'closed' }));
    },
  };
}

function closedLine(error: UpstreamError): UpstreamLine {
  return {
    ask: () => Promise.reject(error),
    isAsking: () => false,
    isOpen: false,
    pending: 0,
    close: () => undefined,
  };
}

function connectDgram(to: UpstreamAddress, handlers: ConnectedUdpHandlers): ConnectedUdp {
  const socket: UdpSocket = createSocket(to.address.includes(':') ? 'udp6' : 'udp4');
  let isOpen = true;
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    socket.close();
  };
  socket.on('message', handlers.onDatagram);
  socket.on('error', (error) => {
    close();
    handlers.onError(error);
  });
  const { promise: connected, resolve } = Promise.withResolvers<void>();
  socket.connect(to.port, to.address, resolve);
  return {
    send(bytes) {
      const copy = bytes.slice();
      void connected.then(() => {
        if (isOpen) socket.send(copy);
      });
    },
    close,
  };
}

/** A TCP connection with pipelined queries (RFC 7766 §6.2.1). */
export function openTcpLine(to: UpstreamAddress, randomId: () => number): UpstreamLine {
  const socket: Socket = connect({ host: to.address, port: to.port, noDelay: true });
  const ledger = new Ledger(randomId);
  let isOpen = true;
  let received: Buffer = Buffer.alloc(0);
  const close = (error: UpstreamError): void => {
    if (!isOpen) return;
    isOpen = false;
    ledger.fail(error);
    socket.destroy();
  };
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0);
      ledger.receive(received.subarray(2, end));
      received = received.subarray(end);
    }
  });
  socket.on('error', (cause) => close(new UpstreamError('server is not reachable', { code: 'unreachable' }, { cause })));
  socket.on('close', () => close(new UpstreamError('server closed the connection', { code: 'closed' })));
  return {
    async ask(query, timeoutMs) {
      return ledger.post(query, timeoutMs, (bytes) => {
        const framed = Buffer.allocUnsafe(2 + bytes.length);
        framed.writeUInt16BE(bytes.length, 0);
        framed.set(bytes, 2);
        socket.write(framed);
      });
    },
    isAsking: (query) => ledger.has(query),
    get isOpen() {
      return isOpen;
    },
    get pending() {
      return ledger.size;
    },
    close: () => close(new UpstreamError('line was closed', { code: 'closed' })),
  };
}

/** Ids are 16 bits; beyond this one would wait for a free one. */
const maxPending = 16_384;

function isAnswerTo(answer: Message, query: Message): boolean {
  const asked = query.questions[0];
  const echoed = answer.questions[0];
  // A server may leave the question out of an error (FORMERR of old servers).
  if (echoed === undefined) return answer.rcode !== 0;
  return (
    asked !== undefined &&
    answer.questions.length === 1 &&
    echoed.type === asked.type &&
    echoed.class === asked.class &&
    lowerCaseWire(echoed.name) === lowerCaseWire(asked.name)
  );
}
