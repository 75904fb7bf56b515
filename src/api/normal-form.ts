/**
 * The form in which the API keeps an object: what Go's decoder and encoder make of it together. Unknown members and nulls
 * are gone, zero values that mean "unset" are gone, times and quantities have their canonical texts.
 */
import { canonicalQuantity } from './quantity.ts';
import type { Field, Schema } from './schema.ts';
import { canonicalMicroTime, canonicalTime } from './timestamps.ts';

/**
 * The normal form of a value that fits the schema (`assertTypes` first). Returns the same value, not a copy, where nothing
 * had to change. An empty list, map or text without meaning of its own (no pointer in Go) is dropped, as on the wire.
 */
export function normalize<T>(schema: Schema<T>, value: T): T {
  return normalForm(schema, value) as T;
}

/** Whether a member of this value is left out when Go writes the object. */
export function isUnset(field: Field, value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (field.pointer) return false;
  if (field.schema.type === 'list' || field.schema.type === 'map') return !field.keepsZero && isEmptyContainer(value);
  if (field.schema.type === 'time' || field.schema.type === 'microTime') return value === '';
  return !field.keepsZero && (value === '' || value === 0 || value === false);
}

function normalForm(schema: Schema, value: unknown): unknown {
  switch (schema.type) {
    case 'object':
      return normalObject(schema, value as Readonly<Record<string, unknown>>);
    case 'list': {
      const { items } = schema;
      const list = value as readonly unknown[];
      if (items === undefined) return list;
      return keepIfSame(
        list,
        list.map((item) => (item === null ? zeroOf(items) : normalForm(items, item))),
      );
    }
    case 'map': {
      const { items } = schema;
      const map = value as Readonly<Record<string, unknown>>;
      if (items === undefined) return map;
      let changed: Record<string, unknown> | undefined;
      for (const key of Object.keys(map)) {
        const item = map[key];
        const normal = item === null ? zeroOf(items) : normalForm(items, item);
        if (normal === item) continue;
        changed ??= { ...map };
        changed[key] = normal;
      }
      return changed ?? map;
    }
    case 'quantity':
      return canonicalQuantity(value as string | number);
    case 'time':
      return canonicalTime(value as string);
    case 'microTime':
      return canonicalMicroTime(value as string);
    case 'string':
    case 'boolean':
    case 'int32':
    case 'int64':
    case 'double':
    case 'bytes':
    case 'duration':
    case 'intOrString':
    case 'fields':
    case 'raw':
      return value;
  }
}

function normalObject(schema: Schema, object: Readonly<Record<string, unknown>>): unknown {
  const fields = schema.fields ?? {};
  const normal: Record<string, unknown> = {};
  let isSame = true;
  for (const name of Object.keys(object)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const value = object[name];
    if (field === undefined || value === null || value === undefined) {
      isSame = false;
      continue;
    }
    const member = normalForm(field.schema, value);
    if (isUnset(field, member)) {
      isSame = false;
      continue;
    }
    if (member !== value) isSame = false;
    normal[name] = member;
  }
  return isSame ? object : normal;
}

function keepIfSame(before: readonly unknown[], after: readonly unknown[]): readonly unknown[] {
  return after.every((item, index) => item === before[index]) ? before : after;
}

function isEmptyContainer(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** What Go has where JSON has null inside a list or a map. */
function zeroOf(schema: Schema): unknown {
  switch (schema.type) {
    case 'object':
    case 'map':
    case 'fields':
      return {};
    case 'list':
      return [];
    case 'boolean':
      return false;
    case 'int32':
    case 'int64':
    case 'double':
    case 'intOrString':
      return 0;
    case 'quantity':
      return '0';
    case 'string':
    case 'bytes':
    case 'time':
    case 'microTime':
    case 'duration':
      return '';
    case 'raw':
      return null;
  }
}
