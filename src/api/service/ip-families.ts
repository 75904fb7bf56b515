/**
 * Which address families a Service gets, decided before its addresses are allocated
 * (k8s pkg/registry/core/service/storage/alloc.go, initIPFamilyFields).
 */
import type { IpFamily } from '../../net/index.ts';
import type { FieldError } from '../field-errors.ts';
import { indexPath, invalidValue } from '../field-errors.ts';
import type { Service } from '../kinds/index.ts';
import { validateClusterIPFields } from './cluster-ip-validation.ts';
import { otherFamily } from './defaults.ts';
import { parseSloppyIp } from './ip-texts.ts';
import { headlessClusterIP, isExternalName, isSelectorless, sameTexts, specOf, withSpec } from './predicates.ts';

/** Either errors and the Service as it came, or no errors and the Service with families and policy set. */
export interface ResolvedFamilies {
  readonly service: Service;
  readonly errors: readonly FieldError[];
}

/**
 * Fills `ipFamilies` and `ipFamilyPolicy`. `families` are those of the cluster, primary first. Cluster IPs must have been
 * normalised. A PreferDualStack Service whose IP fields nobody touched is left alone: a cluster that became dual-stack
 * upgrades nothing by itself.
 */
export function initIPFamilyFields(
  service: Service,
  previous: Service | undefined,
  families: readonly IpFamily[],
): ResolvedFamilies {
  if (isExternalName(service) || isUntouchedPreferDualStack(service, previous)) return { service, errors: [] };
  const withPolicy = withSpec(service, { ipFamilyPolicy: policyFor(service, previous) });
  const faults = validateClusterIPFields(withPolicy, previous);
  if (faults.length > 0) return { service, errors: faults };
  const { service: prepared, errors } = inferFromClusterIPs(releaseSecondaries(withPolicy, previous), previous, families);
  if (errors.length > 0) return { service, errors };
  if (specOf(prepared).clusterIP === headlessClusterIP && isSelectorless(prepared))
    return { service: completeHeadlessSelectorless(prepared, families), errors: [] };
  const unmet = validateAgainstCluster(prepared, families);
  if (unmet.length > 0) return { service, errors: unmet };
  return { service: completeFamilies(prepared, families), errors: [] };
}

/** Whether the update leaves the IP fields of a PreferDualStack Service as they are. */
export function isUntouchedPreferDualStack(next: Service, previous: Service | undefined): boolean {
  if (previous === undefined || isExternalName(next)) return false;
  const spec = specOf(next);
  const old = specOf(previous);
  if (spec.type !== old.type || spec.ipFamilyPolicy !== 'PreferDualStack') return false;
  if (old.ipFamilyPolicy !== undefined && old.ipFamilyPolicy !== 'PreferDualStack') return false;
  return sameTexts(spec.clusterIPs, old.clusterIPs) && sameTexts(spec.ipFamilies, old.ipFamilies);
}

function policyFor(service: Service, previous: Service | undefined): string {
  const spec = specOf(service);
  if (spec.ipFamilyPolicy !== undefined) return spec.ipFamilyPolicy;
  const old = previous?.spec?.ipFamilyPolicy;
  if (old !== undefined) return old;
  return spec.clusterIP === headlessClusterIP && isSelectorless(service) ? 'RequireDualStack' : 'SingleStack';
}

/** SingleStack over untouched two-element lists is the way to give the second family back. */
function releaseSecondaries(service: Service, previous: Service | undefined): Service {
  const { ipFamilyPolicy, clusterIPs = [], ipFamilies = [] } = specOf(service);
  if (previous === undefined || ipFamilyPolicy !== 'SingleStack') return service;
  const old = specOf(previous);
  let released = service;
  if (clusterIPs.length > 1 && sameTexts(clusterIPs, old.clusterIPs))
    released = withSpec(released, { clusterIPs: clusterIPs.slice(0, 1) });
  if (ipFamilies.length > 1 && sameTexts(ipFamilies, old.ipFamilies))
    released = withSpec(released, { ipFamilies: ipFamilies.slice(0, 1) });
  return released;
}

function inferFromClusterIPs(service: Service, previous: Service | undefined, families: readonly IpFamily[]): ResolvedFamilies {
  const { ipFamilyPolicy, clusterIPs = [], ipFamilies = [] } = specOf(service);
  const policyError = (detail: string): FieldError => invalidValue('spec.ipFamilyPolicy', ipFamilyPolicy, detail);
  const errors: FieldError[] = [];
  if (ipFamilyPolicy === 'SingleStack') {
    if (clusterIPs.length === 2)
      errors.push(policyError("must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified"));
    if (ipFamilies.length === 2)
      errors.push(policyError("must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified"));
  } else if (previous !== undefined) {
    if (isReduced(clusterIPs, previous.spec?.clusterIPs))
      errors.push(policyError("must be 'SingleStack' to release the secondary cluster IP"));
    if (isReduced(ipFamilies, previous.spec?.ipFamilies))
      errors.push(policyError("must be 'SingleStack' to release the secondary IP family"));
  }
  const inferred = [...ipFamilies];
  for (const [index, text] of clusterIPs.entries()) {
    if (text === headlessClusterIP) break;
    const family = parseSloppyIp(text)?.family;
    if (index < inferred.length || family === undefined) continue;
    if (families.includes(family)) inferred.push(family);
    else
      errors.push(invalidValue(indexPath('spec.clusterIPs', index), clusterIPs, `${family} is not configured on this cluster`));
  }
  return { service: inferred.length === ipFamilies.length ? service : withSpec(service, { ipFamilies: inferred }), errors };
}

function isReduced(after: readonly string[], before: readonly string[] | undefined): boolean {
  return after.length > 0 && after.length < (before?.length ?? 0);
}

/** Addresses of such a Service come from whoever writes its endpoints, so both families are fine on any cluster. */
function completeHeadlessSelectorless(service: Service, families: readonly IpFamily[]): Service {
  const { ipFamilyPolicy, ipFamilies = [] } = specOf(service);
  const [primary = families[0] ?? 'IPv4', ...rest] = ipFamilies;
  const isShort = rest.length === 0 && ipFamilyPolicy !== 'SingleStack';
  return withSpec(service, { ipFamilies: isShort ? [primary, otherFamily(primary)] : [primary, ...rest] });
}

function validateAgainstCluster(service: Service, families: readonly IpFamily[]): FieldError[] {
  const { ipFamilyPolicy, ipFamilies = [] } = specOf(service);
  const errors: FieldError[] = [];
  if (ipFamilyPolicy === 'RequireDualStack' && families.length < 2)
    errors.push(invalidValue('spec.ipFamilyPolicy', ipFamilyPolicy, 'this cluster is not configured for dual-stack services'));
  for (const [index, family] of ipFamilies.entries()) {
    if (!families.some((known) => known === family))
      errors.push(invalidValue(indexPath('spec.ipFamilies', index), family, 'not configured on this cluster'));
  }
  return errors;
}

function completeFamilies(service: Service, families: readonly IpFamily[]): Service {
  const { ipFamilyPolicy, ipFamilies = [] } = specOf(service);
  const [primary = families[0] ?? 'IPv4', ...rest] = ipFamilies;
  const isShort = rest.length === 0 && ipFamilyPolicy !== 'SingleStack' && families.length === 2;
  return withSpec(service, { ipFamilies: isShort ? [primary, otherFamily(primary)] : [primary, ...rest] });
}
