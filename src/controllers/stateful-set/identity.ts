/** The names and the unchanging parts of a StatefulSet's pods. Pure. Source: k8s pkg/controller/statefulset/stateful_set_utils.go. */
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet, Volume } from '../../api/index.ts';
import { revisionLabel } from '../history.ts';
import { controllerReference } from '../owners.ts';
import { podFromTemplate } from '../pod-from-template.ts';
import { statefulSets } from '../../api/index.ts';

export const podNameLabel = 'statefulset.kubernetes.io/pod-name';
export const podIndexLabel = 'apps.kubernetes.io/pod-index';

/** The ordinal in a pod's name, or undefined when the pod's name is not the set's. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const match = /^(.*)-(0|[1-9]\d*)$/.exec(pod.metadata?.name ?? '');
  return match !== null && match[1] === set.metadata?.name ? Number(match[2]) : undefined;
}

/** The pod of an ordinal as it should be created, of one revision of the template. */
export function statefulPod(set: StatefulSet, ordinal: number, template: PodTemplateSpec, revision: string): Pod {
  const name = `${set.metadata?.name ?? ''}-${ordinal}`;
  const claims = set.spec?.volumeClaimTemplates ?? [];
  const claimed: Volume[] = claims.map((claim) => ({
    name: claim.metadata?.name ?? '',
    persistentVolumeClaim: { claimName: claimName(claim, name), readOnly: false },
  }));
  const others = (template.spec?.volumes ?? []).filter((volume) => !claimed.some((own) => own.name === volume.name));
  return podFromTemplate({
    template,
    namespace: set.metadata?.namespace ?? '',
    name: { exact: name },
    owner: controllerReference(statefulSets, set),
    labels: { [podNameLabel]: name, [podIndexLabel]: String(ordinal), [revisionLabel]: revision },
    spec: {
      hostname: name,
      ...(set.spec?.serviceName !== undefined && set.spec.serviceName !== '' && { subdomain: set.spec.serviceName }),
      ...(claimed.length > 0 && { volumes: [...others, ...claimed] }),
    },
  });
}

/** The volume claims that the pod of an ordinal needs. They outlive it. */
export function claimsOf(set: StatefulSet, ordinal: number): readonly PersistentVolumeClaim[] {
  const pod = `${set.metadata?.name ?? ''}-${ordinal}`;
  return (set.spec?.volumeClaimTemplates ?? []).map((claim) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: claimName(claim, pod),
      namespace: set.metadata?.namespace,
      labels: { ...claim.metadata?.labels, ...set.spec?.selector.matchLabels },
      annotations: claim.metadata?.annotations,
    },
    spec: claim.spec,
  }));
}

function claimName(claim: PersistentVolumeClaim, pod: string): string {
  return `${claim.metadata?.name ?? ''}-${pod}`;
}
