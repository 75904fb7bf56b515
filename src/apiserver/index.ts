/** The embedded Kubernetes API server. */
export * from './start.ts';
export * from './node-access.ts';
export type { ApiObject, Snapshot, Store, StoredObject, StoreEvent } from './store/index.ts';
export type { AdvertisedAddress } from './kinds/seed.ts';
export { JournalError } from './store/index.ts';
export { ListenError } from './http/server.ts';
export { kubeconfigText } from './security/kubeconfig.ts';
export type { KubeconfigFacts } from './security/kubeconfig.ts';
