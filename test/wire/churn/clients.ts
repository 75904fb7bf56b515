/** Everybody who answers and everybody who asks in the churn: servers on all endpoints, single questions, and connections that stay. */
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import type { IpFamily } from '../../../src/net/index.ts';
import type { AgentLab, Answer, UdpClient } from '../agent-lab.ts';
import { answerOf, podAddress } from '../agent-lab.ts';
import type { Question } from './expected-answer.ts';
import { backendAddress, backendPorts, backends } from './random-cluster.ts';

/** Whoever answered: `address port` as endpoints are named, and the source that it saw. */
export interface Served {
  readonly endpoint: string;
  readonly source: string;
}

/** How long an answer may take that is to come, and one that is not: the counters tell whether it was refused or dropped. */
export const servedTimeoutMs = 3000;
export const quickMs = 40;

/** Starts a TCP and a UDP server for each endpoint: name, port and client's address first, then what it is sent. */
export async function startBackends(lab: AgentLab): Promise<() => void> {
  const closers: (() => void)[] = [];
  for (const name of backends) {
    const { namespace } = lab.place(name);
    for (const family of ['IPv4', 'IPv6'] as const) {
      for (const port of backendPorts) {
        const bind = { address: backendAddress(name, family), port };
        const server = createServer((socket) => {
          socket.on('error', () => undefined).write(`${name} ${port} ${socket.remoteAddress ?? ''}\n`);
          socket.pipe(socket);
        });
        await lab.thread.listenTcp(namespace, server, bind);
        const udp = await lab.thread.openUdp(namespace, { bind });
        udp.on('message', (_message, remote) => udp.send(`${name} ${port} ${remote.address}`, remote.port, remote.address));
        closers.push(
          () => server.close(),
          () => udp.close(),
        );
      }
    }
  }
  return () => {
    for (const close of closers) close();
  };
}

/** What an answer says of who gave it; undefined where nobody served. */
export function servedIn(answer: Answer, family: IpFamily): Served | undefined {
  const [, name = '', port = '', source = ''] = /^(\w+) (\d+) (\S+)/.exec(answer) ?? [];
  if (name === '') return undefined;
  return { endpoint: `${backendAddress(name, family)} ${port}`, source: source.replace('::ffff:', '') };
}

/** The address that a client has who asks from here; `number` tells those of the outside apart. */
export function clientAddress(from: string, family: IpFamily, number: number): string {
  if (from === 'outside') return family === 'IPv4' ? `10.0.9.${number}` : `fd00:0:0:9::${number}`;
  return from.startsWith('n') ? backendAddress(from, family) : podAddress(from, family);
}

export class Clients {
  readonly #lab: AgentLab;
  /** Ports are never used twice: conntrack remembers flows for longer than the sockets live. */
  readonly #ports = new Map<string, number>();
  /** Connections that stay open whatever happens to their Service. */
  readonly #held: Socket[] = [];

  constructor(lab: AgentLab) {
    this.#lab = lab;
  }

  /** Asks once. `isQuick`: nobody is expected to answer. `isHeld`: the connection stays open, for `pingHeld`. */
  async ask(question: Question, options: { readonly isQuick: boolean; readonly isHeld?: boolean }): Promise<Answer> {
    const timeoutMs = options.isQuick ? quickMs : servedTimeoutMs;
    if (question.protocol === 'TCP') return await this.#askTcp(question, timeoutMs, options.isHeld === true);
    const client = await this.openTalker(question);
    try {
      return await client.ask(timeoutMs);
    } finally {
      client.close();
    }
  }

  /** A UDP client that keeps its socket. */
  async openTalker({ from, client, address, port }: Question): Promise<UdpClient> {
    const own = (this.#ports.get(from) ?? 20_000) + 1;
    this.#ports.set(from, own > 60_000 ? 20_000 : own);
    const any = address.includes(':') ? '::' : '0.0.0.0';
    return await this.#lab.openUdpClient(from, address, port, { address: from === 'outside' ? client : any, port: own });
  }

  get heldCount(): number {
    return this.#held.length;
  }

  /** Sends something over the n-th open connection and answers what comes back. */
  async pingHeld(index: number): Promise<string> {
    const socket = this.#held[index];
    return socket === undefined
      ? 'no such connection'
      : await firstText(socket, servedTimeoutMs, () => socket.write('still there?'));
  }

  /** Closes the oldest open connection. */
  dropHeld(): void {
    this.#held.shift()?.destroy();
  }

  close(): void {
    for (const socket of this.#held) socket.destroy();
  }

  async #askTcp({ from, client, address, port }: Question, timeoutMs: number, isHeld: boolean): Promise<Answer> {
    try {
      const socket = await this.#lab.thread.connectTcp(
        this.#lab.place(from).namespace,
        { address, port },
        { timeoutMs, ...(from === 'outside' ? { bind: { address: client, port: 0 } } : {}) },
      );
      // what still happens to it once it is let go of is nobody's concern
      socket.on('error', () => undefined);
      const text = await firstText(socket, timeoutMs);
      if (isHeld) this.#held.push(socket);
      else socket.destroy();
      return text;
    } catch (error) {
      return answerOf(error);
    }
  }
}

/** The next text of a connection, `closed` when it ends first, `silence` when nothing comes. Rejects with the socket's error. */
function firstText(socket: Socket, timeoutMs: number, act: () => void = () => undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(() => resolve('silence')), timeoutMs);
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('error', onError).off('close', onClose);
      finish();
    };
    const onData = (chunk: Buffer): void => settle(() => resolve(chunk.toString().trim()));
    const onError = (error: Error): void => settle(() => reject(error));
    const onClose = (): void => settle(() => resolve('closed'));
    socket.on('data', onData).on('error', onError).on('close', onClose);
    act();
  });
}
