/** A pod as a controller creates it from its template. Pure. */
import { pods } from '../api/index.ts';
import type { OwnerReference, Pod, PodSpec, PodTemplateSpec } from '../api/index.ts';

export interface PodFromTemplate {
  readonly template: PodTemplateSpec;
  readonly namespace: string;
  /** The exact name, or a prefix that the server completes. */
  readonly name: { readonly exact: string } | { readonly prefix: string };
  readonly owner: OwnerReference;
  readonly labels?: Readonly<Record<string, string>>;
  /** Members of the spec that the controller decides. */
  readonly spec?: Partial<PodSpec>;
}

/** The pod to create. Labels, annotations and finalizers come from the template. */
export function podFromTemplate({ template, namespace, name, owner, labels, spec }: PodFromTemplate): Pod {
  const { metadata } = template;
  return {
    apiVersion: 'v1',
    kind: pods.kind,
    metadata: {
      namespace,
      ...('exact' in name ? { name: name.exact } : { generateName: name.prefix }),
      labels: { ...metadata?.labels, ...labels },
      ...(metadata?.annotations !== undefined && { annotations: metadata.annotations }),
      ...(metadata?.finalizers !== undefined && { finalizers: metadata.finalizers }),
      ownerReferences: [owner],
    },
    spec: { containers: [], ...template.spec, ...spec },
  };
}

/** The prefix for generated pod names: `owner-`, or the bare owner where that would be no valid name (it never is in practice). */
export function podNamePrefix(owner: string): string {
  // A generated name has 5 more characters; the server shortens what would be longer than 63 (k8s names.SimpleNameGenerator).
  return `${owner}-`;
}
