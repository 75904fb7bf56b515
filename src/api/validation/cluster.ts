/** Validation of nodes, namespaces, settings, address objects, leases and events (k8s pkg/apis/{core,networking,coordination}/validation). */
import { formatCidr, formatIp, maskCidr, parseCidr, parseIp } from '../../net/index.ts';
import type { FieldError } from '../field-errors.ts';
import { isEqualJson } from '../json-equality.ts';
import { duplicate, forbiddenField, goQuote, invalidValue, keyPath, required, tooLong } from '../field-errors.ts';
import type { ConfigMap, Event, IPAddress, Lease, Namespace, Node, Secret, ServiceCIDR } from '../kinds/index.ts';
import { validateCidr } from '../service/ip-texts.ts';
import { configMapKey, dns1123Subdomain, notCidrMessage, notIpMessage, pathSegmentName, qualifiedName } from './identifiers.ts';
import {
  checkImmutable,
  checkItems,
  checkNonNegative,
  checkOneOf,
  checkOptionalText,
  checkPositive,
  checkRequiredText,
} from './rules.ts';

/** All data of a ConfigMap or a Secret together: 1 MiB. */
export const maxDataBytes = 1024 * 1024;

/** Taints with known effects, none of them twice; one pod prefix of each family at most. */
export function validateNode({ spec }: Node): FieldError[] {
  const { podCIDRs = [], taints } = spec ?? {};
  const seen = new Set<string>();
  return [
    ...checkItems('spec.taints', taints, ({ key, value, effect }, path) => {
      const errors = [
        ...checkRequiredText(`${path}.key`, key, qualifiedName),
        ...checkOptionalText(`${path}.value`, value, (text) => (/^[-A-Za-z0-9_./]*$/.test(text) ? [] : ['invalid taint value'])),
        ...checkOneOf(`${path}.effect`, effect, ['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
      ];
      const identity = `${key}:${effect}`;
      if (seen.has(identity)) errors.push(duplicate(path, { Key: key, Effect: effect }));
      seen.add(identity);
      return errors;
    }),
    ...checkItems('spec.podCIDRs', podCIDRs, (cidr, path) => validateCidr(path, cidr)),
    ...(podCIDRs.length > 2 || new Set(podCIDRs.map((cidr) => parseCidr(cidr)?.address.family)).size < podCIDRs.length
      ? [invalidValue('spec.podCIDRs', podCIDRs, 'may specify no more than one CIDR for each IP family')]
      : []),
  ];
}

/** As a new one; pod prefixes are for life once set. */
export function validateNodeUpdate(next: Node, previous: Node): FieldError[] {
  const errors = validateNode(next);
  const before = previous.spec?.podCIDRs ?? [];
  if (before.length > 0 && !isEqualJson(next.spec?.podCIDRs, before))
    errors.push(forbiddenField('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  return errors;
}

/** Finalizers are qualified names. */
export function validateNamespace({ spec }: Namespace): FieldError[] {
  return checkItems('spec.finalizers', spec?.finalizers, (finalizer, path) => checkOptionalText(path, finalizer, qualifiedName));
}

/** Keys that can be file names, none in both maps, a mebibyte in all. */
export function validateConfigMap({ data = {}, binaryData = {} }: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    errors.push(...configMapKey(key).map((message) => invalidValue(keyPath('data', key), key, message)));
    if (Object.hasOwn(binaryData, key))
      errors.push(invalidValue(keyPath('data', key), key, 'duplicate of key present in binaryData'));
    bytes += new TextEncoder().encode(value).length;
  }
  for (const [key, value] of Object.entries(binaryData)) {
    errors.push(...configMapKey(key).map((message) => invalidValue(keyPath('binaryData', key), key, message)));
    bytes += base64Bytes(value);
  }
  return bytes > maxDataBytes ? [...errors, tooLong('[]', maxDataBytes)] : errors;
}

/** What is immutable stays, immutability included. */
export function validateConfigMapUpdate(next: ConfigMap, previous: ConfigMap): FieldError[] {
  const errors = validateFrozen(next, previous, ['data', 'binaryData']);
  return [...errors, ...validateConfigMap(next)];
}

/** Keys that can be file names, a mebibyte in all, and the keys that the type demands. */
export function validateSecret({ type = 'Opaque', data = {}, metadata }: Secret): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    errors.push(...configMapKey(key).map((message) => invalidValue(keyPath('data', key), key, message)));
    bytes += base64Bytes(value);
  }
  if (bytes > maxDataBytes) errors.push(tooLong('data', maxDataBytes));
  for (const key of requiredSecretKeys[type] ?? []) if (!Object.hasOwn(data, key)) errors.push(required(keyPath('data', key)));
  const account = 'kubernetes.io/service-account.name';
  if (type === 'kubernetes.io/service-account-token' && (metadata?.annotations?.[account] ?? '') === '')
    errors.push(required(keyPath('metadata.annotations', account)));
  return errors;
}

/** The type is for life; what is immutable stays. */
export function validateSecretUpdate(next: Secret, previous: Secret): FieldError[] {
  const errors = checkImmutable('type', next.type, previous.type);
  errors.push(...validateFrozen(next, previous, ['data']));
  return [...errors, ...validateSecret(next)];
}

/** The name rule of IPAddress objects: the address itself, as it is usually written. */
export function ipAddressName(name: string): string[] {
  const ip = parseIp(name);
  if (ip === undefined) return [notIpMessage];
  const canonical = formatIp(ip);
  return canonical === name ? [] : [`must be in canonical form (${goQuote(canonical)})`];
}

/** It says whose the address is. The address is its name: see `ipAddressName`. */
export function validateIpAddress({ spec }: IPAddress): FieldError[] {
  const parent = spec?.parentRef;
  if (parent === undefined) return [required('spec.parentRef')];
  const at = 'spec.parentRef';
  return [
    ...checkOptionalText(`${at}.group`, parent.group, dns1123Subdomain),
    ...checkRequiredText(`${at}.resource`, parent.resource, pathSegmentName),
    ...checkRequiredText(`${at}.name`, parent.name, pathSegmentName),
    ...checkOptionalText(`${at}.namespace`, parent.namespace, pathSegmentName),
  ];
}

/** An address does not change hands. */
export function validateIpAddressUpdate(next: IPAddress, previous: IPAddress): FieldError[] {
  return [...validateIpAddress(next), ...checkImmutable('spec.parentRef', next.spec?.parentRef, previous.spec?.parentRef)];
}

/** One canonical prefix, or one of each family. */
export function validateServiceCidr({ spec }: ServiceCIDR): FieldError[] {
  const cidrs = spec?.cidrs ?? [];
  if (cidrs.length === 0) return [required('spec.cidrs', 'at least one CIDR required')];
  const errors: FieldError[] = [];
  if (cidrs.length > 2) errors.push(invalidValue('spec.cidrs', cidrs, 'may only hold up to 2 values'));
  const families = cidrs.map((cidr) => parseCidr(cidr)?.address.family);
  if (cidrs.length === 2 && families[0] !== undefined && families[0] === families[1])
    errors.push(
      invalidValue(
        'spec.cidrs',
        cidrs,
        'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96',
      ),
    );
  return [...errors, ...checkItems('spec.cidrs', cidrs, validateCanonicalCidr)];
}

/** A range may gain its second family, and change nothing else. */
export function validateServiceCidrUpdate(next: ServiceCIDR, previous: ServiceCIDR): FieldError[] {
  const errors = validateServiceCidr(next);
  const before = previous.spec?.cidrs ?? [];
  const after = next.spec?.cidrs ?? [];
  const isUpgrade = before.length === 1 && after.length === 2 && after[0] === before[0];
  if (!isUpgrade) errors.push(...checkImmutable('spec.cidrs', after, before));
  return errors;
}

/** A positive duration, and no negative number of transitions. */
export function validateLease({ spec }: Lease): FieldError[] {
  return [
    ...checkPositive('spec.leaseDurationSeconds', spec?.leaseDurationSeconds),
    ...checkNonNegative('spec.leaseTransitions', spec?.leaseTransitions),
  ];
}

/** An event stands in the namespace of what it is about; cluster-wide ones in `default`. */
export function validateEvent({ metadata, involvedObject }: Event): FieldError[] {
  const own = metadata.namespace ?? '';
  const target = involvedObject?.namespace ?? '';
  // Events about objects without a namespace are kept in one of two.
  if (target === '' ? own === '' || own === 'default' || own === 'kube-system' : own === target) return [];
  return [invalidValue('involvedObject.namespace', target, 'does not match event.namespace')];
}

function validateCanonicalCidr(text: string, path: string): FieldError[] {
  const cidr = parseCidr(text);
  if (cidr === undefined) return [invalidValue(path, text, notCidrMessage)];
  const canonical = formatCidr(maskCidr(cidr));
  return canonical === text ? [] : [invalidValue(path, text, `must be in canonical form (${goQuote(canonical)})`)];
}

/** Once `immutable` is true, it and the data stay. */
function validateFrozen<T extends { readonly immutable?: boolean | undefined }>(
  next: T,
  previous: T,
  members: readonly (keyof T & string)[],
): FieldError[] {
  if (previous.immutable !== true) return [];
  const detail = 'field is immutable when `immutable` is set';
  const errors = next.immutable === true ? [] : [forbiddenField('immutable', detail)];
  for (const member of members) if (!isEqualJson(next[member], previous[member])) errors.push(forbiddenField(member, detail));
  return errors;
}

const requiredSecretKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
};

function base64Bytes(text: string): number {
  return Math.floor((text.length * 3) / 4) - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);
}
