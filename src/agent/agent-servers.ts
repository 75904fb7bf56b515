/**
 * The agent's own HTTP: `/healthz` and `/livez` for load balancers and the kubelet, and for operators `/metrics`, `/proxyMode`,
 * `/configz` and `/debug/routes`, the decisions as JSON. Source of the former: k8s pkg/proxy/healthcheck/proxy_health.go and
 * cmd/kube-proxy/app/server.go v1.36.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { IpFamily } from '../net/index.ts';
import type { Logger } from '../observe/index.ts';
import { limitHttp, messageOf, metricsContentType } from '../observe/index.ts';
import type { Agent } from './agent.ts';
import type { Listen } from './health/health-check-servers.ts';

/** An address and port of the node's namespace. */
export interface Bind {
  readonly address: string;
  readonly port: number;
}

export interface AgentServersOptions {
  readonly agent: Pick<Agent, 'health' | 'metrics' | 'metricsRegistry' | 'isNodeEligible' | 'families' | 'decide' | 'decisions'>;
  readonly listen: Listen;
  /** Where `/healthz` and `/livez` answer: kube-proxy's is 0.0.0.0:10256. Absent: nowhere. */
  readonly healthz?: Bind;
  /** Where the rest answers: kube-proxy's is 127.0.0.1:10249, since decisions are nobody else's business. Absent: nowhere. */
  readonly metrics?: Bind;
  /** What `/configz` shows. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** A connection without a request for this long is closed, so that a stop is not held up. */
const keepAliveMs = 5000;

export class AgentServers {
  readonly #options: AgentServersOptions;
  readonly #logger: Logger;
  readonly #servers: Server[] = [];

  constructor(options: AgentServersOptions, context: { readonly logger: Logger }) {
    this.#options = options;
    this.#logger = context.logger;
  }

  /** Opens the ports. Rejects when one cannot be had; those that were opened are closed again. */
  async start(): Promise<void> {
    const { healthz, metrics } = this.#options;
    try {
      if (healthz !== undefined) await this.#open(healthz, (request, response) => this.#answerHealth(request, response));
      if (metrics !== undefined) await this.#open(metrics, (request, response) => this.#answerOperator(request, response));
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#servers.splice(0).map(
        (server) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
          }),
      ),
    );
  }

  async #open({ address, port }: Bind, answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<void> {
    const fd = await this.#options.listen(address, port);
    const server = createServer({ keepAliveTimeout: keepAliveMs }, (request, response) => {
      try {
        answer(request, response);
      } catch (error) {
        this.#logger.warn({ url: request.url, error: messageOf(error) }, 'answering failed');
        if (!response.headersSent) send(response, 500, 'text/plain; charset=utf-8', `${messageOf(error)}\n`);
        else response.destroy();
      }
    });
    limitHttp(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ fd }, () => {
        server.off('error', reject);
        // say, no descriptor is left for another connection: those that are there go on
        server.on('error', (error) => this.#logger.warn({ error: messageOf(error) }, 'http listener failed'));
        resolve();
      });
    });
    this.#servers.push(server);
  }

  #answerHealth(request: IncomingMessage, response: ServerResponse): void {
    const path = pathOf(request);
    if (path === '/healthz') this.#healthz(response);
    else if (path === '/livez') this.#livez(response);
    else send(response, 404, 'text/plain; charset=utf-8', '404 page not found\n');
  }

  #answerOperator(request: IncomingMessage, response: ServerResponse): void {
    const { agent, config } = this.#options;
    switch (pathOf(request)) {
      case '/metrics':
        return send(response, 200, metricsContentType, agent.metricsRegistry.render());
      case '/healthz':
        return this.#healthz(response);
      case '/livez':
        return this.#livez(response);
      case '/proxyMode':
        return send(response, 200, 'text/plain; charset=utf-8', 'nftables');
      case '/configz':
        return sendJson(response, 200, config ?? {});
      case '/debug/routes':
        return this.#routes(request, response);
      default:
        return send(response, 404, 'text/plain; charset=utf-8', '404 page not found\n');
    }
  }

  /** What a load balancer is to know: 503 also while the node is on its way out. */
  #healthz(response: ServerResponse): void {
    const { agent } = this.#options;
    const isEligible = agent.isNodeEligible;
    const { isHealthy } = agent.health;
    const code = isHealthy && isEligible ? 200 : 503;
    agent.metrics.healthz.add(1, String(code));
    sendJson(response, code, this.#report(isEligible));
  }

  /** What the kubelet is to know: whether a restart might help. */
  #livez(response: ServerResponse): void {
    const { agent } = this.#options;
    const code = agent.health.isHealthy ? 200 : 503;
    agent.metrics.livez.add(1, String(code));
    sendJson(response, code, this.#report(undefined));
  }

  #report(nodeEligible: boolean | undefined): object {
    const { isHealthy, lastUpdatedMs, nowMs, families } = this.#options.agent.health.report();
    const time = (ms: number): string => new Date(ms).toISOString();
    return {
      lastUpdated: time(lastUpdatedMs),
      currentTime: time(nowMs),
      ...(nodeEligible === undefined ? {} : { nodeEligible }),
      healthy: isHealthy,
      status: Object.fromEntries(
        [...families].map(([family, status]) => [family, { lastUpdated: time(status.lastUpdatedMs), healthy: status.isHealthy }]),
      ),
    };
  }

  /** `?service=NAMESPACE/NAME` and `?family=IPv4` narrow it down. */
  #routes(request: IncomingMessage, response: ServerResponse): void {
    const { agent } = this.#options;
    const query = new URL(request.url ?? '/', 'http://agent').searchParams;
    const [service, wanted] = [query.get('service'), query.get('family')];
    const families = agent.families.filter((family) => wanted === null || family === wanted);
    const decisionsOf = (family: IpFamily): unknown[] => {
      if (service === null) return agent.decisions(family);
      const decision = agent.decide(service, family);
      return decision === undefined ? [] : [decision];
    };
    sendJson(response, 200, { routes: families.flatMap(decisionsOf) });
  }
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

function sendJson(response: ServerResponse, code: number, value: object): void {
  send(response, code, 'application/json', JSON.stringify(value));
}

function send(response: ServerResponse, code: number, type: string, body: string): void {
  response.writeHead(code, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(body);
}
