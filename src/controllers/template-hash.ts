/** Comparing pod templates and naming their versions. Pure. */
import type { PodTemplateSpec } from '../api/index.ts';

/** Whether two JSON values are the same; members that are undefined count as absent, their order does not matter. */
export function isSameJson(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

/** JSON with sorted members. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
}

/** The template without one label: how a Deployment's template compares with its ReplicaSets'. */
export function withoutLabel(template: PodTemplateSpec, label: string): PodTemplateSpec {
  const { [label]: _dropped, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** A short name for a version of a template: FNV-1a of its JSON and the collision count, in letters that never spell a word. */
export function templateHash(template: unknown, collisionCount = 0): string {
  const text = canonicalJson(template) + (collisionCount > 0 ? `#${collisionCount}` : '');
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash ^= byte;
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  // Decimal digits through upstream's vowel-free alphabet (k8s apimachinery/pkg/util/rand SafeEncodeString).
  return [...String(hash)].map((digit) => alphabet[digit.charCodeAt(0) % alphabet.length]).join('');
}

const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
