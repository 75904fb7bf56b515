/** What a pod's status says to a person: its addresses, its ports, and what keeps it from serving. Pure. */
import type { ContainerStatus, Pod } from '../api/index.ts';
import { formatIp, parseIp } from '../net/index.ts';

/** The pod's addresses in canonical text, the primary one first. */
export function addressesOfPod(pod: Pod): readonly string[] {
  const texts = [...(pod.status?.podIPs ?? []).map((entry) => entry.ip), pod.status?.podIP];
  const canonical = texts.flatMap((text) => {
    const ip = text === undefined ? undefined : parseIp(text);
    return ip === undefined ? [] : [formatIp(ip)];
  });
  return [...new Set(canonical)];
}

/** Whether the pod has run to its end. */
export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** A port that some container of a pod declares. */
export interface DeclaredPort {
  readonly name?: string;
  readonly port: number;
  readonly protocol: string;
}

/** The ports of all containers, sidecars included. Declaring is optional: a process may listen elsewhere. */
export function declaredPorts(pod: Pod): readonly DeclaredPort[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  return [...(pod.spec?.containers ?? []), ...sidecars].flatMap((container) =>
    (container.ports ?? []).map((port) => ({
      ...(port.name === undefined || port.name === '' ? {} : { name: port.name }),
      port: port.containerPort,
      protocol: port.protocol ?? 'TCP',
    })),
  );
}

/** `http 8080/TCP, 9000/UDP`, or `none`. */
export function portList(ports: readonly DeclaredPort[]): string {
  if (ports.length === 0) return 'none';
  return ports.map(({ name, port, protocol }) => `${name === undefined ? '' : `${name} `}${port}/${protocol}`).join(', ');
}

/**
 * Why the pod does not serve, as its status tells: not scheduled, a container that waits or has died, one that is not
 * ready, a readiness gate. Undefined when it is ready, or says nothing.
 */
export function troubleOf(pod: Pod): string | undefined {
  const condition = (type: string): NonNullable<NonNullable<Pod['status']>['conditions']>[number] | undefined =>
    (pod.status?.conditions ?? []).find((candidate) => candidate.type === type);
  const scheduled = condition('PodScheduled');
  if (scheduled?.status === 'False') return `it is not scheduled${because(scheduled.reason, scheduled.message)}`;
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const status of statuses) {
    const text = containerTrouble(status);
    if (text !== undefined) return text;
  }
  const ready = condition('Ready');
  if (ready?.status === 'True') return undefined;
  const unready = (pod.status?.containerStatuses ?? []).filter((status) => status.ready !== true).map((status) => status.name);
  if (unready.length > 0) {
    const probed = unready.filter((name) =>
      (pod.spec?.containers ?? []).some((container) => container.name === name && container.readinessProbe !== undefined),
    );
    return probed.length > 0
      ? `the readiness probe of container ${probed.join(', ')} does not succeed`
      : `container ${unready.join(', ')} is not ready`;
  }
  const gate = (pod.spec?.readinessGates ?? []).find(({ conditionType }) => condition(conditionType)?.status !== 'True');
  if (gate !== undefined) return `its readiness gate ${gate.conditionType} is not True`;
  if (ready?.status === 'False' && (ready.reason !== undefined || ready.message !== undefined))
    return `its Ready condition is False${because(ready.reason, ready.message)}`;
  return pod.status?.phase === 'Pending' || pod.status?.phase === undefined ? 'it is Pending' : undefined;
}

function containerTrouble({ name, state, lastState }: ContainerStatus): string | undefined {
  if (state?.waiting !== undefined) {
    const { reason, message } = state.waiting;
    const before = lastState?.terminated;
    const last = before === undefined ? '' : `; it ended with exit code ${before.exitCode} before`;
    return `container ${name} waits${because(reason, message)}${last}`;
  }
  const ended = state?.terminated;
  if (ended !== undefined && ended.exitCode !== 0)
    return `container ${name} ended with exit code ${ended.exitCode}${because(ended.reason, ended.message)}`;
  return undefined;
}

function because(reason: string | undefined, message: string | undefined): string {
  const parts = [reason, message].filter((part) => part !== undefined && part !== '');
  return parts.length === 0 ? '' : ` (${parts.join(': ')})`;
}
