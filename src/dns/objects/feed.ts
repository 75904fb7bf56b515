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

/** What `followInformers` gives. */
export interface Feed {
  /** Resolves when all that the informers had read first was told. Rejects when one of them is stopped before. */
  readonly told: Promise<void>;
  readonly stop: () => void;
}

/**
 * Tells everything from now on, and what the informers hold already. Does not start the informers. Namespaces come when all Services
 * and slices were read once: without its namespace a Service has no names, and so the names of one with many slices are made once
 * and not with each of them.
 */
export function followInformers(informers: NameInformers, tell: (event: IndexEvent) => void): Feed {
  let isStopped = false;
  const stops = [
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
  const followNamespaces = (): void => {
    if (isStopped) return;
    const stop = informers.namespaces.subscribe({
      added: (object) => tell({ kind: 'namespace', isGone: false, object }),
      updated: (_, object) => tell({ kind: 'namespace', isGone: false, object }),
      deleted: (object) => tell({ kind: 'namespace', isGone: true, object }),
    });
    stops.push(stop);
  };
  return {
    told: Promise.all([informers.services.synced(), informers.endpointSlices.synced()]).then(followNamespaces),
    stop: () => {
      isStopped = true;
      for (const stop of stops) stop();
    },
  };
}
