/** Kubernetes objects -> DNS records: the index of every name of a cluster, and why a name has no answer. Pure. */
export * from './endpoint-views.ts';
export * from './explain-name.ts';
export * from './explanation.ts';
export * from './name-index.ts';
export { NameReader, addressBytes, roots, rrsetForms } from './name-reader.ts';
export * from './name-servers.ts';
export * from './name-table.ts';
export * from './pod-addresses.ts';
export * from './pod-label.ts';
export * from './rrset.ts';
export * from './served-names.ts';
export * from './service-records.ts';
export * from './wire-name.ts';
