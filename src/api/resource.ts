/** A resource: a kind as the API serves it. */
import type { Schema } from './schema.ts';

/** One column of a Table answer. Priority 0 is shown by default, 1 with `-o wide`. */
export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly priority: number;
}

export interface Subresource {
  readonly kind: string;
  /** Group of the subresource's own kind, where it differs from the parent's. */
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
}

/** What the API serves under one plural name. `T` is the TypeScript type of an object of the kind. */
export interface Resource<T = unknown> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly schema: Schema<T>;
  readonly subresources?: Readonly<Record<string, Subresource>>;
  /** Absent: the two generic columns, Name and Created At. */
  readonly columns?: readonly TableColumn[];
}

/** Declares a resource, keeping its object type. */
export function resource<T>(declaration: Resource<T>): Resource<T> {
  return declaration;
}

/** `v1` for the core group, `group/version` otherwise. */
export function apiVersionOf(resource: Pick<Resource, 'group' | 'version'>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}
