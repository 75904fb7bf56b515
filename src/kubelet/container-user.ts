/** Who a container runs as. Pure. Source: k8s pkg/kubelet/kuberuntime/security_context.go (verifyRunAsNonRoot). */
import type { Container, PodSpec } from '../api/index.ts';

export type ContainerUser =
  | { readonly ok: true; readonly uid: number; readonly gid: number }
  | { readonly ok: false; readonly problem: string };

/** Images that must not run as root most often name this user; here there are no images to ask. */
const usualNonRoot = 65_532;

/** The container's own settings before the pod's. `podLabel` is for the message. */
export function containerUser(
  { name, securityContext }: Pick<Container, 'name' | 'securityContext'>,
  pod: Pick<PodSpec, 'securityContext'>,
  podLabel: string,
): ContainerUser {
  const asked = securityContext?.runAsUser ?? pod.securityContext?.runAsUser;
  const isNonRoot = securityContext?.runAsNonRoot ?? pod.securityContext?.runAsNonRoot ?? false;
  if (isNonRoot && asked === 0) {
    const problem = `container's runAsUser breaks non-root policy (pod: ${JSON.stringify(podLabel)}, container: ${name})`;
    return { ok: false, problem };
  }
  const uid = asked ?? (isNonRoot ? usualNonRoot : 0);
  return { ok: true, uid, gid: securityContext?.runAsGroup ?? pod.securityContext?.runAsGroup ?? uid };
}
