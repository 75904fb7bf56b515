/**
 * The health-check node ports: one HTTP listener per port and family in the node's namespace, by which a load balancer sees whether a
 * Service with externalTrafficPolicy Local has a ready endpoint here. Source: k8s pkg/proxy/healthcheck v1.36.
 */
import type { Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { IpFamily } from '../../net/index.ts';
import type { Logger } from '../../observe/index.ts';
import { limitHttp, messageOf } from '../../observe/index.ts';

/** Opens a listening TCP socket in the node's namespace and hands over its descriptor. An IPv6 one must not take IPv4 as well. */
export type Listen = (address: string, port: number) => Promise<number>;

/** What one port answers. */
export interface HealthCheck {
  readonly namespace: string;
  readonly name: string;
  readonly localReadyCount: number;
}

export interface HealthCheckServersOptions {
  readonly listen: Listen;
  /** Whether the agent itself keeps up; otherwise every port answers 503. */
  readonly isHealthy: () => boolean;
  /** A listener could not be opened; it is tried again at the next `sync`. */
  readonly onFailure?: (check: HealthCheck & { readonly port: number }, error: unknown) => void;
}

interface Listener {
  readonly server: Server;
  check: HealthCheck;
  readonly opened: Promise<void>;
}

export class HealthCheckServers {
  readonly #options: HealthCheckServersOptions;
  readonly #logger: Logger;
  readonly #listeners = new Map<string, Listener>();

  /** Family and port of those that failed to listen. */
  readonly #failures = new Set<string>();

  constructor(options: HealthCheckServersOptions, context: { readonly logger: Logger }) {
    this.#options = options;
    this.#logger = context.logger;
  }

  /** Some port could not be had: the next `sync` will try again. */
  get hasFailures(): boolean {
    return this.#failures.size > 0;
  }

  /** Makes the listeners of one family those of `checks` (by port). New counts hold for the next request. */
  async sync(family: IpFamily, checks: ReadonlyMap<number, HealthCheck>): Promise<void> {
    for (const key of this.#failures) if (key.startsWith(`${family} `)) this.#failures.delete(key);
    const closing: Promise<void>[] = [];
    for (const [key, listener] of this.#listeners) {
      const [ownFamily, port] = key.split(' ');
      if (ownFamily === family && !checks.has(Number(port))) {
        this.#listeners.delete(key);
        closing.push(this.#close(listener));
      }
    }
    await Promise.all(closing);
    for (const [port, check] of checks) {
      const key = `${family} ${port}`;
      const known = this.#listeners.get(key);
      if (known === undefined) this.#open(key, family, port, check);
      else known.check = check;
    }
    await Promise.all([...this.#listeners.values()].map((listener) => listener.opened));
  }

  async stop(): Promise<void> {
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    await Promise.all(listeners.map((listener) => this.#close(listener)));
  }

  #open(key: string, family: IpFamily, port: number, check: HealthCheck): void {
    const server = createServer((_request, response) => this.#answer(listener.check, response));
    limitHttp(server);
    const listener: Listener = { server, check, opened: this.#listen(key, server, family, port, check) };
    this.#listeners.set(key, listener);
  }

  /** Never rejects: a port that cannot be had is logged, reported and tried again at the next sync. */
  async #listen(key: string, server: Server, family: IpFamily, port: number, check: HealthCheck): Promise<void> {
    try {
      const fd = await this.#options.listen(family === 'IPv4' ? '0.0.0.0' : '::', port);
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ fd }, () => {
          server.off('error', reject);
          server.on('error', (error) => this.#logger.warn({ port, error: messageOf(error) }, 'health-check listener failed'));
          resolve();
        });
      });
    } catch (error) {
      if (this.#listeners.get(key)?.server === server) this.#listeners.delete(key);
      this.#failures.add(key);
      this.#logger.warn(
        { service: `${check.namespace}/${check.name}`, port, error: messageOf(error) },
        'health-check node port failed to listen',
      );
      this.#options.onFailure?.({ ...check, port }, error);
    }
  }

  async #close({ server, opened }: Listener): Promise<void> {
    await opened;
    if (!server.listening) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  #answer({ namespace, name, localReadyCount }: HealthCheck, response: ServerResponse): void {
    const isHealthy = this.#options.isHealthy();
    response.writeHead(localReadyCount > 0 && isHealthy ? 200 : 503, {
      'Content-Type': 'application/json',
      'X-Content-Type-Options': 'nosniff',
      'X-Load-Balancing-Endpoint-Weight': String(localReadyCount),
    });
    response.end(
      JSON.stringify(
        { service: { namespace, name }, localEndpoints: localReadyCount, serviceProxyHealthy: isHealthy },
        undefined,
        '\t',
      ),
    );
  }
}
