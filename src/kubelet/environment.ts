/** The environment of a container: env, envFrom, references, `$(VAR)` expansion, service variables. Pure. Source: k8s pkg/kubelet/envvars, third_party/forked/golang/expansion. */
import { entryOf } from '../api/index.ts';
import type {
  ConfigMap,
  Container,
  Pod,
  ResourceFieldSelector,
  Secret,
  Service,
  ServiceAccountTokenProjection,
} from '../api/index.ts';
import type { Amounts } from './resource-fields.ts';
import { readResourceField } from './resource-fields.ts';
import { formatHostPort } from '../net/index.ts';

/** What references in a pod resolve against. */
export interface ReferenceSource {
  readonly pod: Pod;
  readonly podIPs: readonly string[];
  readonly hostIPs: readonly string[];
  readonly nodeName: string;
  /** What the node has for pods. */
  readonly allocatable: Amounts;
  getConfigMap(name: string): ConfigMap | undefined;
  getSecret(name: string): Secret | undefined;
  getToken(projection: ServiceAccountTokenProjection): string | undefined;
}

/** Either the variables or the sentence that says what is missing (upstream's text, for the waiting message). */
export type EnvironmentResult =
  | { readonly ok: true; readonly variables: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly problem: string };

/**
 * The container's variables in the order of precedence: service variables, then envFrom, then env, where each value may name
 * variables before it.
 */
export function buildEnvironment(
  container: Pick<Container, 'env' | 'envFrom' | 'resources'>,
  source: ReferenceSource,
  serviceVariables: ReadonlyMap<string, string>,
): EnvironmentResult {
  const variables = new Map(serviceVariables);
  for (const from of container.envFrom ?? []) {
    const found = readSource(from, source);
    if (typeof found === 'string') return { ok: false, problem: found };
    for (const [key, value] of Object.entries(found)) variables.set(`${from.prefix ?? ''}${key}`, value);
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (valueFrom === undefined) {
      variables.set(name, expand(value ?? '', variables));
      continue;
    }
    const resolved = resolveReference(valueFrom, container, source);
    if (!resolved.ok) return { ok: false, problem: resolved.problem };
    if (resolved.value !== undefined) variables.set(name, resolved.value);
  }
  return { ok: true, variables };
}

/** Replaces `$(NAME)` by a variable's value; `$$(NAME)` is kept as `$(NAME)`, an unknown name as it stands. */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$\$|\$\(([^()]*)\)/g, (match, name: string | undefined) => {
    if (match === '$$') return '$';
    return variables.get(name ?? '') ?? match;
  });
}

/**
 * `{SVC}_SERVICE_HOST`, `_SERVICE_PORT` and the Docker-link names, for the services of the pod's namespace and, always,
 * `kubernetes` of the default namespace.
 */
export function buildServiceVariables(
  services: readonly Service[],
  namespace: string,
  enableServiceLinks: boolean,
): Map<string, string> {
  const variables = new Map<string, string>();
  for (const service of services) {
    const { name = '', namespace: where } = service.metadata ?? {};
    const ip = service.spec?.clusterIP;
    if (ip === undefined || ip === '' || ip === 'None') continue;
    const isApi = where === 'default' && name === 'kubernetes';
    if (!isApi && !(enableServiceLinks && where === namespace)) continue;
    const prefix = name.toUpperCase().replaceAll('-', '_');
    variables.set(`${prefix}_SERVICE_HOST`, ip);
    for (const [index, port] of (service.spec?.ports ?? []).entries()) {
      const protocol = port.protocol ?? 'TCP';
      const url = `${protocol.toLowerCase()}://${formatHostPort(ip, port.port)}`;
      if (index === 0) {
        variables.set(`${prefix}_SERVICE_PORT`, String(port.port));
        variables.set(`${prefix}_PORT`, url);
      }
      if (port.name !== undefined && port.name !== '')
        variables.set(`${prefix}_SERVICE_PORT_${port.name.toUpperCase().replaceAll('-', '_')}`, String(port.port));
      const portPrefix = `${prefix}_PORT_${port.port}_${protocol.toUpperCase()}`;
      variables.set(portPrefix, url);
      variables.set(`${portPrefix}_PROTO`, protocol.toLowerCase());
      variables.set(`${portPrefix}_PORT`, String(port.port));
      variables.set(`${portPrefix}_ADDR`, ip);
    }
  }
  return variables;
}

