/** Errors with codes, logs, metrics. */
export * from './errors.ts';
export * from './http-limits.ts';
export * from './likeness.ts';
export * from './log.ts';
export * from './metrics.ts';
