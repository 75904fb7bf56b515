/** Bounds for the small HTTP servers that probes and scrapes ask: whoever can reach a node can reach them. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export interface HttpLimits {
  /** Connections at once; with one more the oldest ends. Default 256: a probe is done long before so many others have come. */
  readonly most?: number;
  /** A connection on which nothing moves for this long ends, also one whose client does not take its answer. Default 10 s. */
  readonly idleMs?: number;
}

/**
 * Keeps slow and silent clients of a server from holding descriptors, and one more of them from being in the way of a probe. To be called
 * before the server listens.
 */
export function limitHttp(server: Server, { most = 256, idleMs = 10_000 }: HttpLimits = {}): void {
  const open = new Set<Socket>();
  server.headersTimeout = idleMs;
  server.requestTimeout = idleMs;
  server.timeout = idleMs;
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    const [oldest] = open;
    if (open.size > most) oldest?.destroy();
  });
}
