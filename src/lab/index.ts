/** Nodes, pods' namespaces, links, the outside world, load-balancer routes; enter a place, dial from a place. */
export * from './address-plan.ts';
export type { LoadBalancer } from './balancer.ts';
export * from './errors.ts';
export * from './lab.ts';
export * from './lab-node.ts';
export type { DialOptions, Place } from './site.ts';
