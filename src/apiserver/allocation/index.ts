/** Cluster IPs, node ports and health-check ports of Services: who holds which, and the writes that change it. */
export * from './service-strategy.ts';
