/** A pod's life on a node: containers, probes, logs, volumes, status. */
export * from './container-kind.ts';
export * from './echo-answers.ts';
export * from './echo-server.ts';
export * from './kubelet.ts';
export * from './node-status.ts';
export * from './pod-access.ts';
export * from './resolv-conf.ts';
export type * from './runtime.ts';
