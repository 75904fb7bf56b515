/**
 * Whether a Service is one (k8s pkg/apis/core/validation, ValidateServiceCreate, ValidateServiceUpdate and
 * ValidateServiceStatusUpdate, v1.36), in upstream's order and words. The object must have its defaults and, as in the
 * API's own pipeline, its allocated values.
 */
import type { FieldError } from '../field-errors.ts';
import { forbiddenField, indexPath, invalidValue, keyPath, notSupported, required } from '../field-errors.ts';
import type { Service } from '../kinds/index.ts';
import { dns1123Subdomain, immutableMessage, labelValue, portNumber, qualifiedName } from '../validation/identifiers.ts';
import { validateClusterIPChange, validateClusterIPFields } from './cluster-ip-validation.ts';
import { validateIp, validateNonSpecialIp } from './ip-texts.ts';
import {
  validateLoadBalancerClassChange,
  validateLoadBalancerFields,
  validateServiceStatus,
  validateSourceRanges,
} from './load-balancer-validation.ts';
import { serviceLabel } from './names.ts';
import { validatePortCombinations, validatePortList, validatePorts } from './port-validation.ts';
import { isExternallyAccessible, isExternalName, isHeadless, needsHealthCheckNodePort, specOf } from './predicates.ts';
import { validateTopologyKeys } from './topology-keys.ts';

/** Wins over `topologyHintsAnnotation`, and must say the same where both are set. */
export const topologyModeAnnotation = 'service.kubernetes.io/topology-mode';
export const topologyHintsAnnotation = 'service.kubernetes.io/topology-aware-hints';

/** Longest stickiness of a client: one day. */
export const maxAffinityTimeoutSeconds = 86_400;

/** Faults of a new Service. */
export function validateService(service: Service): FieldError[] {
  const name = service.metadata?.name ?? '';
  const errors = name === '' ? [] : serviceLabel(name).map((message) => invalidValue('metadata.name', name, message));
  return [...errors, ...validateBody(service)];
}

/**
 * Faults of a changed Service. The name is not looked at: it cannot change, and may be older than its rule. Texts of
 * addresses and prefixes that `previous` had already are accepted as they are.
 */
export function validateServiceUpdate(next: Service, previous: Service): FieldError[] {
  return [
    ...validateClusterIPChange(next, previous),
    ...validateLoadBalancerClassChange(next, previous),
    ...validateHealthCheckPortChange(next, previous),
    ...validateBody(next, previous),
  ];
}

/** Faults of a write to `/status`. */
export function validateServiceStatusUpdate(next: Service, previous: Service): FieldError[] {
  return validateServiceStatus(next, previous);
}

