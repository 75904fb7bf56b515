/** Validation of pods and pod templates (k8s pkg/apis/core/validation). */
import type { FieldError } from '../field-errors.ts';
import { isEqualJson } from '../json-equality.ts';
import { forbiddenField, invalidValue, notSupported, required } from '../field-errors.ts';
import type { Container, Pod, PodDNSConfig, PodSpec, PodTemplateSpec, Toleration } from '../kinds/index.ts';
import { validateIp } from '../service/ip-texts.ts';
import type { ContainerSurroundings } from './container.ts';
import { validateContainer, validateHostPorts } from './container.ts';
import { dns1123Label, dns1123Subdomain, dns1123SubdomainWithUnderscore, qualifiedName } from './identifiers.ts';
import { validateAnnotations, validateLabels, validateLabelSelector } from './object-meta.ts';
import {
  checkItems,
  checkOneOf,
  checkOptionalOneOf,
  checkOptionalText,
  checkPositive,
  checkRange,
  checkRequiredText,
  checkUnique,
} from './rules.ts';
import { validateVolumes } from './volumes.ts';

/** Faults of a pod, metadata apart. */
export function validatePod({ spec }: Pod): FieldError[] {
  return validatePodSpec(spec ?? { containers: [] }, 'spec');
}

/** Faults of a pod that replaces another: nearly all of its spec stays as it was. */
export function validatePodUpdate(next: Pod, previous: Pod): FieldError[] {
  const errors = validatePod(next);
  if (!isEqualJson(fixedPart(next), fixedPart(previous))) return [...errors, forbiddenField('spec', podUpdateText)];
  const added = next.spec?.tolerations ?? [];
  const isKept = (toleration: Toleration): boolean =>
    added.some((other) => isEqualJson(withoutSeconds(other), withoutSeconds(toleration)));
  if (!(previous.spec?.tolerations ?? []).every(isKept))
    errors.push(forbiddenField('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'));
  return errors;
}

/** Faults of a pod template. */
export function validatePodTemplate(template: PodTemplateSpec | undefined, path: string): FieldError[] {
  return [
    ...validateLabels(template?.metadata?.labels, `${path}.metadata.labels`),
    ...validateAnnotations(template?.metadata?.annotations, `${path}.metadata.annotations`),
    ...validatePodSpec(template?.spec ?? { containers: [] }, `${path}.spec`),
  ];
}

