/** From the informers to the index: every event of the four kinds that names come from. */
import type { EndpointSlice, Namespace, Pod, Service } from '../../api/index.ts';
import type { Informer } from '../../client/index.ts';
import type { IndexEvent } from './index-events.ts';

/** Current copies of what names are made of. Pods only for pod mode `verified`. */
export interface NameInformers {
  readonly services: Informer<Service>;
  readonly endpointSlices: Informer<EndpointSlice>;
  readonly namespaces: Informer<Namespace>;
  readonly pods?: Informer<Pod>;
}

/** Tells everything from now on; what the informers already hold comes at once. Returns a function that stops it. Does not start the informers. */
export function followInformers(informers: NameInformers, tell: (event: IndexEvent) => void): () => void {
  const stops = [
    informers.namespaces.subscribe({
      added: (object) => tell({ kind: 'namespace', isGone: false, object }),
      updated: (_, object) => tell({ kind: 'namespace', isGone: false, object }),
      deleted: (object) => tell({ kind: 'namespace', isGone: true, object }),
    }),
    informers.services.subscribe({
      added: (object) => tell({ kind: 'service', isGone: false, object }),
      updated: (_, object) => tell({ kind: 'service', isGone: false, object }),
      deleted: (object) => tell({ kind: 'service', isGone: true, object }),
    }),
    informers.endpointSlices.subscribe({
      added: (object) => tell({ kind: 'slice', isGone: false, object }),
      updated: (_, object) => tell({ kind: 'slice', isGone: false, object }),
      deleted: (object) => tell({ kind: 'slice', isGone: true, object }),
    }),
  ];
  if (informers.pods !== undefined) {
    stops.push(
      informers.pods.subscribe({
        added: (object) => tell({ kind: 'pod', isGone: false, object }),
        updated: (_, object) => tell({ kind: 'pod', isGone: false, object }),
        deleted: (object) => tell({ kind: 'pod', isGone: true, object }),
      }),
    );
  }
  return () => {
    for (const stop of stops) stop();
  };
}
