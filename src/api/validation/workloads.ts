/** Validation of the kinds that run pods (k8s pkg/apis/apps/validation). */
import type { FieldError } from '../field-errors.ts';
import { isEqualJson } from '../json-equality.ts';
import { forbiddenField, invalidValue, notSupported, required } from '../field-errors.ts';
import type {
  DaemonSet,
  Deployment,
  DeploymentStrategy,
  LabelSelector,
  PodTemplateSpec,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '../kinds/index.ts';
import { labelSelectorFromObject } from '../selectors.ts';
import { validateLabelSelector } from './object-meta.ts';
import { validatePodTemplate } from './pod.ts';
import { checkCountOrShare, checkImmutable, checkNonNegative, checkOneOf } from './rules.ts';

/** Faults of a Deployment, metadata apart. */
export function validateDeployment({ spec }: Deployment): FieldError[] {
  return [
    ...checkNonNegative('spec.replicas', spec?.replicas),
    ...validateSelectorAndTemplate(spec, 'deployment'),
    ...validateStrategy(spec?.strategy),
    ...checkNonNegative('spec.minReadySeconds', spec?.minReadySeconds),
    ...checkNonNegative('spec.revisionHistoryLimit', spec?.revisionHistoryLimit),
    ...validateDeadline(spec?.progressDeadlineSeconds, spec?.minReadySeconds ?? 0),
  ];
}

/** Faults of a Deployment that replaces another: the selector stays. */
export function validateDeploymentUpdate(next: Deployment, previous: Deployment): FieldError[] {
  return [...validateDeployment(next), ...checkImmutable('spec.selector', next.spec?.selector, previous.spec?.selector)];
}

/** Faults of a ReplicaSet, metadata apart. */
export function validateReplicaSet({ spec }: ReplicaSet): FieldError[] {
  return [
    ...checkNonNegative('spec.replicas', spec?.replicas),
    ...checkNonNegative('spec.minReadySeconds', spec?.minReadySeconds),
    // Upstream says "deployment" of ReplicaSets too.
    ...validateSelectorAndTemplate(spec, 'deployment'),
  ];
}

/** Faults of a ReplicaSet that replaces another: the selector stays. */
export function validateReplicaSetUpdate(next: ReplicaSet, previous: ReplicaSet): FieldError[] {
  return [...validateReplicaSet(next), ...checkImmutable('spec.selector', next.spec?.selector, previous.spec?.selector)];
}

/** Faults of a StatefulSet, metadata apart. */
export function validateStatefulSet({ spec }: StatefulSet): FieldError[] {
  const errors = [
    ...checkManagementPolicy(spec?.podManagementPolicy),
    ...validateStatefulUpdateStrategy(spec?.updateStrategy),
    ...checkNonNegative('spec.replicas', spec?.replicas),
    ...checkNonNegative('spec.minReadySeconds', spec?.minReadySeconds),
    ...checkNonNegative('spec.ordinals.start', spec?.ordinals?.start),
  ];
  return [...errors, ...validateSelectorAndTemplate(withClaimedVolumes(spec), 'statefulset')];
}

/** The volumes that the claims will be: containers may mount them by the names of the claims. */
function withClaimedVolumes(spec: StatefulSet['spec']): StatefulSet['spec'] {
  const podSpec = spec?.template?.spec;
  if (podSpec === undefined) return spec;
  const volumes = podSpec.volumes ?? [];
  const claimed = (spec?.volumeClaimTemplates ?? [])
    .map((claim) => claim.metadata?.name ?? '')
    .filter((name) => !volumes.some((volume) => volume.name === name))
    .map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  return { ...spec, template: { ...spec?.template, spec: { ...podSpec, volumes: [...volumes, ...claimed] } } } as typeof spec;
}

/** Faults of a StatefulSet that replaces another: only part of its spec may change. */
export function validateStatefulSetUpdate(next: StatefulSet, previous: StatefulSet): FieldError[] {
  const errors = validateStatefulSet(next);
  if (isEqualJson(fixedPart(next), fixedPart(previous))) return errors;
  return [
    ...errors,
    forbiddenField(
      'spec',
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ),
  ];
}

/** Faults of a DaemonSet, metadata apart. */
export function validateDaemonSet({ spec }: DaemonSet): FieldError[] {
  const { type, rollingUpdate } = spec?.updateStrategy ?? {};
  const at = 'spec.updateStrategy';
  const errors = [
    ...validateSelectorAndTemplate(spec, 'daemonset'),
    ...checkNonNegative('spec.minReadySeconds', spec?.minReadySeconds),
    ...checkNonNegative('spec.revisionHistoryLimit', spec?.revisionHistoryLimit),
  ];
  if (type !== 'OnDelete' && type !== 'RollingUpdate')
    return [...errors, notSupported(`${at}.type`, type ?? '', ['RollingUpdate', 'OnDelete'])];
  if (type === 'OnDelete') return errors;
  if (rollingUpdate === undefined) return [...errors, required(`${at}.rollingUpdate`)];
  const { maxUnavailable, maxSurge } = rollingUpdate;
  errors.push(...checkCountOrShare(`${at}.rollingUpdate.maxUnavailable`, maxUnavailable));
  errors.push(...checkCountOrShare(`${at}.rollingUpdate.maxSurge`, maxSurge));
  if (isZero(maxUnavailable) && isZero(maxSurge))
    errors.push(required(`${at}.rollingUpdate.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
  if (!isZero(maxUnavailable) && !isZero(maxSurge))
    errors.push(invalidValue(`${at}.rollingUpdate.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  return errors;
}

/** Faults of a DaemonSet that replaces another: the selector stays. */
export function validateDaemonSetUpdate(next: DaemonSet, previous: DaemonSet): FieldError[] {
  return [...validateDaemonSet(next), ...checkImmutable('spec.selector', next.spec?.selector, previous.spec?.selector)];
}

/** Faults of a ReplicationController, metadata apart. */
export function validateReplicationController({ spec }: ReplicationController): FieldError[] {
  const { selector = {}, template } = spec ?? {};
  const errors = checkNonNegative('spec.replicas', spec?.replicas);
  if (Object.keys(selector).length === 0) errors.push(required('spec.selector'));
  if (template === undefined) return [...errors, required('spec.template')];
  return [...errors, ...validateTemplate(template, { matchLabels: selector })];
}

interface SelectorAndTemplate {
  readonly selector?: LabelSelector | undefined;
  readonly template?: PodTemplateSpec | undefined;
}

function validateSelectorAndTemplate(spec: SelectorAndTemplate | undefined, kind: string): FieldError[] {
  const selector = spec?.selector;
  if (selector === undefined) return [required('spec.selector'), ...validatePodTemplate(spec?.template, 'spec.template')];
  const errors = validateLabelSelector(selector, 'spec.selector');
  // A selector that cannot be read cannot be compared with the labels either.
  if (errors.length > 0) return [...errors, ...validatePodTemplate(spec?.template, 'spec.template')];
  const isEmpty = Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
  if (isEmpty) errors.push(invalidValue('spec.selector', selector, `empty selector is invalid for ${kind}`));
  return [...errors, ...validateTemplate(spec?.template, isEmpty ? undefined : selector)];
}

function validateTemplate(template: PodTemplateSpec | undefined, selector: LabelSelector | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const labels = template?.metadata?.labels;
  if (selector !== undefined && !labelSelectorFromObject(selector).matches(labels))
    errors.push(invalidValue('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`'));
  errors.push(...validatePodTemplate(template, 'spec.template'));
  const { restartPolicy, activeDeadlineSeconds } = template?.spec ?? {};
  if (restartPolicy !== undefined && restartPolicy !== 'Always' && restartPolicies.includes(restartPolicy))
    errors.push(notSupported('spec.template.spec.restartPolicy', restartPolicy, ['Always']));
  if (activeDeadlineSeconds !== undefined)
    errors.push(
      forbiddenField('spec.template.spec.activeDeadlineSeconds', 'activeDeadlineSeconds in ReplicaSet is not Supported'),
    );
  return errors;
}

const restartPolicies: readonly string[] = ['Never', 'OnFailure'];

function validateStrategy(strategy: DeploymentStrategy | undefined): FieldError[] {
  const { type, rollingUpdate } = strategy ?? {};
  const at = 'spec.strategy';
  const errors = checkOneOf(`${at}.type`, type, ['Recreate', 'RollingUpdate']);
  if (errors.length > 0) return errors;
  if (type === 'Recreate')
    return rollingUpdate === undefined
      ? []
      : [forbiddenField(`${at}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")];
  const { maxUnavailable, maxSurge } = rollingUpdate ?? {};
  errors.push(...checkCountOrShare(`${at}.rollingUpdate.maxUnavailable`, maxUnavailable));
  // A surge may be any share: 200 % is three times the pods for a while.
  if (typeof maxSurge === 'number') errors.push(...checkNonNegative(`${at}.rollingUpdate.maxSurge`, maxSurge));
  if (isZero(maxUnavailable) && isZero(maxSurge))
    errors.push(invalidValue(`${at}.rollingUpdate.maxUnavailable`, maxUnavailable ?? 0, 'may not be 0 when `maxSurge` is 0'));
  return errors;
}

function validateStatefulUpdateStrategy(strategy: NonNullable<StatefulSet['spec']>['updateStrategy']): FieldError[] {
  const { type = '', rollingUpdate } = strategy ?? {};
  const at = 'spec.updateStrategy';
  if (type === '') return [required(at)];
  if (type === 'OnDelete')
    return rollingUpdate === undefined
      ? []
      : [invalidValue(`${at}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")];
  if (type !== 'RollingUpdate') return [invalidValue(at, strategy, "must be 'RollingUpdate' or 'OnDelete'")];
  return checkNonNegative(`${at}.rollingUpdate.partition`, rollingUpdate?.partition);
}

function checkManagementPolicy(policy = ''): FieldError[] {
  if (policy === '') return [required('spec.podManagementPolicy')];
  if (policy === 'OrderedReady' || policy === 'Parallel') return [];
  return [invalidValue('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'")];
}

function validateDeadline(progressDeadlineSeconds: number | undefined, minReadySeconds: number): FieldError[] {
  if (progressDeadlineSeconds === undefined) return [];
  const errors = checkNonNegative('spec.progressDeadlineSeconds', progressDeadlineSeconds);
  if (progressDeadlineSeconds <= minReadySeconds)
    errors.push(invalidValue('spec.progressDeadlineSeconds', progressDeadlineSeconds, 'must be greater than minReadySeconds'));
  return errors;
}

function isZero(value: number | string | undefined): boolean {
  return value === undefined || value === 0 || (typeof value === 'string' && Number.parseInt(value, 10) === 0);
}

function fixedPart({ spec }: StatefulSet): unknown {
  if (spec === undefined) return undefined;
  const { replicas: _replicas, ordinals: _ordinals, template: _template, updateStrategy: _update, ...kept } = spec;
  const { revisionHistoryLimit: _limit, persistentVolumeClaimRetentionPolicy: _policy, minReadySeconds: _ready, ...fixed } = kept;
  return fixed;
}
