/** Sending real requests from places of the lab, and saying what came back. */
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { CodedError } from '../observe/index.ts';
import { decodeMessage, encodeMessage } from '../dns/index.ts';
import type { ResourceRecord } from '../dns/index.ts';
import { formatName, mustEncodeName, rrTypes } from '../names/index.ts';
import { formatHostPort, formatIp } from '../net/index.ts';

/** A place of the lab as text: `pod/NAMESPACE/NAME`, `node/NAME`, `outside`. */
export type PlaceText = string;

/** Opening sockets at places; the lab fulfils it. */
export interface Dialer {
  dialTcp(place: PlaceText, target: { readonly address: string; readonly port: number }, options: DialOptions): Promise<Socket>;
  /** Sends one datagram and resolves to the first answer. */
  exchangeUdp(
    place: PlaceText,
    target: { readonly address: string; readonly port: number },
    payload: Uint8Array,
    options: DialOptions,
  ): Promise<Uint8Array>;
}

export interface DialOptions {
  /** Source address, one of the place's own. */
  readonly localAddress?: string | undefined;
  readonly timeoutMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What an echo pod says of itself and of its client. */
export interface EchoAnswer {
  readonly pod: string;
  readonly namespace: string;
  readonly node: string;
  /** The client's address as the pod saw it. */
  readonly client: string;
}

export interface NameAnswer {
  /** 0 NOERROR, 3 NXDOMAIN, … */
  readonly rcode: number;
  /** `TYPE data` for each record of the answer section, in order. */
  readonly records: readonly string[];
}

/** No answer: `timeout` (silence), `refused`, or what the system said. */
export class ProbeError extends CodedError<{ readonly code: 'timeout' | 'refused' | 'failed'; readonly target: string }> {}

const defaultTimeoutMs = 2000;

/** Sends requests through a dialer. Every method throws `ProbeError` when no answer comes. */
export class Prober {
  readonly #dialer: Dialer;

  constructor(dialer: Dialer) {
    this.#dialer = dialer;
  }

  /** One HTTP GET over a connection of its own. */
  async get(
    place: PlaceText,
    target: { readonly address: string; readonly port: number; readonly path?: string },
    options: {
      readonly localAddress?: string;
      readonly timeoutMs?: number;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<HttpAnswer> {
    const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    const name = formatHostPort(target.address, target.port);
    try {
      const socket = await this.#dialer.dialTcp(place, target, { localAddress: options.localAddress, timeoutMs });
      return await httpGet(socket, target, options.headers ?? {}, timeoutMs);
    } catch (error) {
      throw asProbeError(error, name);
    }
  }

  /** Asks an echo pod who it is. */
  async ask(
    place: PlaceText,
    target: { readonly address: string; readonly port: number },
    options: { readonly localAddress?: string; readonly timeoutMs?: number } = {},
  ): Promise<EchoAnswer> {
    const answer = await this.get(place, target, { ...options, headers: { accept: 'application/json' } });
    return JSON.parse(answer.body) as EchoAnswer;
  }

  /** Asks an echo pod who it is by UDP. */
  async askUdp(
    place: PlaceText,
    target: { readonly address: string; readonly port: number },
    options: { readonly localAddress?: string; readonly timeoutMs?: number } = {},
  ): Promise<EchoAnswer> {
    const answer = await this.#exchange(place, target, new TextEncoder().encode('who\n'), options);
    const match = /^pod (\S+) node (\S+) client (\S+)/.exec(new TextDecoder().decode(answer));
    return { pod: match?.[1] ?? '', namespace: '', node: match?.[2] ?? '', client: match?.[3] ?? '' };
  }

  /** One DNS query, to the cluster's name server unless another is given. `name` is absolute. */
  async resolve(place: PlaceText, name: string, type: keyof typeof rrTypes, server = '10.96.0.10'): Promise<NameAnswer> {
    const query = encodeMessage({
      id: Math.floor(Math.random() * 65_536),
      flags: 0x0100,
      rcode: 0,
      questions: [{ name: mustEncodeName(name.endsWith('.') ? name : `${name}.`), type: rrTypes[type], class: 1 }],
      answers: [],
      authorities: [],
      additionals: [],
    });
    const message = decodeMessage(await this.#exchange(place, { address: server, port: 53 }, query, {}));
    return { rcode: message.rcode, records: message.answers.map(recordText) };
  }

  async #exchange(
    place: PlaceText,
    target: { readonly address: string; readonly port: number },
    payload: Uint8Array,
    options: { readonly localAddress?: string; readonly timeoutMs?: number },
  ): Promise<Uint8Array> {
    try {
      return await this.#dialer.exchangeUdp(place, target, payload, {
        localAddress: options.localAddress,
        timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
      });
    } catch (error) {
      throw asProbeError(error, formatHostPort(target.address, target.port));
    }
  }
}

function httpGet(
  socket: Socket,
  target: { readonly address: string; readonly port: number; readonly path?: string },
  headers: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        createConnection: () => socket,
        host: target.address,
        port: target.port,
        path: target.path ?? '/',
        headers: { ...headers, connection: 'close' },
        timeout: timeoutMs,
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (body += chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      },
    );
    asked.on('timeout', () => asked.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })));
    asked.on('error', reject);
    asked.end();
  });
}

function asProbeError(error: unknown, target: string): ProbeError {
  if (error instanceof ProbeError) return error;
  const code = errnoOf(error);
  if (code === 'ETIMEDOUT' || code === 'ABORT_ERR')
    return new ProbeError(`${target}: no answer`, { code: 'timeout', target }, { cause: error });
  if (code === 'ECONNREFUSED') return new ProbeError(`${target}: refused`, { code: 'refused', target }, { cause: error });
  const text = error instanceof Error ? error.message : String(error);
  return new ProbeError(`${target}: ${text}`, { code: 'failed', target }, { cause: error });
}

/** The errno name of a system error, however it is wrapped. */
function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') return code;
  return errnoOf(error.cause);
}

function recordText(record: ResourceRecord): string {
  const { type, data } = record;
  if (type === rrTypes.A) return `A ${formatIp({ family: 'IPv4', bytes: data })}`;
  if (type === rrTypes.AAAA) return `AAAA ${formatIp({ family: 'IPv6', bytes: data })}`;
  if (type === rrTypes.CNAME) return `CNAME ${formatName(String.fromCharCode(...data))}`;
  return `TYPE${type}`;
}
