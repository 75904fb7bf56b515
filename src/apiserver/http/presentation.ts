/**
 * Stored objects -> the text of an answer, in the form that the client negotiated: whole, as Table rows or as metadata only.
 * An object's own JSON is made once per stored version, however many clients read or watch it.
 */
import type { Resource } from '../../api/index.ts';
import { apiVersionOf, badRequest, tableColumns, tableRow } from '../../api/index.ts';
import type { Served } from '../registry/catalog.ts';
import type { ApiObject } from '../store/index.ts';
import type { AnswerForm } from './media-type.ts';

/** Metadata of a list answer. */
export interface ListMetadata {
  readonly resourceVersion: string;
  readonly continue?: string | undefined;
  readonly remainingItemCount?: number | undefined;
}

/** One way of writing a resource's objects. Objects are passed in their stored form. */
export interface Presentation {
  /** Equal for presentations that write the same text for the same object at the same time. */
  readonly key: string;
  /** A single object as an answer or in a watch event. `isFirst`: a Table carries its columns. */
  object(object: ApiObject, isFirst: boolean): string;
  list(objects: readonly ApiObject[], metadata: ListMetadata): string;
}

/** The presentation for a form. `includeObject` is the query parameter of Table requests. Throws 400 when it is unknown. */
export function presentationOf(served: Served, form: AnswerForm, includeObject: string | null, now: () => Date): Presentation {
  const { as, version = 'v1' } = form;
  if (as === undefined) return plain(served);
  return as === 'Table' ? tables(served, version, rowObjectOf(includeObject), now) : metadataOnly(served, version);
}

/** The JSON of an object in the form that `served` serves. */
export function jsonOf(served: Served, object: ApiObject): string {
  if (served.conversion !== undefined) return JSON.stringify(served.conversion.fromStorage(object));
  let text = jsonTexts.get(object);
  if (text === undefined) {
    text = JSON.stringify(object);
    jsonTexts.set(object, text);
  }
  return text;
}

const jsonTexts = new WeakMap<ApiObject, string>();

type RowObject = 'Metadata' | 'Object' | 'None';

function plain(served: Served): Presentation {
  const { resource } = served;
  const head = `{"kind":${JSON.stringify(`${resource.kind}List`)},"apiVersion":${JSON.stringify(apiVersionOf(resource))},"metadata":`;
  return {
    key: `${apiVersionOf(resource)}/${resource.kind}`,
    object: (object) => jsonOf(served, object),
    list: (objects, metadata) =>
      `${head}${JSON.stringify(metadata)},"items":[${objects.map((object) => jsonOf(served, object)).join(',')}]}`,
  };
}

function tables(served: Served, version: 'v1' | 'v1beta1', rowObject: RowObject, now: () => Date): Presentation {
  const { resource } = served;
  const columns = tableColumns(resource).map((column) => ({
    name: column.name,
    type: column.type,
    format: column.format ?? '',
    description: columnDescription(resource, column.name),
    priority: column.priority,
  }));
  const row = (object: ApiObject, at: Date) => {
    const { cells, conditions } = tableCells(served, object, at);
    return { cells, ...(conditions === undefined ? {} : { conditions }), ...rowObjectMember(served, object, rowObject, version) };
  };
  const table = (rows: readonly unknown[], metadata: ListMetadata, hasColumns: boolean) =>
    JSON.stringify({
      kind: 'Table',
      apiVersion: `meta.k8s.io/${version}`,
      metadata,
      columnDefinitions: hasColumns ? columns : null,
      rows,
    });
  return {
    key: `${apiVersionOf(resource)}/${resource.kind}/Table/${version}/${rowObject}`,
    object: (object, isFirst) =>
      table([row(object, now())], { resourceVersion: object.metadata?.resourceVersion ?? '' }, isFirst),
    list: (objects, metadata) => {
      const at = now();
      return table(
        objects.map((object) => row(object, at)),
        metadata,
        true,
      );
    },
  };
}

function metadataOnly(served: Served, version: 'v1' | 'v1beta1'): Presentation {
  const { resource } = served;
  const apiVersion = `meta.k8s.io/${version}`;
  return {
    key: `${apiVersionOf(resource)}/${resource.kind}/PartialObjectMetadata/${version}`,
    object: (object) => JSON.stringify(partial(object, version)),
    list: (objects, metadata) =>
      JSON.stringify({
        kind: 'PartialObjectMetadataList',
        apiVersion,
        metadata,
        items: objects.map((object) => partial(object, version)),
      }),
  };
}

function partial(object: ApiObject, version: 'v1' | 'v1beta1'): unknown {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}

function rowObjectMember(
  served: Served,
  object: ApiObject,
  rowObject: RowObject,
  version: 'v1' | 'v1beta1',
): { readonly object: unknown } {
  switch (rowObject) {
    case 'None':
      return { object: null };
    case 'Metadata':
      return { object: partial(object, version) };
    case 'Object':
      return { object: served.conversion?.fromStorage(object) ?? object };
  }
}

function tableCells(
  { storage }: Served,
  object: ApiObject,
  at: Date,
): { readonly cells: readonly unknown[]; readonly conditions?: readonly unknown[] } {
  const cells = tableRow(storage, object, at);
  const phase = storage.kind === 'Pod' ? (object.status as { readonly phase?: string } | undefined)?.phase : undefined;
  if (phase !== 'Succeeded' && phase !== 'Failed') return { cells };
  const message = phase === 'Succeeded' ? 'The pod has completed successfully.' : 'The pod failed.';
  return { cells, conditions: [{ type: 'Completed', status: 'True', reason: phase, message }] };
}

function columnDescription({ kind }: Resource, column: string): string {
  return column === 'Name' ? `Name of the ${kind}, unique within its namespace.` : `${column} of the ${kind}.`;
}

function rowObjectOf(includeObject: string | null): RowObject {
  if (includeObject === null || includeObject === '' || includeObject === 'Metadata') return 'Metadata';
  if (includeObject === 'Object' || includeObject === 'None') return includeObject;
  throw badRequest(`unrecognized includeObject value: ${JSON.stringify(includeObject)}`);
}
