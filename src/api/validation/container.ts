/** Validation of containers (k8s pkg/apis/core/validation). */
import type { FieldError } from '../field-errors.ts';
import { duplicate, forbiddenField, invalidValue, keyPath, notFoundValue, required } from '../field-errors.ts';
import type { Container, ContainerPort, EnvVar, Probe, ResourceRequirements, VolumeMount } from '../kinds/index.ts';
import { parseQuantity } from '../quantity.ts';
import { validateIp } from '../service/ip-texts.ts';
import {
  configMapKey,
  descendingPath,
  dns1123Label,
  environmentVariableName,
  httpHeaderName,
  negativeMessage,
  portName,
} from './identifiers.ts';
import {
  checkItems,
  checkNonNegative,
  checkOneOf,
  checkOptionalOneOf,
  checkOptionalText,
  checkPort,
  checkPositive,
  checkRequiredText,
  checkText,
  checkUnique,
} from './rules.ts';

/** What a container's validity depends on beside itself. */
export interface ContainerSurroundings {
  readonly volumeNames: ReadonlySet<string>;
  readonly hostNetwork: boolean;
  /** An init container that ends before the others start: no probes, no lifecycle. */
  readonly endsBeforeStart: boolean;
}

/** Faults of one container. */
export function validateContainer(container: Container, path: string, around: ContainerSurroundings): FieldError[] {
  const { name, image = '', ports, env, envFrom, volumeMounts } = container;
  return [
    ...checkRequiredText(`${path}.name`, name, dns1123Label),
    ...validateImage(image, `${path}.image`),
    ...checkOneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never']),
    ...validatePorts(ports ?? [], `${path}.ports`, around.hostNetwork),
    ...checkItems(`${path}.env`, env, validateVariable),
    ...checkItems(`${path}.envFrom`, envFrom, ({ configMapRef, secretRef, prefix }, at) => [
      ...checkOptionalText(`${at}.prefix`, prefix, environmentVariableName),
      ...(configMapRef === undefined && secretRef === undefined
        ? [invalidValue(at, '', 'must specify one of: `configMapRef` or `secretRef`')]
        : []),
    ]),
    ...validateMounts(volumeMounts ?? [], `${path}.volumeMounts`, around.volumeNames),
    ...validateProbes(container, path, around.endsBeforeStart),
    ...validateResources(container.resources, `${path}.resources`),
    ...checkOptionalOneOf(`${path}.terminationMessagePolicy`, container.terminationMessagePolicy, [
      'FallbackToLogsOnError',
      'File',
    ]),
  ];
}

/** Ports of the host that two containers of a pod would both take. */
export function validateHostPorts(containers: readonly Container[], path: string): FieldError[] {
  const taken = new Set<string>();
  return checkItems(path, containers, ({ ports }, at) =>
    checkItems(`${at}.ports`, ports, ({ hostPort = 0, hostIP = '', protocol = '' }, portPath) => {
      if (hostPort === 0) return [];
      const claim = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(claim)) return [duplicate(`${portPath}.hostPort`, claim)];
      taken.add(claim);
      return [];
    }),
  );
}

function validateImage(image: string, path: string): FieldError[] {
  if (image === '') return [required(path)];
  return image === image.trim() ? [] : [invalidValue(path, image, 'must not have leading or trailing whitespace')];
}

