/** What happens to an index, as values. */
import type { EndpointSlice, Namespace, Pod, Service } from '../../api/index.ts';
import type { NameIndex } from '../../names/index.ts';

/** An object that is now so, or that is gone. */
export type IndexEvent =
  | { readonly kind: 'namespace'; readonly isGone: boolean; readonly object: Namespace }
  | { readonly kind: 'service'; readonly isGone: boolean; readonly object: Service }
  | { readonly kind: 'slice'; readonly isGone: boolean; readonly object: EndpointSlice }
  | { readonly kind: 'pod'; readonly isGone: boolean; readonly object: Pod };

/** Makes it so in an index. */
export function applyEvent(index: NameIndex, event: IndexEvent): void {
  switch (event.kind) {
    case 'namespace':
      if (event.isGone) index.removeNamespace(event.object);
      else index.applyNamespace(event.object);
      return;
    case 'service':
      if (event.isGone) index.removeService(event.object);
      else index.applyService(event.object);
      return;
    case 'slice':
      if (event.isGone) index.removeEndpointSlice(event.object);
      else index.applyEndpointSlice(event.object);
      return;
    case 'pod':
      if (event.isGone) index.removePod(event.object);
      else index.applyPod(event.object);
  }
}
