/** `-p LOCAL:NAMESPACE/SERVICE:PORT`: a port of this host's loopback that leads to a Service of the lab. */
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { services } from '../api/index.ts';
import type { Service } from '../api/index.ts';
import type { Cluster } from '../cluster/index.ts';
import { isPort } from '../net/index.ts';
import { CodedError } from '../observe/index.ts';

export interface Publication {
  readonly localPort: number;
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
}

/** A `-p` that cannot be understood, or whose port or Service is not to be had. */
export class PublishError extends CodedError<{
  readonly code: 'bad-publication' | 'port-taken' | 'no-service';
  readonly text: string;
}> {}

/** Reads `8080:shop/web:80`; the namespace may be left out (`8080:web:80`). Throws `PublishError`. */
export function parsePublication(text: string): Publication {
  const match = /^(\d+):(?:([a-z0-9-]+)\/)?([a-z0-9-]+):(\d+)$/.exec(text);
  const localPort = Number(match?.[1]);
  const port = Number(match?.[4]);
  if (match === null || !isPort(localPort) || !isPort(port)) {
    throw new PublishError(`-p ${text}: write LOCAL-PORT:NAMESPACE/SERVICE:PORT, for example 8080:default/web:80`, {
      code: 'bad-publication',
      text,
    });
  }
  return { localPort, namespace: match[2] ?? 'default', service: match[3] ?? '', port };
}

/** Opens the port. Each connection asks for the Service anew, so it may come, change and go meanwhile. */
export async function publish(cluster: Cluster, publication: Publication): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (client) => void connect(cluster, publication, client));
  await new Promise<void>((done, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const text = `127.0.0.1:${publication.localPort}`;
      const why =
        error.code === 'EADDRINUSE'
          ? 'is taken; choose another local port'
          : error.code === 'EACCES'
            ? 'is for root alone; choose a local port above 1023'
            : `cannot be opened: ${error.message}`;
      fail(new PublishError(`-p: ${text} ${why}`, { code: 'port-taken', text }));
    });
    server.listen(publication.localPort, '127.0.0.1', done);
  });
  return server;
}

async function connect(cluster: Cluster, publication: Publication, client: Socket): Promise<void> {
  client.on('error', () => client.destroy());
  try {
    const service = cluster.informers.of(services).get(`${publication.namespace}/${publication.service}`);
    const { place, address, port } = entranceOf(cluster, service, publication);
    const server = await cluster.lab.place(place).dial({ address, port }, { timeoutMs: 10_000 });
    server.on('error', () => client.destroy());
    // one that has gone meanwhile says so no more
    if (client.destroyed) server.destroy();
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
    client.pipe(server).pipe(client);
  } catch {
    // the client sees what a client of an unreachable Service sees: the connection ends
    client.destroy();
  }
}

/** From outside where the Service can be reached from there, else from the first node, where cluster IPs are known. */
function entranceOf(
  cluster: Cluster,
  service: Service | undefined,
  publication: Publication,
): { place: string; address: string; port: number } {
  const wanted = service?.spec?.ports?.find((port) => port.port === publication.port);
  if (service === undefined || wanted === undefined) {
    const text = `${publication.namespace}/${publication.service}:${publication.port}`;
    throw new PublishError(`there is no Service port ${text}`, { code: 'no-service', text });
  }
  const balancer = service.status?.loadBalancer?.ingress?.[0]?.ip;
  if (balancer !== undefined) return { place: 'outside', address: balancer, port: wanted.port };
  const [node] = cluster.lab.nodes;
  const nodeAddress = node?.nodeAddresses[0] ?? '';
  if (wanted.nodePort !== undefined && wanted.nodePort > 0 && service.spec?.externalTrafficPolicy !== 'Local') {
    return { place: 'outside', address: nodeAddress, port: wanted.nodePort };
  }
  return { place: `node/${node?.name ?? ''}`, address: service.spec?.clusterIP ?? '', port: wanted.port };
}
