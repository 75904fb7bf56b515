/** JSON merge patch, RFC 7386. */

/**
 * The document with the patch applied: members of mappings are merged, null removes, everything else replaces. Neither
 * argument is changed; the result shares unchanged parts with `original`.
 */
export function jsonMergePatch(original: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  const merged = new Map<string, unknown>(isJsonObject(original) ? Object.entries(original) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, jsonMergePatch(merged.get(name), value));
  }
  // From entries, so that a member named __proto__ is a member like any other.
  return Object.fromEntries(merged);
}

/** Whether a JSON value is a mapping. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
