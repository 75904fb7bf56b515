/** The rules on what only load balancers have: source ranges, class, status (k8s pkg/apis/core/validation). */
import type { FieldError } from '../field-errors.ts';
import { childPath, forbiddenField, indexPath, invalidValue, keyPath, notSupported, required } from '../field-errors.ts';
import type { LoadBalancerIngress, Service } from '../kinds/index.ts';
import { dns1123Subdomain, qualifiedName } from '../validation/identifiers.ts';
import { parseSloppyIp, validateCidr, validateIp } from './ip-texts.ts';
import { isLoadBalancer, specOf } from './predicates.ts';

/** An older way to write `loadBalancerSourceRanges`: a comma-separated list, used only when the field is empty. */
export const sourceRangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges';

const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'";

/** Faults of the source ranges, from the field or from the annotation. */
export function validateSourceRanges(service: Service, previous?: Service): FieldError[] {
  const ranges = specOf(service).loadBalancerSourceRanges ?? [];
  const existing = previous === undefined ? [] : sourceRangesOf(previous);
  if (ranges.length > 0) {
    // The capital L is upstream's own, and clients may know it by now.
    const path = 'spec.LoadBalancerSourceRanges';
    const errors = isLoadBalancer(service) ? [] : [forbiddenField(path, onlyLoadBalancer)];
    return [...errors, ...ranges.flatMap((range, index) => validateCidr(indexPath(path, index), range.trim(), existing))];
  }
  const annotation = service.metadata?.annotations?.[sourceRangesAnnotation];
  if (annotation === undefined) return [];
  const path = keyPath('metadata.annotations', sourceRangesAnnotation);
  const errors = isLoadBalancer(service) ? [] : [forbiddenField(path, onlyLoadBalancer)];
  return [...errors, ...splitAnnotation(annotation).flatMap((range) => validateCidr(path, range, existing))];
}

/** Faults of `allocateLoadBalancerNodePorts` and `loadBalancerClass`. */
export function validateLoadBalancerFields(service: Service): FieldError[] {
  const { allocateLoadBalancerNodePorts, loadBalancerClass } = specOf(service);
  const errors: FieldError[] = [];
  if (allocateLoadBalancerNodePorts !== undefined && !isLoadBalancer(service))
    errors.push(forbiddenField('spec.allocateLoadBalancerNodePorts', onlyLoadBalancer));
  // Without `spec.`, as upstream has it. Defaulting sets the field, so a request never gets here.
  if (allocateLoadBalancerNodePorts === undefined && isLoadBalancer(service))
    errors.push(required('allocateLoadBalancerNodePorts'));
  if (loadBalancerClass === undefined) return errors;
  if (!isLoadBalancer(service)) errors.push(forbiddenField(classPath, onlyLoadBalancer));
  else errors.push(...qualifiedName(loadBalancerClass).map((message) => invalidValue(classPath, loadBalancerClass, message)));
  return errors;
}

/** The class is chosen when a Service becomes a load balancer, and stays. */
export function validateLoadBalancerClassChange(next: Service, previous: Service): FieldError[] {
  if (!isLoadBalancer(next) || !isLoadBalancer(previous)) return [];
  const { loadBalancerClass } = specOf(next);
  if (loadBalancerClass === specOf(previous).loadBalancerClass) return [];
  return [invalidValue(classPath, loadBalancerClass ?? 'null', 'may not change once set')];
}

/** Faults of the status that a load-balancer controller writes. */
export function validateServiceStatus(service: Service, previous?: Service): FieldError[] {
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  const path = 'status.loadBalancer.ingress';
  const errors: FieldError[] = [];
  if (ingress.length > 0 && !isLoadBalancer(service))
    errors.push(forbiddenField(path, "may only be used when `spec.type` is 'LoadBalancer'"));
  const existing = (previous?.status?.loadBalancer?.ingress ?? []).flatMap((entry) => entry.ip ?? []);
  return [...errors, ...ingress.flatMap((entry, index) => validateIngress(entry, indexPath(path, index), existing))];
}

const classPath = 'spec.loadBalancerClass';

function validateIngress(entry: LoadBalancerIngress, path: string, existing: readonly string[]): FieldError[] {
  const { ip = '', hostname = '', ipMode } = entry;
  const errors = ip === '' ? [] : validateIp(childPath(path, 'ip'), ip, existing);
  const modePath = childPath(path, 'ipMode');
  if (ipMode === undefined && ip !== '') errors.push(required(modePath, 'must be specified when `ip` is set'));
  if (ipMode !== undefined && ip === '') errors.push(forbiddenField(modePath, 'may not be specified when `ip` is not set'));
  else if (ipMode !== undefined && ipMode !== 'VIP' && ipMode !== 'Proxy')
    errors.push(notSupported(modePath, ipMode, ['Proxy', 'VIP']));
  if (hostname === '') return errors;
  const hostnamePath = childPath(path, 'hostname');
  errors.push(...dns1123Subdomain(hostname).map((message) => invalidValue(hostnamePath, hostname, message)));
  if (parseSloppyIp(hostname) !== undefined)
    errors.push(invalidValue(hostnamePath, hostname, 'must be a DNS name, not an IP address'));
  return errors;
}

function sourceRangesOf(service: Service): string[] {
  const ranges = specOf(service).loadBalancerSourceRanges ?? [];
  if (ranges.length > 0) return ranges.map((range) => range.trim());
  return splitAnnotation(service.metadata?.annotations?.[sourceRangesAnnotation] ?? '');
}

function splitAnnotation(text: string): string[] {
  return text.trim() === '' ? [] : text.split(',').map((range) => range.trim());
}
