/** What a namespace that is being deleted still waits for, as its status says it (k8s pkg/controller/namespace/deletion). Pure. */
import type { NamespaceCondition } from '../../api/index.ts';

/** What is left in a namespace. */
export interface Leftovers {
  /** Number of objects by `plural.group`. */
  readonly resources: ReadonlyMap<string, number>;
  /** Number of objects by finalizer. */
  readonly finalizers: ReadonlyMap<string, number>;
}

/** The two conditions that say what is left; times stay where nothing has changed. */
export function leftoverConditions(
  { resources, finalizers }: Leftovers,
  before: readonly NamespaceCondition[],
  now: string,
): NamespaceCondition[] {
  const told: readonly Omit<NamespaceCondition, 'lastTransitionTime'>[] = [
    resources.size === 0
      ? {
          type: 'NamespaceContentRemaining',
          status: 'False',
          reason: 'ContentRemoved',
          message: 'All content successfully removed',
        }
      : {
          type: 'NamespaceContentRemaining',
          status: 'True',
          reason: 'SomeResourcesRemain',
          message: `Some resources are remaining: ${list(resources, (name, count) => `${name} has ${count} resource instances`)}`,
        },
    finalizers.size === 0
      ? {
          type: 'NamespaceFinalizersRemaining',
          status: 'False',
          reason: 'ContentHasNoFinalizers',
          message: 'All content-preserving finalizers finished',
        }
      : {
          type: 'NamespaceFinalizersRemaining',
          status: 'True',
          reason: 'SomeFinalizersRemain',
          message: `Some content in the namespace has finalizers remaining: ${list(finalizers, (name, count) => `${name} in ${count} resource instances`)}`,
        },
  ];
  return told.map((condition) => {
    const known = before.find(({ type }) => type === condition.type);
    return { ...condition, lastTransitionTime: known?.status === condition.status ? (known.lastTransitionTime ?? now) : now };
  });
}

function list(counts: ReadonlyMap<string, number>, text: (name: string, count: number) => string): string {
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => text(name, count))
    .join(', ');
}
