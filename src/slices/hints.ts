/** Traffic hints from spec.trafficDistribution (KEP-4444, KEP-3015): only ready endpoints get them. */
import type { EndpointHints } from '../api/index.ts';

/**
 * PreferClose and PreferSameZone hint the endpoint's own zone; PreferSameNode hints its node as well. An endpoint without a
 * zone gets no zone hint. Undefined when there is nothing to hint.
 */
export function hintsFor(
  trafficDistribution: string | undefined,
  zone: string | undefined,
  nodeName: string | undefined,
): EndpointHints | undefined {
  const wantsNode = trafficDistribution === 'PreferSameNode';
  const wantsZone = wantsNode || trafficDistribution === 'PreferSameZone' || trafficDistribution === 'PreferClose';
  const hints: EndpointHints = {
    ...(wantsZone && zone !== undefined && zone !== '' ? { forZones: [{ name: zone }] } : {}),
    ...(wantsNode && nodeName !== undefined && nodeName !== '' ? { forNodes: [{ name: nodeName }] } : {}),
  };
  return hints.forZones === undefined && hints.forNodes === undefined ? undefined : hints;
}