/** Faults of a pod's spec. */
export function validatePodSpec(spec: PodSpec, path: string): FieldError[] {
  const errors = [
    ...validateVolumes(spec.volumes ?? [], `${path}.volumes`),
    ...validateContainers(spec, path),
    ...checkOneOf(`${path}.restartPolicy`, spec.restartPolicy, ['Always', 'Never', 'OnFailure']),
    ...checkOptionalOneOf(`${path}.dnsPolicy`, spec.dnsPolicy, ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']),
    ...validateDnsConfig(spec, `${path}.dnsConfig`),
    ...validateLabels(spec.nodeSelector, `${path}.nodeSelector`),
    ...checkOptionalText(`${path}.serviceAccountName`, spec.serviceAccountName, dns1123Subdomain),
    ...checkOptionalText(`${path}.nodeName`, spec.nodeName, dns1123Subdomain),
    ...checkRange(`${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, 1, 2 ** 31 - 1),
    ...checkOptionalText(`${path}.hostname`, spec.hostname, dns1123Label),
    ...checkOptionalText(`${path}.subdomain`, spec.subdomain, dns1123Label),
    ...checkOptionalText(`${path}.priorityClassName`, spec.priorityClassName, dns1123Subdomain),
    ...checkItems(`${path}.imagePullSecrets`, spec.imagePullSecrets, ({ name }, at) =>
      (name ?? '') === '' ? [required(`${at}.name`)] : [],
    ),
    ...checkItems(`${path}.tolerations`, spec.tolerations, validateToleration),
    ...checkItems(`${path}.hostAliases`, spec.hostAliases, ({ ip, hostnames }, at) => [
      ...validateIp(`${at}.ip`, ip),
      ...checkItems(`${at}.hostnames`, hostnames, (hostname, hostPath) =>
        checkOptionalText(hostPath, hostname, dns1123Subdomain),
      ),
    ]),
    ...checkItems(`${path}.topologySpreadConstraints`, spec.topologySpreadConstraints, (constraint, at) => [
      ...checkPositive(`${at}.maxSkew`, constraint.maxSkew),
      ...(constraint.topologyKey === '' ? [required(`${at}.topologyKey`, 'can not be empty')] : []),
      ...checkOneOf(`${at}.whenUnsatisfiable`, constraint.whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']),
      ...validateLabelSelector(constraint.labelSelector, `${at}.labelSelector`),
    ]),
    ...validateNodeAffinity(spec, path),
  ];
  if (spec.hostNetwork === true && spec.hostUsers === false)
    errors.push(forbiddenField(`${path}.hostNetwork`, 'when `hostUsers` is false'));
  return errors;
}

function validateContainers(spec: PodSpec, path: string): FieldError[] {
  const containers = spec.containers ?? [];
  const initContainers = spec.initContainers ?? [];
  const volumeNames = new Set((spec.volumes ?? []).map(({ name }) => name));
  const around = (endsBeforeStart: boolean): ContainerSurroundings => ({
    volumeNames,
    hostNetwork: spec.hostNetwork === true,
    endsBeforeStart,
  });
  if (containers.length === 0) return [required(`${path}.containers`)];
  const names = [...containers, ...initContainers].map(({ name }) => name);
  const pathOf = (index: number): string =>
    index < containers.length ? `${path}.containers[${index}].name` : `${path}.initContainers[${index - containers.length}].name`;
  return [
    ...checkItems(`${path}.containers`, containers, (container, at) => validateContainer(container, at, around(false))),
    ...checkItems(`${path}.initContainers`, initContainers, (container, at) => [
      ...validateContainer(container, at, around(container.restartPolicy !== 'Always')),
      ...validateInitRestartPolicy(container, at),
    ]),
    ...checkUnique(names, pathOf),
    ...validateHostPorts(containers, `${path}.containers`),
  ];
}

function validateInitRestartPolicy({ restartPolicy }: Container, path: string): FieldError[] {
  const supported = ['Always', 'Never', 'OnFailure'];
  if (restartPolicy === undefined || supported.includes(restartPolicy)) return [];
  return [notSupported(`${path}.restartPolicy`, restartPolicy, supported)];
}

/** resolv.conf(5) as Kubernetes limits it. */
const maxNameservers = 3;
const maxSearches = 32;
const maxSearchCharacters = 2048;

function validateDnsConfig({ dnsPolicy, dnsConfig }: PodSpec, path: string): FieldError[] {
  const isMissing = dnsPolicy === 'None' && (dnsConfig?.nameservers ?? []).length === 0;
  if (isMissing) {
    const text = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
    return dnsConfig === undefined
      ? [required(path, 'must provide `dnsConfig` when `dnsPolicy` is None')]
      : [required(`${path}.nameservers`, text)];
  }
  return dnsConfig === undefined ? [] : validateResolver(dnsConfig, path);
}

function validateResolver({ nameservers = [], searches = [], options }: PodDNSConfig, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (nameservers.length > maxNameservers)
    errors.push(invalidValue(`${path}.nameservers`, nameservers, `must not have more than ${maxNameservers} nameservers`));
  errors.push(...checkItems(`${path}.nameservers`, nameservers, (nameserver, at) => validateIp(at, nameserver)));
  if (searches.length > maxSearches)
    errors.push(invalidValue(`${path}.searches`, searches, `must not have more than ${maxSearches} search paths`));
  if (searches.join(' ').length > maxSearchCharacters)
    errors.push(
      invalidValue(
        `${path}.searches`,
        searches,
        `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`,
      ),
    );
  errors.push(
    ...checkItems(`${path}.searches`, searches, (search, at) =>
      search === '.'
        ? []
        : dns1123SubdomainWithUnderscore(search.replace(/\.$/, '')).map((message) => invalidValue(at, search, message)),
    ),
  );
  const nameless = checkItems(path, options, ({ name }, at) =>
    (name ?? '') === ''
      ? [
          required(
            at.replace(/\[\d+\]$/, (index) => `.options${index}`),
            'must not be empty',
          ),
        ]
      : [],
  );
  return [...errors, ...nameless];
}

function validateToleration(
  { key = '', operator = '', value = '', effect, tolerationSeconds }: Toleration,
  path: string,
): FieldError[] {
  const errors = checkOptionalText(`${path}.key`, key, qualifiedName);
  if (key === '' && operator !== 'Exists')
    errors.push(
      invalidValue(
        `${path}.operator`,
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    );
  if (tolerationSeconds !== undefined && effect !== 'NoExecute')
    errors.push(invalidValue(`${path}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  if (operator === 'Exists' && value !== '')
    errors.push(invalidValue(`${path}.operator`, value, "value must be empty when `operator` is 'Exists'"));
  errors.push(...checkOptionalOneOf(`${path}.operator`, operator, ['Equal', 'Exists', 'Gt', 'Lt']));
  return [...errors, ...checkOptionalOneOf(`${path}.effect`, effect, ['NoExecute', 'NoSchedule', 'PreferNoSchedule'])];
}

function validateNodeAffinity(spec: PodSpec, path: string): FieldError[] {
  const at = `${path}.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`;
  const selector = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (selector === undefined) return [];
  if ((selector.nodeSelectorTerms ?? []).length === 0)
    return [required(`${at}.nodeSelectorTerms`, 'must have at least one node selector term')];
  return checkItems(`${at}.nodeSelectorTerms`, selector.nodeSelectorTerms, ({ matchExpressions }, term) =>
    checkItems(`${term}.matchExpressions`, matchExpressions, ({ key, operator, values = [] }, expression) => {
      const errors = checkRequiredText(`${expression}.key`, key, qualifiedName);
      const needsValues = operator === 'In' || operator === 'NotIn';
      const needsOne = operator === 'Gt' || operator === 'Lt';
      if (needsValues && values.length === 0)
        errors.push(required(`${expression}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      else if (needsOne && values.length !== 1)
        errors.push(required(`${expression}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      else if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0)
        errors.push(forbiddenField(`${expression}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      else if (!nodeOperators.includes(operator))
        errors.push(invalidValue(`${expression}.operator`, operator, 'not a valid selector operator'));
      return errors;
    }),
  );
}

const nodeOperators: readonly string[] = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'];

const podUpdateText =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** The part of a pod's spec that no update may change. A node is given once, by the binding, and ephemeral containers are added. */
function fixedPart({ spec }: Pod): unknown {
  if (spec === undefined) return undefined;
  const { nodeName: _node, activeDeadlineSeconds: _deadline, tolerations: _tolerations, schedulingGates: _gates, ...kept } = spec;
  const { ephemeralContainers: _ephemeral, ...rest } = kept;
  return {
    ...rest,
    containers: spec.containers?.map(withoutImage),
    initContainers: spec.initContainers?.map(withoutImage),
  };
}

function withoutImage({ image: _image, ...rest }: Container): Omit<Container, 'image'> {
  return rest;
}

function withoutSeconds({ tolerationSeconds: _seconds, ...rest }: Toleration): Omit<Toleration, 'tolerationSeconds'> {
  return rest;
}
