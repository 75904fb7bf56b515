/** Cluster IPs, node ports and health-check ports of Services: who holds which, and the writes that change it. */
export * from './create-service-strategy.ts';
export * from './ip-allocator.ts';
export * from './memory-addresses.ts';
export * from './port-allocator.ts';
export * from './service-ranges.ts';
export * from './service-strategy.ts';
