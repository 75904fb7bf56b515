/** Who owns whom, over all kinds: objects by uid and dependents by owner's uid. No input or output. */
import type { OwnerReference, Resource } from '../../api/index.ts';
import type { KubeObject } from '../../client/index.ts';

export interface GraphEntry {
  readonly resource: Resource;
  readonly object: KubeObject;
}

/** Follows every object that it is told about. */
export class OwnerGraph {
  readonly #entries = new Map<string, GraphEntry>();
  readonly #dependents = new Map<string, Set<string>>();

  get(uid: string): GraphEntry | undefined {
    return this.#entries.get(uid);
  }

  /** Objects with an owner reference to this uid, whether or not the owner exists. */
  dependentsOf(uid: string): readonly GraphEntry[] {
    return Array.from(this.#dependents.get(uid) ?? [], (dependent) => this.#entries.get(dependent)).filter(
      (entry) => entry !== undefined,
    );
  }

  set(resource: Resource, object: KubeObject): void {
    const uid = object.metadata?.uid;
    if (uid === undefined) return;
    this.delete(uid);
    this.#entries.set(uid, { resource, object });
    for (const owner of ownersOf(object)) {
      const dependents = this.#dependents.get(owner.uid);
      if (dependents === undefined) this.#dependents.set(owner.uid, new Set([uid]));
      else dependents.add(uid);
    }
  }

  delete(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    this.#entries.delete(uid);
    for (const owner of ownersOf(entry.object)) {
      const dependents = this.#dependents.get(owner.uid);
      dependents?.delete(uid);
      if (dependents?.size === 0) this.#dependents.delete(owner.uid);
    }
  }
}

/** Its owner references; empty without any. */
export function ownersOf(object: KubeObject): readonly OwnerReference[] {
  return object.metadata?.ownerReferences ?? [];
}
