/** Query parameters of reads and writes. */
import type { DeleteOptions } from '../../api/index.ts';
import {
  badRequest,
  deleteOptionsSchema,
  findTypeMismatch,
  forbiddenField,
  invalid,
  parseLabelSelector,
} from '../../api/index.ts';
import type { Served } from '../registry/catalog.ts';
import type { WriteRequest } from '../registry/context.ts';
import type { FieldValidation } from '../registry/decode.ts';
import { fieldValidationOf, isDryRun } from '../registry/decode.ts';
import type { ListRequest, Selection } from '../registry/read.ts';
import { parseFieldSelectorFor } from '../registry/selectable-fields.ts';
import type { WatchRequest } from '../watch/serve-watch.ts';
import { decodeBody, readBody } from './body.ts';
import type { Exchange } from './exchange.ts';
import { isTrue } from './exchange.ts';

/** How a write was asked for, and how strictly its body is read. */
export interface WriteOptions extends WriteRequest {
  readonly fieldValidation: FieldValidation;
}

/** Options of POST, PUT and PATCH. Throws 422 for values that are not known. */
export function writeOptionsOf({ query, warnings }: Exchange): WriteOptions {
  const manager = query.get('fieldManager') ?? '';
  if (manager.length > 128) {
    throw invalid('CreateOptions', 'meta.k8s.io', '', [
      { type: 'FieldValueTooLong', field: 'fieldManager', detail: 'may not be more than 128 bytes' },
    ]);
  }
  if (query.has('force')) {
    throw invalid('PatchOptions', 'meta.k8s.io', '', [forbiddenField('force', 'may not be specified for non-apply patch')]);
  }
  return {
    isDryRun: isDryRun(query.getAll('dryRun')),
    fieldValidation: fieldValidationOf(query.get('fieldValidation')),
    warn: (text) => warnings.add(text),
  };
}

/** Label and field selector; a name in the path selects that name. Throws 400. */
export function selectionOf({ query }: Exchange, { storage }: Served, name: string): Selection {
  const fields = [query.get('fieldSelector') ?? '', name === '' ? '' : `metadata.name=${name}`].filter((text) => text !== '');
  return {
    labels: parseLabelSelector(query.get('labelSelector') ?? ''),
    fields: parseFieldSelectorFor(storage, fields.join(',')),
  };
}

/** Options of a list. */
export function listRequestOf(exchange: Exchange, served: Served, namespace: string): ListRequest {
  const { query } = exchange;
  if (query.has('sendInitialEvents')) {
    throw invalid('ListOptions', 'meta.k8s.io', '', [
      forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'),
    ]);
  }
  return {
    ...selectionOf(exchange, served, ''),
    namespace,
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    limit: numberOf(query, 'limit'),
    continueToken: query.get('continue') ?? '',
  };
}

/** Options of a watch. */
export function watchRequestOf(exchange: Exchange, served: Served, namespace: string, name: string): WatchRequest {
  const { query } = exchange;
  const sendInitialEvents = query.get('sendInitialEvents');
  return {
    ...selectionOf(exchange, served, name),
    namespace,
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    sendInitialEvents: sendInitialEvents === null ? undefined : isTrue(sendInitialEvents),
    allowWatchBookmarks: isTrue(query.get('allowWatchBookmarks')),
    timeoutSeconds: numberOf(query, 'timeoutSeconds'),
  };
}

/** Options of a DELETE: the body's, else those of the query. Throws 400. */
export async function deleteOptionsOf(
  exchange: Exchange,
): Promise<{ readonly options: DeleteOptions; readonly isDryRun: boolean }> {
  const { request, query } = exchange;
  const { value } = await decodeBody(await readBody(request), request.headers['content-type']);
  const options = value === undefined || value === null ? queryDeleteOptions(query) : bodyDeleteOptions(value);
  return { options, isDryRun: isDryRun(options.dryRun ?? query.getAll('dryRun')) };
}

/** Checks that a value has the form of DeleteOptions. Throws 400. */
export function bodyDeleteOptions(value: unknown): DeleteOptions {
  const mismatch = findTypeMismatch(deleteOptionsSchema, value);
  if (mismatch !== undefined)
    throw badRequest(`DeleteOptions in version "v1" cannot be handled as a DeleteOptions: ${mismatch.message}`);
  const options = Object.fromEntries(Object.entries(value as object).filter(([, member]) => member !== null)) as DeleteOptions;
  if (options.kind !== undefined && options.kind !== 'DeleteOptions') {
    throw badRequest(`${options.kind} cannot be handled as a DeleteOptions`);
  }
  return options;
}

function queryDeleteOptions(query: URLSearchParams): DeleteOptions {
  const policy = query.get('propagationPolicy');
  const orphan = query.get('orphanDependents');
  return {
    ...(query.has('gracePeriodSeconds') ? { gracePeriodSeconds: numberOf(query, 'gracePeriodSeconds') } : {}),
    ...(policy === null ? {} : { propagationPolicy: policy }),
    ...(orphan === null ? {} : { orphanDependents: isTrue(orphan) }),
  };
}

function numberOf(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? '';
  if (text === '') return 0;
  if (!/^-?\d{1,15}$/.test(text))
    throw badRequest(`unable to decode query parameter ${name}: ${JSON.stringify(text)} is not an integer`);
  return Number(text);
}
