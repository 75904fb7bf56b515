/**
 * `spec.topologyKeys` of Kubernetes 1.20 (k8s 1.20 pkg/apis/core/validation, validateServiceTopologyKeys): node labels in
 * order of preference. An empty list constrains nothing.
 */
import type { FieldError } from '../field-errors.ts';
import { duplicate, forbiddenField, indexPath, invalidValue, tooMany } from '../field-errors.ts';
import type { Service } from '../kinds/index.ts';
import { qualifiedName } from '../validation/identifiers.ts';
import { specOf } from './predicates.ts';

/** The key that any node matches; only as the last. */
export const anyTopologyKey = '*';

/** More keys than this are refused. */
export const maxTopologyKeys = 16;

/** Faults of the list. */
export function validateTopologyKeys(service: Service): FieldError[] {
  const { topologyKeys = [], externalTrafficPolicy } = specOf(service);
  const path = 'spec.topologyKeys';
  if (topologyKeys.length === 0) return [];
  const errors: FieldError[] = [];
  if (externalTrafficPolicy === 'Local')
    errors.push(forbiddenField(path, 'may not be specified when `externalTrafficPolicy=Local`'));
  if (topologyKeys.length > maxTopologyKeys) errors.push(tooMany(path, topologyKeys.length, maxTopologyKeys));
  const seen = new Set<string>();
  for (const [index, key] of topologyKeys.entries()) {
    const keyPath = indexPath(path, index);
    if (seen.has(key)) errors.push(duplicate(keyPath, key));
    seen.add(key);
    if (key !== anyTopologyKey) errors.push(...qualifiedName(key).map((message) => invalidValue(keyPath, key, message)));
    else if (index !== topologyKeys.length - 1) errors.push(invalidValue(keyPath, key, '"*" must be the last value specified'));
  }
  return errors;
}
