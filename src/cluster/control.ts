/** The lab's own door for other commands of the same user: a Unix socket, one JSON request and one JSON answer per connection. */
import { chmodSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { CodedError, messageOf } from '../observe/index.ts';

/** What can be asked. */
export type ControlRequest =
  /** How to enter a place: `pod/NS/NAME`, `node/NAME` or `outside`. */
  { readonly op: 'place'; readonly place: string };

/** How to enter a place, from outside the lab's namespaces. */
export interface PlaceEntry {
  /** Descriptor of the network namespace in the lab's process: /proc/PID/fd/N. */
  readonly namespaceFd: number;
  /** Content for /etc/resolv.conf there. */
  readonly resolvConf: string;
  /** Content for /etc/hosts there. */
  readonly hosts: string;
  readonly hostname: string;
}

export type ControlHandler = (request: ControlRequest) => Promise<unknown>;

type Answer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly message: string; readonly code: string };

/** The lab refused; its message is for the user. */
export class ControlError extends CodedError<{ readonly code: string }> {}

/** Serves requests on a socket that only this user may open. */
export async function serveControl(path: string, handle: ControlHandler): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    void answer(socket, handle);
  });
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(path, done);
  });
  chmodSync(path, 0o600);
  return server;
}

/** Asks the lab behind the socket. Throws `ControlError` with the lab's own words. */
export async function askLab(path: string, request: ControlRequest): Promise<unknown> {
  const socket = createConnection(path);
  socket.end(JSON.stringify(request));
  const said = JSON.parse(await readAll(socket)) as Answer;
  if (said.ok) return said.result;
  throw new ControlError(said.message, { code: said.code });
}

async function answer(socket: Socket, handle: ControlHandler): Promise<void> {
  let said: Answer;
  try {
    said = { ok: true, result: (await handle(JSON.parse(await readAll(socket)) as ControlRequest)) ?? null };
  } catch (error) {
    said = { ok: false, message: messageOf(error), code: error instanceof CodedError ? error.code : 'failed' };
  }
  socket.end(JSON.stringify(said));
}

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8');
  for await (const chunk of socket) text += String(chunk);
  return text;
}
