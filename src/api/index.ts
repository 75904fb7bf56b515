/** Kubernetes kinds as schemas, and everything that follows from a schema alone. Pure. */
export * from './schema.ts';
export * from './resource.ts';
export * from './kinds/index.ts';
export * from './field-errors.ts';
export * from './selectors.ts';
export * from './service/index.ts';
export * from './status.ts';
export * from './validation/identifiers.ts';
// Both the schema language and the field errors have a `required`: here the name is the schema's.
export { required } from './schema.ts';
export { required as requiredValue } from './field-errors.ts';
export * from './json-text.ts';
export * from './kind-lookup.ts';
export * from './normal-form.ts';
export * from './patch/json-merge-patch.ts';
export * from './patch/json-patch.ts';
export * from './patch/strategic-merge-patch.ts';
export * from './protobuf.ts';
export * from './quantity.ts';
export * from './strict.ts';
export * from './timestamps.ts';
export * from './openapi/documents.ts';
export * from './table/age.ts';
export * from './table/table.ts';
export { podStatusText } from './table/pod-cells.ts';
export { setDefaults } from './defaults/defaults.ts';
export { setPodTemplateDefaults } from './defaults/pod-defaults.ts';
