/** GET and lists: resourceVersion rules, selectors, pages. Semantics of k8s apiserver storage (KEP-2340, API concepts "Resource versions"). */
import type { FieldSelectorMatcher, LabelSelectorMatcher } from '../../api/index.ts';
import {
  expired,
  invalid,
  invalidValue,
  forbiddenField,
  notFound,
  badRequest,
  tooLargeResourceVersion,
  tooOldResourceVersion,
} from '../../api/index.ts';
import type { ApiObject, Snapshot, StoredObject } from '../store/index.ts';
import { CompactedError, storeKey, storePrefix } from '../store/index.ts';
import type { Served } from './catalog.ts';
import type { RegistryContext } from './context.ts';
import { matchesFields } from './selectable-fields.ts';

/** Which objects of a collection. */
export interface Selection {
  readonly labels: LabelSelectorMatcher;
  readonly fields: FieldSelectorMatcher;
}

export interface ListRequest extends Selection {
  readonly namespace: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  /** 0: everything. */
  readonly limit: number;
  /** Token of an earlier answer. */
  readonly continueToken: string;
}

/** A page of a collection, in the stored form. */
export interface ListResult {
  readonly revision: number;
  readonly items: readonly StoredObject[];
  readonly continueToken: string | undefined;
  readonly remainingItemCount: number | undefined;
}

/** One object, in the stored form. Throws 404, or 504 when the caller has seen a newer state than there is. */
export function readObject(
  context: RegistryContext,
  served: Served,
  namespace: string,
  name: string,
  resourceVersion = '',
): StoredObject {
  if (resourceVersion !== '') checkNotTooLarge(context, parseRevision(served, resourceVersion));
  const stored = context.store.get(storeKey(served.storage.group, served.storage.plural, namespace, name));
  if (stored === undefined) throw notFound(served.resource, name);
  return stored;
}

/** A collection or a page of it. Throws 400, 410, 422 and 504 as upstream. */
export function listObjects(context: RegistryContext, served: Served, request: ListRequest): ListResult {
  const { limit, namespace } = request;
  const prefix = storePrefix(served.storage.group, served.storage.plural, namespace);
  const token = request.continueToken === '' ? undefined : readToken(request.continueToken);
  const snapshot = snapshotFor(context, served, prefix, request, token?.revision);
  const start = token === undefined ? 0 : firstAfter(snapshot.items, token.key);
  const items: StoredObject[] = [];
  let next: number | undefined;
  for (let index = start; index < snapshot.items.length; index += 1) {
    const stored = snapshot.items[index];
    if (stored === undefined || !isSelected(request, stored.object)) continue;
    if (limit > 0 && items.length === limit) {
      next = index;
      break;
    }
    items.push(stored);
  }
  const isSelecting = request.labels.requirements.length > 0 || request.fields.requirements.length > 0;
  return {
    revision: snapshot.revision,
    items,
    continueToken: next === undefined ? undefined : writeToken({ revision: snapshot.revision, key: items.at(-1)?.key ?? '' }),
    // With a selector the rest would have to be counted; upstream leaves it out too.
    remainingItemCount: next === undefined || isSelecting ? undefined : snapshot.items.length - next,
  };
}

/** Whether an object belongs to a selection. */
export function isSelected({ labels, fields }: Selection, object: ApiObject): boolean {
  return (
    (labels.requirements.length === 0 ? !labels.matchesNothing : labels.matches(object.metadata?.labels)) &&
    matchesFields(fields, object)
  );
}

/** A resourceVersion as a number. Throws 400 for anything but a decimal. */
export function parseRevision(served: Served, text: string): number {
  const revision = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(revision)) {
    throw invalid(`${served.resource.kind}List`, served.resource.group, '', [
      invalidValue('resourceVersion', text, `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`),
    ]);
  }
  return revision;
}

function snapshotFor(
  context: RegistryContext,
  served: Served,
  prefix: string,
  request: ListRequest,
  tokenRevision: number | undefined,
): Snapshot {
  const { resourceVersion, resourceVersionMatch } = request;
  checkMatchRules(request, tokenRevision !== undefined);
  const { store } = context;
  if (tokenRevision !== undefined) {
    try {
      return store.list(prefix, tokenRevision);
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error;
      throw expired(
        'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.',
      );
    }
  }
  if (resourceVersion === '' || resourceVersion === '0') return store.list(prefix);
  const revision = parseRevision(served, resourceVersion);
  checkNotTooLarge(context, revision);
  // A page of an old state is asked for with a version and a limit and no rule: that is exact, too (API concepts).
  const isExact = resourceVersionMatch === 'Exact' || (resourceVersionMatch === '' && request.limit > 0);
  if (!isExact) return store.list(prefix);
  try {
    return store.list(prefix, revision);
  } catch (error) {
    if (error instanceof CompactedError) throw tooOldResourceVersion(resourceVersion, String(error.oldestRevision));
    throw error;
  }
}

function checkMatchRules({ resourceVersion, resourceVersionMatch }: ListRequest, hasToken: boolean): void {
  const fault = (text: string) => invalid('ListOptions', 'meta.k8s.io', '', [forbiddenField('resourceVersionMatch', text)]);
  if (hasToken && resourceVersion !== '' && resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  if (resourceVersionMatch === '') return;
  if (hasToken) throw fault('resourceVersionMatch is forbidden when continue is provided');
  if (resourceVersion === '') throw fault('resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (resourceVersionMatch !== 'Exact' && resourceVersionMatch !== 'NotOlderThan') {
    throw invalid('ListOptions', 'meta.k8s.io', '', [
      {
        ...invalidValue('resourceVersionMatch', resourceVersionMatch, 'supported values: "Exact", "NotOlderThan", ""'),
        type: 'FieldValueNotSupported',
      },
    ]);
  }
  if (resourceVersionMatch === 'Exact' && resourceVersion === '0') {
    throw fault('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
}

function checkNotTooLarge(context: RegistryContext, revision: number): void {
  if (revision > context.store.revision) throw tooLargeResourceVersion(String(revision), String(context.store.revision));
}

interface Token {
  readonly revision: number;
  /** Key of the last item that was answered. */
  readonly key: string;
}

function writeToken(token: Token): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.revision, start: token.key })).toString('base64url');
}

function readToken(text: string): Token {
  try {
    const token: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (typeof token === 'object' && token !== null && 'rv' in token && 'start' in token) {
      if (typeof token.rv === 'number' && typeof token.start === 'string') return { revision: token.rv, key: token.start };
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw badRequest(`continue key is not valid: ${text}`);
}

function firstAfter(items: readonly StoredObject[], key: string): number {
  const index = items.findIndex((stored) => stored.key > key);
  return index < 0 ? items.length : index;
}
