/** A pod's life on a node: containers, probes, logs, volumes, status. */
export * from './container-kind.ts';
export * from './echo-answers.ts';
export * from './kubelet.ts';
export * from './node-status.ts';
export * from './pod-access.ts';
export type * from './resolv-conf.ts';
export type * from './runtime.ts';
