/** Any Kubernetes API server: kubeconfig, requests, watch streams, informers, work queues, events. */
export * from './back-off.ts';
export * from './client.ts';
export * from './clock.ts';
export * from './errors.ts';
export * from './event-recorder.ts';
export * from './indexed-store.ts';
export * from './informer.ts';
export * from './informers.ts';
export * from './kubeconfig.ts';
export * from './leader-election.ts';
export * from './object-key.ts';
export * from './resource-path.ts';
export * from './types.ts';
export * from './work-queue.ts';
