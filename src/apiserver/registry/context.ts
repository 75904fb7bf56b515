/** What every registry function works with, and how a kind can take part in its own writes. */
import type { Resource } from '../../api/index.ts';
import type { Logger } from '../../observe/index.ts';
import type { ApiObject, Store } from '../store/index.ts';

/** How one write was asked for. */
export interface WriteRequest {
  /** Everything happens but the storing. */
  readonly isDryRun: boolean;
  /** Adds a text to the answer's Warning headers. */
  readonly warn: (text: string) => void;
}

/** An object ready to be stored, and the two ways that its write can end; exactly one of them is called. */
export interface PreparedWrite {
  readonly object: ApiObject;
  commit(): void;
  rollback(): void;
}

/**
 * What a kind does besides what all kinds do. `begin…` replace the usual defaulting and validation of the kind's own
 * fields (metadata is checked before) and throw StatusError to refuse.
 */
export interface Behaviour {
  beginCreate?(object: ApiObject, request: WriteRequest): PreparedWrite;
  beginUpdate?(next: ApiObject, previous: ApiObject, request: WriteRequest): PreparedWrite;
  /** PUT and PATCH on `/status`, after the generic part kept everything else of the previous object. */
  beginStatusUpdate?(next: ApiObject, previous: ApiObject): ApiObject;
  /** Throws StatusError for an object that must not be deleted. */
  assertDeletable?(object: ApiObject): void;
  /** The object is in the store now. */
  created?(object: ApiObject): void;
  /** The object has left the store. */
  released?(object: ApiObject): void;
}

export interface RegistryContext {
  readonly store: Store;
  readonly logger: Logger;
  readonly now: () => Date;
  /** By `group/plural`. */
  readonly behaviours: Map<string, Behaviour>;
}

/** The behaviour of a resource; empty for most. */
export function behaviourOf(context: RegistryContext, resource: Resource): Behaviour {
  return context.behaviours.get(`${resource.group}/${resource.plural}`) ?? {};
}
