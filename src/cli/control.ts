/** The lab's own door for other commands of the same user: a Unix socket, one JSON request and one JSON answer per connection, a line each. */
import { chmodSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { AffinityEntry } from '../agent/index.ts';
import { CodedError, messageOf } from '../observe/index.ts';

/** What can be asked, and what is answered. */
interface ControlOperations {
  /** How to enter a place as a person names it; `namespace` completes a pod's name. */
  readonly place: { readonly ask: { readonly place: string; readonly namespace: string }; readonly answer: PlaceEntry };
  /** Plugs a node in or pulls its plug. */
  readonly node: { readonly ask: { readonly node: string; readonly isUp: boolean }; readonly answer: null };
  /** Heals or cuts the way between two nodes, or a node and `outside`. */
  readonly link: { readonly ask: { readonly a: string; readonly b: string; readonly isWhole: boolean }; readonly answer: null };
  /** Who is pinned where. */
  readonly affinity: { readonly ask: { readonly filter: PinFilter }; readonly answer: readonly AffinityPin[] };
  /** Forgets pins; answers how many. */
  readonly 'clear-affinity': { readonly ask: { readonly filter: PinFilter }; readonly answer: number };
  /** Never answered: the connection ends with the lab. */
  readonly wait: { readonly ask: object; readonly answer: never };
}

export type ControlOperation = keyof ControlOperations;

export type ControlRequest<Op extends ControlOperation = ControlOperation> = {
  readonly [Each in Op]: { readonly op: Each } & ControlOperations[Each]['ask'];
}[Op];

export type ControlAnswer<Op extends ControlOperation> = ControlOperations[Op]['answer'];

/** Which pins are meant: all that are given must fit. */
export interface PinFilter {
  readonly node?: string;
  /** `namespace/name`. */
  readonly service?: string;
  /** Address of the client. */
  readonly client?: string;
}

/** One client that is pinned to one endpoint, on one node. */
export interface AffinityPin extends AffinityEntry {
  readonly node: string;
  /** `namespace/name` of the endpoint's pod, if it is one. */
  readonly pod?: string;
}

/** How to enter a place, from outside the lab's namespaces. */
export interface PlaceEntry {
  /** `pod/NS/NAME`, `node/NAME` or `outside`. */
  readonly place: string;
  /** Descriptor of the network namespace in the lab's process: /proc/PID/fd/N. */
  readonly namespaceFd: number;
  /** Content for /etc/resolv.conf there. */
  readonly resolvConf: string;
  /** Content for /etc/hosts there. */
  readonly hosts: string;
  readonly hostname: string;
}

/** Answers what is asked for; `wait` never comes to it. */
export type ControlHandler = (request: Exclude<ControlRequest, ControlRequest<'wait'>>) => Promise<unknown>;

type Answer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly message: string; readonly code: string };

/** The lab refused; its message is for the user. */
export class ControlError extends CodedError<{ readonly code: string }> {}

/** Serves requests on a socket that only this user may open. */
export async function serveControl(path: string, handle: ControlHandler): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    // a client may go at any time, before it has asked as well: without a listener that would end the lab
    socket.on('error', () => socket.destroy());
    void answer(socket, handle);
  });
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(path, done);
  });
  chmodSync(path, 0o600);
  return server;
}

/** Asks the lab behind the socket. Throws `ControlError` with the lab's own words, or when nobody answers. */
export async function askLab<Op extends ControlOperation>(path: string, request: ControlRequest<Op>): Promise<ControlAnswer<Op>> {
  const said = await exchange(path, request as ControlRequest);
  if (said.ok) return said.result as ControlAnswer<Op>;
  throw new ControlError(said.message, { code: said.code });
}

/** Resolves when the lab behind the socket ends, however it does; `forget` stops the waiting. */
export function untilLabEnds(path: string): { readonly ended: Promise<void>; forget(): void } {
  const socket = createConnection(path);
  const request: ControlRequest<'wait'> = { op: 'wait' };
  // not ended: by its end the lab knows that nobody waits any more
  socket.write(`${JSON.stringify(request)}\n`);
  socket.resume();
  // an error is an end too
  socket.on('error', () => undefined);
  return { ended: new Promise((resolve) => socket.once('close', () => resolve())), forget: () => socket.destroy() };
}

async function exchange(path: string, request: ControlRequest): Promise<Answer> {
  const socket = createConnection({ path, allowHalfOpen: true });
  try {
    socket.end(`${JSON.stringify(request)}\n`);
    return JSON.parse(await readLine(socket)) as Answer;
  } catch (error) {
    throw new ControlError(`the lab does not answer: ${messageOf(error)}`, { code: 'no-answer' }, { cause: error });
  }
}

async function answer(socket: Socket, handle: ControlHandler): Promise<void> {
  let said: Answer;
  try {
    const request = JSON.parse(await readLine(socket)) as ControlRequest;
    if (request.op === 'wait') {
      socket.once('end', () => socket.end()).resume();
      return;
    }
    said = { ok: true, result: (await handle(request)) ?? null };
  } catch (error) {
    said = { ok: false, message: messageOf(error), code: error instanceof CodedError ? error.code : 'failed' };
  }
  socket.end(`${JSON.stringify(said)}\n`);
}

/** What comes up to the end of a line, or of everything. */
async function readLine(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8');
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.endsWith('\n')) break;
  }
  return text;
}
