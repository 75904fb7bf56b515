/**
 * Strategic merge patch: a merge patch that knows from the schema which lists are merged and by which member their items
 * are told apart (k8s apimachinery/pkg/util/strategicpatch). Directives inside the patch:
 *
 *     $patch: replace | delete | merge      of a mapping, or of an item of a merged list
 *     $retainKeys: [names]                  members not named are removed from the mapping first
 *     $deleteFromPrimitiveList/<name>: []   items to remove from a merged list of scalars
 *     $setElementOrder/<name>: []           the order of a merged list after the merge
 *
 * Two items that agree in the merge key are one to a patch: Service ports merge by `port` alone, as upstream.
 */
import { goJson, goQuote } from '../field-errors.ts';
import type { Schema } from '../schema.ts';
import { badRequest } from '../status.ts';
import { isJsonObject } from './json-merge-patch.ts';

/** The object with the patch applied; neither is changed. Throws a 400 StatusError when the patch contradicts itself. */
export function strategicMergePatch(schema: Schema, original: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) throw badRequest('a strategic merge patch is a mapping');
  return mergeMapping(schema, isJsonObject(original) ? original : {}, patch);
}

type Mapping = Readonly<Record<string, unknown>>;

const directive = '$patch';
const retainKeys = '$retainKeys';
const deletePrefix = '$deleteFromPrimitiveList/';
const orderPrefix = '$setElementOrder/';

function mergeMapping(schema: Schema | undefined, original: Mapping, patch: Mapping): Mapping {
  const mode = directiveOf(patch);
  if (mode === 'replace') return stripDirectives(patch) as Mapping;
  if (mode === 'delete') return {};
  const merged = new Map<string, unknown>(Object.entries(original));
  keepRetained(merged, patch);
  for (const name of orderedNames(patch)) {
    if (name === directive || name === retainKeys) continue;
    if (name.startsWith(deletePrefix)) deleteScalars(merged, name.slice(deletePrefix.length), patch[name], name);
    else if (name.startsWith(orderPrefix))
      setOrder(merged, memberSchema(schema, name.slice(orderPrefix.length)), original, patch, name);
    else if (patch[name] === null) merged.delete(name);
    else merged.set(name, mergeMember(memberSchema(schema, name), merged.get(name), patch[name], patch, name));
  }
  return Object.fromEntries(merged);
}

/** Deletions from scalar lists come first, so that an item both deleted and added stays; orders come last. */
function orderedNames(patch: Mapping): string[] {
  const rank = (name: string): number => (name.startsWith(deletePrefix) ? 0 : name.startsWith(orderPrefix) ? 2 : 1);
  return Object.keys(patch).toSorted((a, b) => rank(a) - rank(b));
}

function mergeMember(schema: Schema | undefined, before: unknown, value: unknown, patch: Mapping, name: string): unknown {
  if (isJsonObject(value)) {
    const isReplaced = strategiesOf(schema).includes('replace');
    if (!isJsonObject(before) || isReplaced) return stripDirectives(value);
    return mergeMapping(schema, before, value);
  }
  if (!Array.isArray(value)) return value;
  const order = patch[orderPrefix + name];
  if (Array.isArray(order)) checkOrder(value, order, schema, name);
  if (!strategiesOf(schema).includes('merge')) return stripDirectives(value);
  return mergeList(schema, Array.isArray(before) ? before : [], value, name);
}

function mergeList(schema: Schema | undefined, original: readonly unknown[], patch: readonly unknown[], name: string): unknown[] {
  if (![...original, ...patch].some(isJsonObject)) return arrange([...new Set([...original, ...patch])], patch, original, schema);
  const key = schema?.patchMergeKey;
  if (key === undefined) throw badRequest(`cannot merge lists without merge key for ${goQuote(name)}`);
  if (patch.some((item) => isJsonObject(item) && item[directive] === 'replace'))
    return patch.filter((item) => isJsonObject(item) && item[directive] === undefined).map(stripDirectives);
  const merged = [...original];
  // By merge key: where the items that have it stand. Looking for each anew would take the square of the list's length.
  const places = new Map<unknown, number[]>();
  const remember = (item: unknown, at: number): void => {
    if (!isJsonObject(item)) return;
    const known = places.get(item[key]);
    if (known === undefined) places.set(item[key], [at]);
    else known.push(at);
  };
  merged.forEach(remember);
  const deleted = new Set<number>();
  for (const item of patch) {
    if (!isJsonObject(item)) throw badRequest(`the list ${goQuote(name)} holds mappings, not ${goJson(item)}`);
    const mode = directiveOf(item);
    const id = item[key];
    if (id === undefined) throw badRequest(`map: ${goJson(item)} does not contain declared merge key: ${key}`);
    const [at, ...others] = places.get(id) ?? [];
    if (mode === 'delete') {
      for (const place of at === undefined ? others : [at, ...others]) deleted.add(place);
      places.delete(id);
    } else if (at === undefined) {
      const added = stripDirectives(item);
      remember(added, merged.length);
      merged.push(added);
    } else {
      const before = merged[at];
      merged[at] = mergeMapping(schema?.items, isJsonObject(before) ? before : {}, item);
    }
  }
  const kept = merged.filter((_, at) => !deleted.has(at));
  return arrange(kept, patch, original, schema);
}

