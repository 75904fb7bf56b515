/** The rules of Services: what is filled in, what is refused, what is carried from one version to the next. */
export * from './carry-over.ts';
export * from './cluster-ip-validation.ts';
export * from './cluster-ips.ts';
export * from './defaults.ts';
export * from './ip-families.ts';
export * from './ip-texts.ts';
export * from './load-balancer-validation.ts';
export * from './predicates.ts';
export * from './topology-keys.ts';
export * from './validation.ts';
export * from './warnings.ts';
