/**
 * The schema language: one value per Kubernetes type, from which its TypeScript type, strict field checking, OpenAPI,
 * protobuf decoding and patch merge keys all follow. Pure data; nothing here does input or output.
 */

/** How a scalar or a container is represented in JSON and on the protobuf wire. */
export type SchemaType =
  | 'string'
  | 'boolean'
  | 'int32'
  | 'int64'
  | 'double'
  | 'bytes' // base64 text in JSON
  | 'time' // RFC 3339, whole seconds
  | 'microTime' // RFC 3339, microseconds
  | 'duration'
  | 'quantity'
  | 'intOrString'
  | 'fields' // metav1.FieldsV1: free-form JSON
  | 'raw' // runtime.RawExtension: free-form JSON
  | 'list'
  | 'map'
  | 'object';

/** How lists merge: for strategic merge patch and for server-side apply. Absent means atomic (the list is replaced). */
export interface ListMerge {
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  /** `merge`, `replace`, `retainKeys` or a comma-joined pair (Go struct tag patchStrategy). */
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
}

/** A type. `T` is the TypeScript type of its JSON form and exists for the compiler only. */
export interface Schema<T = unknown> extends ListMerge {
  readonly type: SchemaType;
  /** Definition name as OpenAPI spells it, for objects. */
  readonly name?: string;
  readonly description?: string;
  /** Of an object: JSON member name -> field, in declaration order. */
  readonly fields?: Readonly<Record<string, Field>>;
  /** Of a list or a map: the schema of an item or of a value. */
  readonly items?: Schema;
  readonly mapType?: 'atomic' | 'granular';
  readonly enum?: readonly string[];
  readonly default?: unknown;
  /** Of an object: group, version, kind triples that this definition belongs to. */
  readonly gvk?: readonly (readonly [group: string, version: string, kind: string])[];
  readonly ts?: T;
}

/** A member of an object. */
export interface Field<T = unknown, R extends boolean = boolean> {
  /** Protobuf field number; 0 when the member is not on the wire (apiVersion and kind of a top-level object). */
  readonly proto: number;
  readonly schema: Schema<T>;
  readonly required: R;
  /** Presence carries meaning, even of a zero value (a pointer in Go). */
  readonly pointer: boolean;
  /** A zero value is written all the same (no `omitempty` in Go). */
  readonly keepsZero: boolean;
  /** On the protobuf wire the member stands inside the sub-message of this number, although JSON has it one level up. */
  readonly inlinedIn?: number;
}

/** The TypeScript type of a schema's JSON form. Every member is readonly; optional members also accept `undefined`. */
export type Infer<S> = S extends Schema<infer T> ? T : never;

type FieldFlag = 'pointer' | 'keepsZero';
type Fields = Readonly<Record<string, Field>>;
type RequiredKeys<F extends Fields> = { [K in keyof F]: F[K] extends Field<unknown, true> ? K : never }[keyof F];
type OptionalKeys<F extends Fields> = Exclude<keyof F, RequiredKeys<F>>;
type FieldType<F> = F extends Field<infer T, boolean> ? T : never;
type ObjectType<F extends Fields> = { readonly [K in RequiredKeys<F>]: FieldType<F[K]> } & {
  readonly [K in OptionalKeys<F>]?: FieldType<F[K]> | undefined;
};

export const string: Schema<string> = { type: 'string' };
export const boolean: Schema<boolean> = { type: 'boolean' };
export const int32: Schema<number> = { type: 'int32' };
export const int64: Schema<number> = { type: 'int64' };
export const double: Schema<number> = { type: 'double' };
export const bytes: Schema<string> = { type: 'bytes' };
export const time: Schema<string> = { type: 'time' };
export const microTime: Schema<string> = { type: 'microTime' };
export const duration: Schema<string> = { type: 'duration' };
export const quantity: Schema<string | number> = { type: 'quantity' };
export const intOrString: Schema<number | string> = { type: 'intOrString' };
export const fieldsV1: Schema<Readonly<Record<string, unknown>>> = { type: 'fields' };
export const rawExtension: Schema<unknown> = { type: 'raw' };

/** A list of `items`; how it merges is stated, and absent means that a patch replaces it. */
export function list<T>(items: Schema<T>, merge: ListMerge = {}): Schema<readonly T[]> {
  return { type: 'list', items, ...merge };
}

/** A map from string keys to `items`. */
export function map<T>(
  items: Schema<T>,
  options: { readonly mapType?: 'atomic' | 'granular' } = {},
): Schema<Readonly<Record<string, T>>> {
  return { type: 'map', items, ...options };
}

/** A string of a closed set. The set documents and feeds OpenAPI; enforcing it is validation's work, as upstream. */
export function enumeration(...values: readonly string[]): Schema<string> {
  return { type: 'string', enum: values };
}

/** An optional member with its protobuf number. */
export function field<T>(proto: number, schema: Schema<T>, ...flags: readonly FieldFlag[]): Field<T, false> {
  return { proto, schema, required: false, pointer: flags.includes('pointer'), keepsZero: flags.includes('keepsZero') };
}

/** A required member with its protobuf number. */
export function required<T>(proto: number, schema: Schema<T>, ...flags: readonly FieldFlag[]): Field<T, true> {
  return { proto, schema, required: true, pointer: flags.includes('pointer'), keepsZero: flags.includes('keepsZero') };
}

/** Members that JSON has in the object itself and protobuf in its sub-message number `proto` (embedded structs in Go). */
export function inlined<F extends Fields>(proto: number, fields: F): F {
  return Object.fromEntries(Object.entries(fields).map(([name, member]) => [name, { ...member, inlinedIn: proto }])) as F;
}

/** An object type. `name` is its OpenAPI definition name. */
export function object<F extends Fields>(
  name: string,
  fields: F,
  options: {
    readonly mapType?: 'atomic' | 'granular';
    readonly gvk?: NonNullable<Schema['gvk']>;
    readonly description?: string;
  } = {},
): Schema<ObjectType<F>> {
  return { type: 'object', name, fields, ...options };
}

/** The same schema with an OpenAPI default. */
export function withDefault<T>(schema: Schema<T>, value: T): Schema<T> {
  return { ...schema, default: value };
}
