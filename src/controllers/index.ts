/** What keeps objects true: workloads, scheduler, garbage, load balancers, endpoints. All through `client/`, as against any API server. */
export * from './controller.ts';
export * from './load-balancer/provider.ts';
export type { LoadBalancerOptions } from './load-balancer/load-balancer-controller.ts';
export * from './start-controllers.ts';
