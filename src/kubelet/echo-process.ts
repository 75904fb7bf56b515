/** Containers that are no process: the echo server, and the idle container that serves nothing. */
import { randomUUID } from 'node:crypto';
import type { Logger } from '../observe/index.ts';
import type { ContainerProcess, ExitResult } from './container-process.ts';
import type { EchoServerOptions } from './echo-server.ts';
import { EchoServer } from './echo-server.ts';
import type { LogBuffer } from './log-buffer.ts';

/**
 * Starts an echo container. Asked to end, it goes on accepting for `drainMs` (never longer than the grace), so that clients
 * that have not heard yet are served, then closes its ports and ends with 0 when the last connection has finished.
 */
export async function startEcho(
  options: Omit<EchoServerOptions, 'log'> & { readonly drainMs: () => number; readonly log: LogBuffer },
  context: { readonly logger: Logger },
): Promise<Omit<ContainerProcess, 'pid' | 'enter'>> {
  const { log } = options;
  const server = new EchoServer({ ...options, log: (line) => log.writeLine(line) }, context);
  await server.start();
  const ports = options.ports.map(({ port, protocol }) => `${port}/${protocol}`).join(', ');
  log.writeLine(ports === '' ? 'no port to serve on: idle' : `echo server on ${ports}`);
  const { promise: exited, resolve } = Promise.withResolvers<ExitResult>();
  const stop = new AbortController();
  let isTerminating = false;
  const finish = (result: ExitResult): void => {
    server.close();
    resolve(result);
  };
  return {
    id: `fairlead://${randomUUID()}`,
    exited,
    terminate(graceMs) {
      if (isTerminating) return;
      isTerminating = true;
      log.writeLine(`terminating: ${server.connectionCount} connections open`);
      void server.drain(Math.min(options.drainMs(), graceMs), stop.signal).then(() => {
        finish({ exitCode: 0, reason: 'Completed' });
      });
    },
    kill() {
      stop.abort();
      finish({ exitCode: 137, signal: 9, reason: 'Error' });
    },
  };
}