/** The value of a downward API field path, or undefined when there is none such. */
export function readFieldPath(path: string, source: ReferenceSource): string | undefined {
  const { metadata, spec } = source.pod;
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (keyed !== null) return entryOf(keyed[1] === 'labels' ? metadata?.labels : metadata?.annotations, keyed[2] ?? '') ?? '';
  switch (path) {
    case 'metadata.name':
      return metadata?.name;
    case 'metadata.namespace':
      return metadata?.namespace;
    case 'metadata.uid':
      return metadata?.uid;
    case 'metadata.labels':
      return formatMap(metadata?.labels);
    case 'metadata.annotations':
      return formatMap(metadata?.annotations);
    case 'spec.nodeName':
      return source.nodeName;
    case 'spec.serviceAccountName':
      return spec?.serviceAccountName ?? 'default';
    case 'status.hostIP':
      return source.hostIPs[0];
    case 'status.hostIPs':
      return source.hostIPs.join(',');
    case 'status.podIP':
      return source.podIPs[0];
    case 'status.podIPs':
      return source.podIPs.join(',');
    default:
      return undefined;
  }
}

/** What a container may use: the one that the reference names, else `own`. */
export function readPodResource(
  ref: ResourceFieldSelector,
  source: ReferenceSource,
  own?: Pick<Container, 'resources'>,
): { readonly ok: true; readonly value: string } | { readonly ok: false; readonly problem: string } {
  const { containerName = '', resource } = ref;
  const { containers = [], initContainers = [] } = source.pod.spec ?? {};
  const container = containerName === '' ? own : [...containers, ...initContainers].find(({ name }) => name === containerName);
  if (container === undefined) return { ok: false, problem: `container ${containerName} not found` };
  const value = readResourceField(ref, container, source.allocatable);
  return value === undefined ? { ok: false, problem: `unsupported container resource: ${resource}` } : { ok: true, value };
}

/** The text of a ConfigMap's or Secret's key (Secrets are base64 in JSON). */
export function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

type ValueFrom = NonNullable<NonNullable<Container['env']>[number]['valueFrom']>;
type EnvFrom = NonNullable<Container['envFrom']>[number];
type Resolved = { readonly ok: true; readonly value: string | undefined } | { readonly ok: false; readonly problem: string };

function resolveReference(from: ValueFrom, own: Pick<Container, 'resources'>, source: ReferenceSource): Resolved {
  if (from.fieldRef !== undefined) {
    const value = readFieldPath(from.fieldRef.fieldPath, source);
    return value === undefined
      ? { ok: false, problem: `unsupported fieldPath: ${from.fieldRef.fieldPath}` }
      : { ok: true, value };
  }
  if (from.configMapKeyRef !== undefined) {
    const { name = '', key, optional } = from.configMapKeyRef;
    const object = source.getConfigMap(name);
    return pick(entryOf(object?.data, key), optional, object === undefined, 'configmap', 'ConfigMap', name, key, source);
  }
  if (from.secretKeyRef !== undefined) {
    const { name = '', key, optional } = from.secretKeyRef;
    const object = source.getSecret(name);
    const value = entryOf(object?.data, key);
    const decoded = value === undefined ? undefined : new TextDecoder().decode(decodeBase64(value));
    return pick(decoded, optional, object === undefined, 'secret', 'Secret', name, key, source);
  }
  if (from.resourceFieldRef !== undefined) return readPodResource(from.resourceFieldRef, source, own);
  return { ok: true, value: '' };
}

function pick(
  value: string | undefined,
  optional: boolean | undefined,
  isMissing: boolean,
  kind: string,
  title: string,
  name: string,
  key: string,
  source: ReferenceSource,
): Resolved {
  if (value !== undefined || optional === true) return { ok: true, value };
  if (isMissing) return { ok: false, problem: `${kind} "${name}" not found` };
  return { ok: false, problem: `couldn't find key ${key} in ${title} ${source.pod.metadata?.namespace ?? ''}/${name}` };
}

function readSource(from: EnvFrom, source: ReferenceSource): Readonly<Record<string, string>> | string {
  if (from.configMapRef !== undefined) {
    const { name = '', optional } = from.configMapRef;
    const object = source.getConfigMap(name);
    return object === undefined && optional !== true ? `configmap "${name}" not found` : (object?.data ?? {});
  }
  if (from.secretRef !== undefined) {
    const { name = '', optional } = from.secretRef;
    const object = source.getSecret(name);
    if (object === undefined && optional !== true) return `secret "${name}" not found`;
    return Object.fromEntries(
      Object.entries(object?.data ?? {}).map(([key, value]) => [key, new TextDecoder().decode(decodeBase64(value))]),
    );
  }
  return {};
}

function formatMap(values: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(values ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}
