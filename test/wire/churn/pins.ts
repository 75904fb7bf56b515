/** What is known of affinity: a client that was pinned must come back to its endpoint while the pin is alive, and may go anywhere after. */
import type { Frontend } from '../../../src/routing/index.ts';
import { frontendKey } from '../../../src/routing/index.ts';
import type { NodeRoutes } from './decisions.ts';
import type { Expectation, Question } from './expected-answer.ts';
import { scopeOn } from './expected-answer.ts';

type Served = Extract<Expectation, { kind: 'served' }>;

interface Pin {
  readonly node: string;
  readonly question: Question;
  readonly frontend: string;
  readonly endpoint: string;
  readonly hasOutside: boolean;
  /** What counts as a pod where the packet was translated. */
  readonly podCidrs: string;
  /** On the clock of `performance.now`. */
  readonly endsMs: number;
}

export class Pins {
  readonly #pins = new Map<string, Pin>();

  /** The endpoint that a connection which ends at `nowMs` must have reached; undefined when it may reach any. */
  endpointOf(served: Served, question: Question, nowMs: number): string | undefined {
    const pin = this.#pins.get(keyOf(served, question));
    return pin === undefined || nowMs >= pin.endsMs ? undefined : pin.endpoint;
  }

  /** A connection that was begun at `startMs` has reached this endpoint. `routes`: of the node that translated it. */
  note(
    served: Served,
    question: Question,
    endpoint: string,
    { routes, startMs }: { readonly routes: NodeRoutes; readonly startMs: number },
  ): void {
    const { frontend } = served.routed;
    if (frontend.affinity === undefined) return;
    this.#pins.set(keyOf(served, question), {
      node: served.node,
      question,
      frontend: frontendKey(frontend),
      endpoint,
      hasOutside: hasOutside(frontend),
      podCidrs: podCidrs(routes),
      endsMs: startMs + frontend.affinity.timeoutSeconds * 1000,
    });
  }

  /** To be called after every sync: pins end with their endpoint's place in the list, with affinity, and with a change of scopes. */
  prune(routesOf: (node: string, family: Question['family']) => NodeRoutes): void {
    for (const [key, pin] of this.#pins) {
      const routes = routesOf(pin.node, pin.question.family);
      const frontend = routes.frontends.get(pin.frontend)?.frontend;
      const target = scopeOn(routes, pin.question.from, pin.question.client) === 'outside' ? frontend?.outside : frontend?.inside;
      const isThere =
        target?.kind === 'endpoints' && target.endpoints.some(({ address, port }) => `${address} ${port}` === pin.endpoint);
      const haveScopesMoved = pin.hasOutside && podCidrs(routes) !== pin.podCidrs;
      if (frontend?.affinity === undefined || !isThere || hasOutside(frontend) !== pin.hasOutside || haveScopesMoved)
        this.#pins.delete(key);
    }
  }

  /** After damage that may have taken pins along. */
  forget(): void {
    this.#pins.clear();
  }
}

/** Whether outside clients have rows of their own. */
function hasOutside({ kind, policy, outside }: Frontend): boolean {
  return kind !== 'clusterIP' && policy === 'Local' && outside.kind !== 'reject';
}

function podCidrs({ node }: NodeRoutes): string {
  return JSON.stringify(node?.spec?.podCIDRs);
}

function keyOf({ node, routed }: Served, { client }: Question): string {
  return `${node} ${client} ${frontendKey(routed.frontend)}`;
}
