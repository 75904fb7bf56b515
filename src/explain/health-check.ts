/** A health-check node port: answered by the node's proxy itself, by whether the Service has a ready endpoint there. Pure. */
import type { Service } from '../api/index.ts';
import { formatHostPort, ipFamilyOf } from '../net/index.ts';
import { reasonText } from '../routing/index.ts';
import { ending } from './ending.ts';
import type { Base } from './ending.ts';
import type { ExcludedEndpoint, Explanation, Step } from './explanation.ts';
import { decideOn } from './frontends.ts';
import { excludedPods, troubleText, whoIs } from './route.ts';
import { nameOf } from './world.ts';
import type { World } from './world.ts';

/** Pods that are named before the rest is only counted. */
const shown = 3;

/** The answer of the node at this port, if it is the health-check port of a Service that the node answers for. */
export function explainHealthCheck(
  world: World,
  nodeName: string,
  { address, port }: { readonly address: string; readonly port: number },
  base: Base,
  steps: readonly Step[],
): Explanation | undefined {
  const service = world.services.find((candidate) => candidate.spec?.healthCheckNodePort === port);
  if (service === undefined) return undefined;
  const family = ipFamilyOf(address) ?? 'IPv4';
  const { healthCheck, ports } = decideOn(world, service, nodeName, family);
  if (healthCheck === undefined) return undefined;
  const { localReadyCount: count } = healthCheck;
  const lines = ports[0]?.endpoints ?? [];
  const ready = lines.filter((line) => line.isLocal && line.conditions.ready);
  const text = `${formatHostPort(address, port)}/TCP is the health-check node port of Service ${nameOf(service)}: the proxy of ${nodeName} answers it, no pod`;
  const excluded = lines
    .filter((line) => !ready.includes(line))
    .map((line): ExcludedEndpoint => {
      const reason = line.local ?? line.cluster;
      const why = reason.used ? 'terminating, which is not ready' : reasonText(reason);
      return {
        address: line.address,
        ...(line.port === undefined ? {} : { port: line.port }),
        ...whoIs(line),
        code: reason.code,
        reason: `${why}${troubleText(world, whoIs(line).pod, reason.code)}`,
      };
    });
  return ending(
    base,
    'direct',
    answerOf(
      nodeName,
      count,
      ready.map((line) => whoIs(line).pod ?? line.address),
      service,
    ),
    [...steps, { code: 'health-check', text }],
    {
      service: nameOf(service),
      excluded: [...excluded, ...excludedPods(world, service, family)],
    },
  );
}

function answerOf(nodeName: string, count: number, ready: readonly string[], service: Service): string {
  if (count === 0)
    return `${nodeName} answers 503: no endpoint of ${nameOf(service)} is ready on it, so load balancers send it nothing`;
  const rest = ready.length > shown ? ` and ${ready.length - shown} more` : '';
  const names = `${ready.slice(0, shown).join(', ')}${rest}`;
  return `${nodeName} answers 200: ${names} ${count === 1 ? 'is' : 'are'} ready on it, so load balancers may send to it`;
}
