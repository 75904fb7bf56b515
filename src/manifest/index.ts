/** YAML and JSON files -> objects with file, line and column. */
export * from './parse.ts';
export * from './read.ts';
export * from './refusal.ts';
export * from './yaml-document.ts';