function validateBody(service: Service, previous?: Service): FieldError[] {
  return [
    ...validateTopologyAnnotations(service),
    ...validatePortList(service),
    ...validateType(service),
    ...validatePorts(service),
    ...validateSelector(service),
    ...validateAffinity(service),
    ...validateClusterIPFields(service, previous),
    ...validateExternalIPs(service, previous),
    ...oneOf('spec.type', orAbsent(specOf(service).type), ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']),
    ...validatePortCombinations(service),
    ...validateTopologyKeys(service),
    ...validateSourceRanges(service, previous),
    ...validateLoadBalancerFields(service),
    ...validateExternalTraffic(service),
    ...validateInternalTraffic(service),
    ...validateTrafficDistribution(service),
  ];
}

function validateTopologyAnnotations(service: Service): FieldError[] {
  const annotations = service.metadata?.annotations ?? {};
  const mode = annotations[topologyModeAnnotation];
  const hints = annotations[topologyHintsAnnotation];
  if (mode === undefined || hints === undefined || mode === hints) return [];
  const detail = `must match annotations[${topologyHintsAnnotation}] when both are specified`;
  return [invalidValue(keyPath('metadata.annotations', topologyModeAnnotation), mode, detail)];
}

/** What a type forbids or demands of the members that other types use. */
function validateType(service: Service): FieldError[] {
  const { type, clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy, externalName = '' } = specOf(service);
  if ((type === 'LoadBalancer' || type === 'NodePort') && isHeadless(service)) {
    const value = clusterIPs?.[0] ?? clusterIP;
    return [invalidValue('spec.clusterIPs[0]', value, `may not be set to 'None' for ${type} services`)];
  }
  if (!isExternalName(service)) return [];
  const errors: FieldError[] = [];
  const refuse = (path: string): unknown => errors.push(forbiddenField(path, 'may not be set for ExternalName services'));
  if ((clusterIPs?.length ?? 0) > 0 || (clusterIP ?? '') !== '') refuse('spec.clusterIPs');
  if ((ipFamilies?.length ?? 0) > 0) refuse('spec.ipFamilies');
  if (ipFamilyPolicy !== undefined) refuse('spec.ipFamilyPolicy');
  const name = externalName.endsWith('.') ? externalName.slice(0, -1) : externalName;
  if (name === '') errors.push(required('spec.externalName'));
  else errors.push(...dns1123Subdomain(name).map((message) => invalidValue('spec.externalName', name, message)));
  return errors;
}

function validateSelector(service: Service): FieldError[] {
  const path = 'spec.selector';
  return Object.entries(specOf(service).selector ?? {}).flatMap(([key, value]) => [
    ...qualifiedName(key).map((message) => invalidValue(path, key, message)),
    ...labelValue(value).map((message) => invalidValue(path, value, message)),
  ]);
}

function validateAffinity(service: Service): FieldError[] {
  const { sessionAffinity, sessionAffinityConfig } = specOf(service);
  const path = 'spec.sessionAffinityConfig';
  const errors = oneOf('spec.sessionAffinity', orAbsent(sessionAffinity), ['ClientIP', 'None']);
  if (sessionAffinity === 'None' && sessionAffinityConfig !== undefined)
    errors.push(forbiddenField(path, 'must not be set when session affinity is None'));
  if (sessionAffinity !== 'ClientIP') return errors;
  const timeoutPath = `${path}.clientIP.timeoutSeconds`;
  const timeoutSeconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (timeoutSeconds === undefined) errors.push(required(timeoutPath));
  else if (timeoutSeconds <= 0 || timeoutSeconds > maxAffinityTimeoutSeconds)
    errors.push(invalidValue(timeoutPath, timeoutSeconds, `must be greater than 0 and less than ${maxAffinityTimeoutSeconds}`));
  return errors;
}

function validateExternalIPs(service: Service, previous?: Service): FieldError[] {
  const existing = previous === undefined ? [] : specOf(previous).externalIPs;
  return (specOf(service).externalIPs ?? []).flatMap((text, index) => {
    const path = indexPath('spec.externalIPs', index);
    const errors = validateIp(path, text, existing);
    return errors.length > 0 ? errors : validateNonSpecialIp(path, text);
  });
}

function validateExternalTraffic(service: Service): FieldError[] {
  const { externalTrafficPolicy = '', healthCheckNodePort = 0 } = specOf(service);
  const errors: FieldError[] = [];
  const policyPath = 'spec.externalTrafficPolicy';
  if (isExternallyAccessible(service)) errors.push(...oneOf(policyPath, orAbsent(externalTrafficPolicy), ['Cluster', 'Local']));
  else if (externalTrafficPolicy !== '')
    errors.push(invalidValue(policyPath, externalTrafficPolicy, 'may only be set for externally-accessible services'));
  if (needsHealthCheckNodePort(service)) {
    if (healthCheckNodePort === 0) errors.push(required(healthPath));
    else errors.push(...portNumber(healthCheckNodePort).map((message) => invalidValue(healthPath, healthCheckNodePort, message)));
  } else if (healthCheckNodePort !== 0) {
    const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    errors.push(invalidValue(healthPath, healthCheckNodePort, detail));
  }
  return errors;
}

function validateHealthCheckPortChange(next: Service, previous: Service): FieldError[] {
  if (!needsHealthCheckNodePort(next) || !needsHealthCheckNodePort(previous)) return [];
  const isSame = (specOf(next).healthCheckNodePort ?? 0) === (specOf(previous).healthCheckNodePort ?? 0);
  return isSame ? [] : [forbiddenField(healthPath, immutableMessage)];
}

/**
 * ExternalName may carry the field: it was not always refused, so old objects have it. A type that does not exist needs
 * none: it has an error of its own.
 */
function validateInternalTraffic(service: Service): FieldError[] {
  const { internalTrafficPolicy, type = '' } = specOf(service);
  if (internalTrafficPolicy === undefined && !['ClusterIP', 'NodePort', 'LoadBalancer'].includes(type)) return [];
  return oneOf('spec.internalTrafficPolicy', internalTrafficPolicy, ['Cluster', 'Local']);
}

function validateTrafficDistribution(service: Service): FieldError[] {
  const { trafficDistribution } = specOf(service);
  if (trafficDistribution === undefined) return [];
  return oneOf('spec.trafficDistribution', trafficDistribution, ['PreferClose', 'PreferSameZone', 'PreferSameNode']);
}

/** Absent is a missing value; an empty text is a wrong one (upstream: a pointer to ""). */
function oneOf(path: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  if (value === undefined) return [required(path)];
  return supported.includes(value) ? [] : [notSupported(path, value, supported)];
}

/** Members that are plain texts in Go: empty is absent. */
function orAbsent(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

const healthPath = 'spec.healthCheckNodePort';
