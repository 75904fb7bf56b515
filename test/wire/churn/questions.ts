/** Questions at random: mostly to frontends that are there, now and then to what is not. */
import type { SeededRandom } from '../../../bench/shapes/seeded-random.ts';
import type { IpFamily, Protocol } from '../../../src/net/index.ts';
import { clientAddress } from './clients.ts';
import type { NodeRoutes } from './decisions.ts';
import type { Question } from './expected-answer.ts';
import { nodePortAddress } from './expected-answer.ts';
import { backendAddress } from './random-cluster.ts';
import { clusterIp, vips } from './random-service.ts';

const places = ['a1', 'a2', 'a3', 'b1', 'n1', 'n2', 'outside', 'outside', 'outside'] as const;

/** `routes`: by node, of the family. `protocol`: of UDP or TCP, absent: either. */
export function drawQuestion(
  random: SeededRandom,
  routes: ReadonlyMap<string, NodeRoutes>,
  family: IpFamily,
  protocol?: 'TCP' | 'UDP',
): Question {
  const from = random.pick(places);
  const client = clientAddress(from, family, 1 + random.below(7));
  return { from, client, family, ...drawTarget(random, routes, family, protocol) };
}

function drawTarget(
  random: SeededRandom,
  routes: ReadonlyMap<string, NodeRoutes>,
  family: IpFamily,
  protocol: 'TCP' | 'UDP' | undefined,
): { readonly address: string; readonly port: number; readonly protocol: Protocol } {
  const node = random.pick([...routes.keys()]);
  const own = routes.get(node);
  const known = [...(own?.frontends.values() ?? [])]
    .map(({ frontend }) => frontend)
    .filter((frontend) => (protocol === undefined ? frontend.protocol !== 'SCTP' : frontend.protocol === protocol));
  const nodeAddress = (own === undefined ? undefined : nodePortAddress(own)) ?? backendAddress(node, family);
  if (known.length > 0 && random.percent(85)) {
    const { address = nodeAddress, port, protocol: kind } = random.pick(known);
    return { address, port, protocol: kind };
  }
  return {
    ...random.pick([
      { address: clusterIp(1 + random.below(25), family), port: random.pick([80, 81, 443]) },
      { address: random.pick(vips[family]), port: random.pick([80, 81, 443]) },
      { address: nodeAddress, port: 30_000 + random.below(24) },
    ]),
    protocol: protocol ?? random.pick(['TCP', 'UDP']),
  };
}
