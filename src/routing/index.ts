/** The decision: which endpoints serve a request, and why not the others. Pure. */
export * from './decision.ts';
export * from './reasons.ts';
export { decide, defaultAffinityTimeoutSeconds, nodesByName, proxyNameLabel, skipReason } from './decide.ts';
export type { DecideInput, DecideOptions } from './decide.ts';
export { compareClaims, frontendKey, settleClaims } from './claims.ts';
export type { Claim } from './claims.ts';
export { topologyKeysAnnotation, topologyKeysOf } from './topology-keys.ts';
export {
  hostnameLabel,
  internalIpsOf,
  regionLabel,
  zoneLabel,
  zoneOf,
  endpointTopologyValue,
  nodeTopologyValue,
} from './node-labels.ts';
export type { NodeLookup } from './node-labels.ts';
export { headlessLabel, serviceNameLabel } from './endpoints.ts';
export { canonicalIp, parseStoredCidr, parseStoredIp, withoutNested } from './addresses.ts';