/** `$deleteFromPrimitiveList/name`: the list loses these items. */
function deleteScalars(merged: Map<string, unknown>, name: string, unwanted: unknown, directiveName: string): void {
  if (!Array.isArray(unwanted)) throw badRequest(`${goQuote(directiveName)} must be a list`);
  const before = merged.get(name);
  const deleted = new Set<unknown>(unwanted);
  if (Array.isArray(before))
    merged.set(
      name,
      before.filter((item) => !deleted.has(item)),
    );
}

/** `$setElementOrder/name`: named items in this order, the server's own between them where they were. */
function setOrder(
  merged: Map<string, unknown>,
  schema: Schema | undefined,
  original: Mapping,
  patch: Mapping,
  directiveName: string,
): void {
  const name = directiveName.slice(orderPrefix.length);
  const order = patch[directiveName];
  if (!Array.isArray(order)) throw badRequest(`${goQuote(directiveName)} must be a list`);
  const list = merged.get(name);
  if (!Array.isArray(list)) return;
  merged.set(name, arrange(list, order, Array.isArray(original[name]) ? original[name] : [], schema));
}

/**
 * A merged list in order: items that the patch names in the patch's order, the server's own between them where they were.
 * Items new to the server have no place there and stand before what the patch does not name.
 */
function arrange(
  list: readonly unknown[],
  named: readonly unknown[],
  original: readonly unknown[],
  schema: Schema | undefined,
): unknown[] {
  const identify = identifier(schema);
  const wanted = firstPlaces(named.map(identify));
  const serverOrder = firstPlaces(original.map(identify));
  const placeIn = (places: ReadonlyMap<unknown, number>, item: unknown): number => places.get(identify(item)) ?? -1;
  const patched = list.filter((item) => placeIn(wanted, item) >= 0).toSorted((a, b) => placeIn(wanted, a) - placeIn(wanted, b));
  const own = list.filter((item) => placeIn(wanted, item) < 0);
  const ordered: unknown[] = [];
  let next = 0;
  for (const item of patched) {
    const place = placeIn(serverOrder, item);
    // What the server has before it, and has not been given a place yet.
    for (; next < own.length && placeIn(serverOrder, own[next]) < place; next++) ordered.push(own[next]);
    ordered.push(item);
  }
  return [...ordered, ...own.slice(next)];
}

/** Where each value stands first. */
function firstPlaces(values: readonly unknown[]): ReadonlyMap<unknown, number> {
  const places = new Map<unknown, number>();
  values.forEach((value, at) => {
    if (!places.has(value)) places.set(value, at);
  });
  return places;
}

/** The patch's own items must stand in the order that it asks for. */
function checkOrder(items: readonly unknown[], order: readonly unknown[], schema: Schema | undefined, name: string): void {
  const identify = identifier(schema);
  const wanted = firstPlaces(order.map(identify));
  let last = -1;
  for (const item of items) {
    if (isJsonObject(item) && item[directive] !== undefined) continue;
    const at = wanted.get(identify(item)) ?? -1;
    if (at < last || at < 0)
      throw badRequest(
        `The order in patch list:\n${goJson(items)}\n doesn't match ${orderPrefix}${name} list:\n${goJson(order)}\n`,
      );
    last = at;
  }
}

function identifier(schema: Schema | undefined): (item: unknown) => unknown {
  const key = schema?.patchMergeKey;
  return (item) => (key !== undefined && isJsonObject(item) ? item[key] : item);
}

/** `$retainKeys`: drops what it does not name. The patch itself may set nothing else. */
function keepRetained(merged: Map<string, unknown>, patch: Mapping): void {
  const retained = patch[retainKeys];
  if (retained === undefined) return;
  if (!Array.isArray(retained)) throw badRequest(`${goQuote(retainKeys)} must be a list`);
  const kept = new Set<unknown>(retained);
  for (const name of Object.keys(patch))
    if (!name.startsWith('$') && patch[name] !== null && !kept.has(name))
      throw badRequest(`${goQuote(name)} is set by the patch but missing in its ${retainKeys}`);
  for (const name of merged.keys()) if (!kept.has(name)) merged.delete(name);
}

/** A value that the original does not have: taken as it is, without directives, nulls and items to delete. */
function stripDirectives(value: unknown): unknown {
  if (Array.isArray(value))
    return value.filter((item) => !isJsonObject(item) || item[directive] !== 'delete').map(stripDirectives);
  if (!isJsonObject(value)) return value;
  if (value[directive] === 'delete') return {};
  const kept = Object.entries(value).filter(([name, member]) => member !== null && !isDirective(name));
  return Object.fromEntries(kept.map(([name, member]) => [name, stripDirectives(member)]));
}

function isDirective(name: string): boolean {
  return name === directive || name === retainKeys || name.startsWith(deletePrefix) || name.startsWith(orderPrefix);
}

function directiveOf(patch: Mapping): 'replace' | 'delete' | 'merge' | undefined {
  const mode = patch[directive];
  if (mode === undefined || mode === 'replace' || mode === 'delete' || mode === 'merge') return mode;
  throw badRequest(`Unknown patch type found: ${goJson(mode)}`);
}

function memberSchema(schema: Schema | undefined, name: string): Schema | undefined {
  if (schema?.type === 'map') return schema.items;
  const fields = schema?.fields;
  return fields !== undefined && Object.hasOwn(fields, name) ? fields[name]?.schema : undefined;
}

function strategiesOf(schema: Schema | undefined): readonly string[] {
  return schema?.patchStrategy?.split(',') ?? [];
}
