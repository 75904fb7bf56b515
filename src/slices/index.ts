/** Service + Pods + Nodes -> EndpointSlices, Endpoints, mirrored slices, with reasons. Pure. */
export * from './hints.ts';
export * from './legacy-endpoints.ts';
export * from './mirror.ts';
export * from './packing.ts';
export * from './pod-endpoints.ts';
export * from './reconcile.ts';
export * from './subsets.ts';
export * from './topology-hints.ts';