function validatePorts(ports: readonly ContainerPort[], path: string, hostNetwork: boolean): FieldError[] {
  const errors = checkItems(path, ports, ({ name, containerPort, hostPort = 0, protocol, hostIP }, at) => [
    ...checkOptionalText(`${at}.name`, name, portName),
    ...(containerPort === 0 ? [required(`${at}.containerPort`)] : checkPort(`${at}.containerPort`, containerPort)),
    ...(hostPort === 0 ? [] : checkPort(`${at}.hostPort`, hostPort)),
    ...(hostNetwork && hostPort !== 0 && hostPort !== containerPort
      ? [invalidValue(`${at}.containerPort`, containerPort, 'must match `hostPort` when `hostNetwork` is true')]
      : []),
    ...checkOneOf(`${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']),
    ...(hostIP === undefined ? [] : validateIp(`${at}.hostIP`, hostIP)),
  ]);
  return [
    ...errors,
    ...checkUnique(
      ports.map(({ name }) => name),
      (index) => `${path}[${index}].name`,
    ),
  ];
}

function validateVariable({ name, value = '', valueFrom }: EnvVar, path: string): FieldError[] {
  const errors = checkRequiredText(`${path}.name`, name, environmentVariableName);
  if (valueFrom === undefined) return errors;
  const sources = Object.values(valueFrom).filter((source) => source !== undefined).length;
  const at = `${path}.valueFrom`;
  if (sources === 0)
    errors.push(
      invalidValue(
        at,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      ),
    );
  if (value !== '') errors.push(invalidValue(at, '', 'may not be specified when `value` is not empty'));
  if (sources > 1) errors.push(invalidValue(at, '', 'may not have more than one field specified at a time'));
  const { fieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef !== undefined && fieldRef.fieldPath === '') errors.push(required(`${at}.fieldRef.fieldPath`));
  for (const [member, reference] of Object.entries({ configMapKeyRef, secretKeyRef })) {
    if (reference === undefined) continue;
    if ((reference.name ?? '') === '') errors.push(required(`${at}.${member}.name`));
    errors.push(...checkRequiredText(`${at}.${member}.key`, reference.key, configMapKey));
  }
  return errors;
}

function validateMounts(mounts: readonly VolumeMount[], path: string, volumeNames: ReadonlySet<string>): FieldError[] {
  const seen = new Set<string>();
  return checkItems(path, mounts, ({ name, mountPath, subPath = '' }, at) => {
    const errors: FieldError[] = [];
    if (name === '') errors.push(required(`${at}.name`));
    else if (!volumeNames.has(name)) errors.push(notFoundValue(`${at}.name`, name));
    if (mountPath === '') errors.push(required(`${at}.mountPath`));
    if (seen.has(mountPath)) errors.push(invalidValue(`${at}.mountPath`, mountPath, 'must be unique'));
    seen.add(mountPath);
    return [...errors, ...checkText(`${at}.subPath`, subPath, descendingPath)];
  });
}

function validateProbes(container: Container, path: string, endsBeforeStart: boolean): FieldError[] {
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
  if (endsBeforeStart)
    return Object.entries({ livenessProbe, readinessProbe, startupProbe, lifecycle }).flatMap(([name, value]) =>
      value === undefined
        ? []
        : [forbiddenField(`${path}.${name}`, 'may not be set for init containers without restartPolicy=Always')],
    );
  return [
    ...validateProbe(livenessProbe, `${path}.livenessProbe`, true),
    ...validateProbe(readinessProbe, `${path}.readinessProbe`, false),
    ...validateProbe(startupProbe, `${path}.startupProbe`, true),
    ...(['postStart', 'preStop'] as const).flatMap((name) => {
      const handler = lifecycle?.[name];
      return handler === undefined ? [] : validateHandler(handler, `${path}.lifecycle.${name}`);
    }),
  ];
}

function validateProbe(probe: Probe | undefined, path: string, succeedsAtOnce: boolean): FieldError[] {
  if (probe === undefined) return [];
  const errors = validateHandler(probe, path);
  for (const name of ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const)
    errors.push(...checkNonNegative(`${path}.${name}`, probe[name]));
  if (succeedsAtOnce && probe.successThreshold !== undefined && probe.successThreshold !== 1)
    errors.push(invalidValue(`${path}.successThreshold`, probe.successThreshold, 'must be 1'));
  return [...errors, ...checkPositive(`${path}.terminationGracePeriodSeconds`, probe.terminationGracePeriodSeconds)];
}

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & {
  readonly sleep?: { readonly seconds: number } | undefined;
};

function validateHandler(handler: Handler, path: string): FieldError[] {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  const given = Object.entries({ exec, httpGet, tcpSocket, grpc, sleep }).filter(([, value]) => value !== undefined);
  if (given.length === 0) return [required(path, 'must specify a handler type')];
  const errors = given.slice(1).map(([name]) => forbiddenField(`${path}.${name}`, 'may not specify more than 1 handler type'));
  if (exec !== undefined && (exec.command ?? []).length === 0) errors.push(required(`${path}.exec.command`));
  if (httpGet !== undefined) {
    if ((httpGet.path ?? '') === '') errors.push(required(`${path}.httpGet.path`));
    errors.push(...validatePortNumberOrName(httpGet.port, `${path}.httpGet.port`));
    errors.push(...checkOneOf(`${path}.httpGet.scheme`, httpGet.scheme, ['HTTP', 'HTTPS']));
    errors.push(
      ...checkItems(`${path}.httpGet.httpHeaders`, httpGet.httpHeaders, ({ name }, at) =>
        httpHeaderName(name).map((message) => invalidValue(at, name, message)),
      ),
    );
  }
  if (tcpSocket !== undefined) errors.push(...validatePortNumberOrName(tcpSocket.port, `${path}.tcpSocket.port`));
  if (grpc !== undefined) errors.push(...checkPort(`${path}.grpc.port`, grpc.port));
  return errors;
}

function validatePortNumberOrName(port: number | string, path: string): FieldError[] {
  if (typeof port === 'number') return checkPort(path, port);
  return portName(port).map((message) => invalidValue(path, port, message));
}

function validateResources(resources: ResourceRequirements | undefined, path: string): FieldError[] {
  const { limits = {}, requests = {} } = resources ?? {};
  const errors: FieldError[] = [];
  for (const [part, amounts] of Object.entries({ limits, requests }))
    for (const [name, amount] of Object.entries(amounts))
      if ((parseQuantity(amount)?.nanos ?? 0n) < 0n)
        errors.push(invalidValue(keyPath(`${path}.${part}`, name), amount, negativeMessage));
  for (const [name, request] of Object.entries(requests)) {
    const limit = limits[name];
    if (limit === undefined) continue;
    const isTooMuch = (parseQuantity(request)?.nanos ?? 0n) > (parseQuantity(limit)?.nanos ?? 0n);
    if (isTooMuch)
      errors.push(invalidValue(`${path}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`));
  }
  return errors;
}
