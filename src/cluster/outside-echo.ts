/** The one server of the rest of the world: an echo on port 80 of `outside`, for Services that point out of the cluster. */
import { EchoServer } from '../kubelet/index.ts';
import type { Place } from '../lab/index.ts';
import type { Logger } from '../observe/index.ts';

/** Its port, TCP and UDP. */
export const outsideEchoPort = 80;

/** Serves on every address of `outside`, answering as pod `outside`. */
export async function startOutsideEcho(outside: Place, { logger }: { readonly logger: Logger }): Promise<EchoServer> {
  const server = new EchoServer(
    {
      identity: { pod: 'outside', namespace: '', node: 'outside', hostname: 'outside', podIPs: outside.addresses },
      network: outside,
      ports: [
        { port: outsideEchoPort, protocol: 'TCP' },
        { port: outsideEchoPort, protocol: 'UDP' },
      ],
      wildcard: outside.addresses.some((address) => address.includes(':')) ? '::' : '0.0.0.0',
      log: (line) => logger.debug({ line }, 'outside echo'),
    },
    { logger },
  );
  await server.start();
  return server;
}
