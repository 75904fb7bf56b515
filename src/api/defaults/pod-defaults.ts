/** Defaults of pods and of pod templates (k8s pkg/apis/core/v1/defaults.go). */
import type {
  Container,
  EnvVar,
  EphemeralContainer,
  HTTPGetAction,
  LifecycleHandler,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Probe,
  Volume,
  VolumeProjection,
} from '../kinds/index.ts';
import { adjust, adjustItems, fill } from './fill.ts';

/** A pod with its defaults. Requests left open follow the limits: pods only, not templates. */
export function setPodDefaults(pod: Pod): Pod {
  // upstream's spec is a struct and so always there: its defaults are set, and validation misses the containers alone
  return adjust({ ...pod, spec: pod.spec ?? { containers: [] } }, 'spec', (spec) => {
    const defaulted = fill(setPodSpecDefaults(spec), { enableServiceLinks: true });
    const withContainers = adjust(defaulted, 'containers', (containers) => adjustItems(containers, setRequests));
    return adjust(withContainers, 'initContainers', (containers) => adjustItems(containers, setRequests));
  });
}

/** A pod template with its defaults. */
export function setPodTemplateDefaults(template: PodTemplateSpec): PodTemplateSpec {
  return adjust(template, 'spec', setPodSpecDefaults);
}

/** A pod's spec with its defaults. */
export function setPodSpecDefaults(given: PodSpec): PodSpec {
  let spec = fill(given, {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    terminationGracePeriodSeconds: 30,
    securityContext: {},
    // One name of two spellings: each stands for the other.
    serviceAccountName: given.serviceAccount,
    serviceAccount: given.serviceAccountName,
  });
  const hostNetwork = spec.hostNetwork === true;
  const complete = <C extends Container>(container: C): C => setContainerDefaults(container, hostNetwork);
  spec = adjust(spec, 'containers', (containers) => adjustItems(containers, complete<Container>));
  spec = adjust(spec, 'initContainers', (containers) => adjustItems(containers, complete<Container>));
  spec = adjust(spec, 'ephemeralContainers', (containers) => adjustItems(containers, complete<EphemeralContainer>));
  return adjust(spec, 'volumes', (volumes) => adjustItems(volumes, setVolumeDefaults));
}

function setContainerDefaults<C extends Container>(given: C, hostNetwork: boolean): C {
  const plain: Container = given;
  let container = fill(plain, {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: pullPolicyOf(plain.image ?? ''),
    resources: {},
  });
  container = adjust(container, 'ports', (ports) =>
    adjustItems(ports, (port) => fill(port, { protocol: 'TCP', ...(hostNetwork ? { hostPort: port.containerPort } : {}) })),
  );
  container = adjust(container, 'env', (env) => adjustItems(env, setEnvDefaults));
  container = adjust(container, 'livenessProbe', setProbeDefaults);
  container = adjust(container, 'readinessProbe', setProbeDefaults);
  container = adjust(container, 'startupProbe', setProbeDefaults);
  container = adjust(container, 'lifecycle', (lifecycle) =>
    adjust(adjust(lifecycle, 'postStart', setHandlerDefaults), 'preStop', setHandlerDefaults),
  );
  // Members of C beyond those of a container were carried along by the spreads.
  return container as C;
}

/** `latest`, or no tag at all, is pulled each time; digests and other tags only when absent. */
function pullPolicyOf(image: string): string {
  if (image.includes('@')) return 'IfNotPresent';
  const tag = /:([^:/]+)$/.exec(image)?.[1] ?? 'latest';
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function setEnvDefaults(variable: EnvVar): EnvVar {
  return adjust(variable, 'valueFrom', (source) =>
    adjust(source, 'fieldRef', (reference) => fill(reference, { apiVersion: 'v1' })),
  );
}

function setProbeDefaults(given: Probe): Probe {
  const probe = fill(given, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
  const withHttp = adjust(probe, 'httpGet', setHttpGetDefaults);
  return adjust(withHttp, 'grpc', (grpc) => fill(grpc, { service: '' }));
}

function setHandlerDefaults(handler: LifecycleHandler): LifecycleHandler {
  return adjust(handler, 'httpGet', setHttpGetDefaults);
}

function setHttpGetDefaults(action: HTTPGetAction): HTTPGetAction {
  return fill(action, { path: '/', scheme: 'HTTP' });
}

/** Mode of files that a volume makes: rw-r--r--. */
const defaultMode = 0o644;

function setVolumeDefaults(given: Volume): Volume {
  // A volume that names no source is an empty directory.
  if (Object.keys(given).every((name) => name === 'name')) return { ...given, emptyDir: {} };
  let volume = adjust(given, 'secret', (source) => fill(source, { defaultMode }));
  volume = adjust(volume, 'configMap', (source) => fill(source, { defaultMode }));
  volume = adjust(volume, 'downwardAPI', (source) => fill(source, { defaultMode }));
  volume = adjust(volume, 'hostPath', (source) => fill(source, { type: '' }));
  return adjust(volume, 'projected', (source) =>
    adjust(fill(source, { defaultMode }), 'sources', (sources) => adjustItems(sources, setProjectionDefaults)),
  );
}

function setProjectionDefaults(projection: VolumeProjection): VolumeProjection {
  return adjust(projection, 'serviceAccountToken', (token) => fill(token, { expirationSeconds: 3600 }));
}

function setRequests(container: Container): Container {
  return adjust(container, 'resources', (resources) =>
    resources.limits === undefined ? resources : { ...resources, requests: { ...resources.limits, ...resources.requests } },
  );
}
