/** Any Kubernetes API server: kubeconfig, requests, watch streams, informers, work queues. */
export * from './types.ts';
