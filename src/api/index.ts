/** Kubernetes kinds as schemas, and everything that follows from a schema alone. Pure. */
export * from './schema.ts';
export * from './resource.ts';
export * from './kinds/index.ts';
