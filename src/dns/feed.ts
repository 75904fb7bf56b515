/** From the informers to the index: every event of the four kinds that names come from. */
import type { EndpointSlice, Namespace, Pod, Service } from '../api/index.ts';
import type { Informer } from '../client/index.ts';
import type { NameIndex } from '../names/index.ts';

/** Current copies of what names are made of. Pods only for pod mode `verified`. */
export interface NameInformers {
  readonly services: Informer<Service>;
  readonly endpointSlices: Informer<EndpointSlice>;
  readonly namespaces: Informer<Namespace>;
  readonly pods?: Informer<Pod>;
}

/** Keeps the index true to the informers from now on; what they already hold comes at once. Returns a function that stops it. Does not start the informers. */
export function feedIndex(index: NameIndex, informers: NameInformers): () => void {
  const stops = [
    informers.namespaces.subscribe({
      added: (namespace) => index.applyNamespace(namespace),
      updated: (_, namespace) => index.applyNamespace(namespace),
      deleted: (namespace) => index.removeNamespace(namespace),
    }),
    informers.services.subscribe({
      added: (service) => index.applyService(service),
      updated: (_, service) => index.applyService(service),
      deleted: (service) => index.removeService(service),
    }),
    informers.endpointSlices.subscribe({
      added: (slice) => index.applyEndpointSlice(slice),
      updated: (_, slice) => index.applyEndpointSlice(slice),
      deleted: (slice) => index.removeEndpointSlice(slice),
    }),
  ];
  if (informers.pods !== undefined) {
    stops.push(
      informers.pods.subscribe({
        added: (pod) => index.applyPod(pod),
        updated: (_, pod) => index.applyPod(pod),
        deleted: (pod) => index.removePod(pod),
      }),
    );
  }
  return () => {
    for (const stop of stops) stop();
  };
}
