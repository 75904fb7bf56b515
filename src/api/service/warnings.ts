/** Remarks on an accepted Service, for `Warning` headers (k8s pkg/api/service/warnings.go, v1.36). */
import { goQuote } from '../field-errors.ts';
import type { Service } from '../kinds/index.ts';
import { cidrWarnings, ipWarnings } from './ip-texts.ts';
import { clusterAddressesOf, isExternalName, isHeadless, specOf } from './predicates.ts';
import { topologyHintsAnnotation, topologyModeAnnotation } from './validation.ts';

/** One text per remark, in upstream's words; empty for a Service that means what it says. */
export function serviceWarnings(service: Service): string[] {
  const { type, externalIPs = [], loadBalancerIP = '', loadBalancerSourceRanges = [], externalName = '' } = specOf(service);
  const isHeadlessClusterIP = type === 'ClusterIP' && isHeadless(service);
  const warnings: string[] = [];
  if (service.metadata?.annotations?.[topologyHintsAnnotation] !== undefined)
    warnings.push(`annotation ${topologyHintsAnnotation} is deprecated, please use ${topologyModeAnnotation} instead`);
  for (const [index, text] of clusterAddressesOf(service).entries())
    warnings.push(...ipWarnings(`spec.clusterIPs[${index}]`, text));
  if (isHeadlessClusterIP) warnings.push(...headlessWarnings(service));
  for (const [index, text] of externalIPs.entries()) warnings.push(...ipWarnings(`spec.externalIPs[${index}]`, text));
  if (externalIPs.length > 0 && !isHeadlessClusterIP && !isExternalName(service))
    warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters');
  if (loadBalancerIP !== '') warnings.push(...ipWarnings('spec.loadBalancerIP', loadBalancerIP));
  for (const [index, text] of loadBalancerSourceRanges.entries())
    warnings.push(...cidrWarnings(`spec.loadBalancerSourceRanges[${index}]`, text.trim()));
  if (isExternalName(service) && externalIPs.length > 0)
    warnings.push(`spec.externalIPs is ignored when spec.type is ${goQuote('ExternalName')}`);
  if (!isExternalName(service) && externalName !== '')
    warnings.push(`spec.externalName is ignored when spec.type is not ${goQuote('ExternalName')}`);
  if (specOf(service).trafficDistribution === 'PreferClose')
    warnings.push(`spec.trafficDistribution: ${goQuote('PreferClose')} is deprecated; use ${goQuote('PreferSameZone')}`);
  return warnings;
}

/** What a Service without a virtual address cannot do. */
function headlessWarnings(service: Service): string[] {
  const { loadBalancerIP = '', externalIPs = [], sessionAffinity } = specOf(service);
  const warnings: string[] = [];
  if (loadBalancerIP !== '') warnings.push('spec.loadBalancerIP is ignored for headless services');
  if (externalIPs.length > 0) warnings.push('spec.externalIPs is ignored for headless services');
  if (sessionAffinity !== 'None') warnings.push('spec.SessionAffinity is ignored for headless services');
  return warnings;
}
