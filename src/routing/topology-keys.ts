/** Where topologyKeys come from. */
import { maxTopologyKeys } from '../api/index.ts';
import type { Service } from '../api/index.ts';

/** An API server that no longer knows the field keeps it here, as a JSON list. */
export const topologyKeysAnnotation = 'fairlead.dev/topology-keys';

/**
 * The Service's topologyKeys: the field, else the annotation, else none. An annotation that is no JSON list of texts, or
 * one of more keys than the field takes, counts as absent. With externalTrafficPolicy Local they have no effect (k8s v1.20 forbids both together).
 */
export function topologyKeysOf(service: Service): readonly string[] {
  if (service.spec?.externalTrafficPolicy === 'Local') return [];
  const field = (service.spec as { readonly topologyKeys?: unknown } | undefined)?.topologyKeys;
  if (isTextList(field) && field.length > 0) return field;
  const annotation = service.metadata?.annotations?.[topologyKeysAnnotation];
  if (annotation === undefined) return [];
  try {
    const value: unknown = JSON.parse(annotation);
    return isTextList(value) && value.length <= maxTopologyKeys ? value : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
