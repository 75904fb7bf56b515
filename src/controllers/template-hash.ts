/** Comparing pod templates and naming their versions. Pure. */
import { sortMembers } from '../api/index.ts';
import type { PodTemplateSpec } from '../api/index.ts';

/** The template without one label: how a Deployment's template compares with its ReplicaSets'. */
export function withoutLabel(template: PodTemplateSpec, label: string): PodTemplateSpec {
  const { [label]: _dropped, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** A short name for a version of a template: FNV-1a of its JSON and the collision count, in letters that never spell a word. */
export function templateHash(template: unknown, collisionCount = 0): string {
  const text = JSON.stringify(sortMembers(template)) + (collisionCount > 0 ? `#${collisionCount}` : '');
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash ^= byte;
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  // Decimal digits through upstream's vowel-free alphabet (k8s apimachinery/pkg/util/rand SafeEncodeString).
  return [...String(hash)].map((digit) => alphabet[digit.charCodeAt(0) % alphabet.length]).join('');
}

const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
