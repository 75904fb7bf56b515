/**
 * The rules on `clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy` that need no knowledge of the cluster
 * (k8s pkg/apis/core/validation, ValidateServiceClusterIPsRelatedFields), and what an update may change of them.
 */
import type { FieldError } from '../field-errors.ts';
import { duplicate, indexPath, invalidValue, notSupported, required } from '../field-errors.ts';
import type { Service } from '../kinds/index.ts';
import { parseSloppyIp, validateIp } from './ip-texts.ts';
import { headlessClusterIP, isExternalName, isHeadless, specOf } from './predicates.ts';

const clusterIPsPath = 'spec.clusterIPs';
const ipFamiliesPath = 'spec.ipFamilies';
const ipFamilyPolicyPath = 'spec.ipFamilyPolicy';

/** Faults of the four members among themselves. Used before allocation and again by the whole validation. */
export function validateClusterIPFields(service: Service, previous?: Service): FieldError[] {
  if (isExternalName(service)) return [];
  const { clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = specOf(service);
  const errors = validatePair(service);
  for (const [index, family] of ipFamilies.entries()) {
    if (family !== 'IPv4' && family !== 'IPv6')
      errors.push(notSupported(indexPath(ipFamiliesPath, index), family, ['IPv4', 'IPv6']));
    if (ipFamilies.indexOf(family) < index) errors.push(duplicate(indexPath(ipFamiliesPath, index), family));
  }
  if (ipFamilyPolicy !== undefined && !policies.includes(ipFamilyPolicy))
    errors.push(notSupported(ipFamilyPolicyPath, ipFamilyPolicy, policies));
  const textErrors = validateTexts(clusterIPs, specOf(previous ?? {}).clusterIPs);
  errors.push(...textErrors);
  if (clusterIPs.length > 2) errors.push(invalidValue(clusterIPsPath, clusterIPs, 'may only hold up to 2 values'));
  // With an unreadable address in the list, everything below would only mislead.
  if (textErrors.length > 0) return errors;
  if (clusterIPs.length > 1 && !isOnePerFamily(clusterIPs))
    errors.push(invalidValue(clusterIPsPath, clusterIPs, 'may specify no more than one IP for each IP family'));
  if (!isHeadless(service)) errors.push(...validateFamiliesMatch(clusterIPs, ipFamilies));
  return errors;
}

/**
 * Faults of a change: addresses are for life, a second one may come and, with SingleStack, go. Nothing is asked when either
 * side is ExternalName.
 */
export function validateClusterIPChange(next: Service, previous: Service): FieldError[] {
  if (isExternalName(next) || isExternalName(previous)) return [];
  const errors: FieldError[] = [];
  if (!(isHeadless(next) && isHeadless(previous))) {
    errors.push(
      ...validateListChange(next, specOf(previous).clusterIPs ?? [], specOf(next).clusterIPs ?? [], {
        path: clusterIPsPath,
        unset: 'primary clusterIP can not be unset',
        released: "must be set to 'SingleStack' when releasing the secondary clusterIP",
      }),
    );
  }
  if (!isHeadless(next)) {
    errors.push(
      ...validateListChange(next, specOf(previous).ipFamilies ?? [], specOf(next).ipFamilies ?? [], {
        path: ipFamiliesPath,
        unset: 'primary ipFamily can not be unset',
        released: "must be set to 'SingleStack' when releasing the secondary ipFamily",
      }),
    );
  }
  return errors;
}

const policies: readonly string[] = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];

interface ListChangeTexts {
  readonly path: string;
  readonly unset: string;
  readonly released: string;
}

function validateListChange(
  next: Service,
  before: readonly string[],
  after: readonly string[],
  texts: ListChangeTexts,
): FieldError[] {
  const changed = (index: number): FieldError => invalidValue(indexPath(texts.path, index), after, 'may not change once set');
  if (before.length === after.length) return before.flatMap((text, index) => (text === after[index] ? [] : [changed(index)]));
  const errors: FieldError[] = [];
  if (before.length > 0 && after.length > 0 && before[0] !== after[0]) errors.push(changed(0));
  if (after.length > before.length) return errors;
  if (after.length === 0) errors.push(invalidValue(indexPath(texts.path, 0), undefined, texts.unset));
  const policy = specOf(next).ipFamilyPolicy;
  if (after.length === 1 && policy !== 'SingleStack')
    errors.push(invalidValue(ipFamilyPolicyPath, policy ?? 'null', texts.released));
  return errors;
}

function validatePair(service: Service): FieldError[] {
  const { clusterIP = '', clusterIPs = [] } = specOf(service);
  if (clusterIP === '') {
    return clusterIPs.length === 0
      ? []
      : [invalidValue(clusterIPsPath, clusterIPs, 'must be empty when `clusterIP` is not specified')];
  }
  if (clusterIPs.length === 0) return [required(clusterIPsPath)];
  return clusterIPs[0] === clusterIP ? [] : [invalidValue(clusterIPsPath, clusterIPs, 'first value must match `clusterIP`')];
}

function validateTexts(clusterIPs: readonly string[], existing: readonly string[] | undefined): FieldError[] {
  return clusterIPs.flatMap((text, index) => {
    if (index > 0 || text !== headlessClusterIP) return validateIp(indexPath(clusterIPsPath, index), text, existing);
    if (clusterIPs.length === 1) return [];
    return [invalidValue(clusterIPsPath, clusterIPs, "'None' must be the first and only value")];
  });
}

function isOnePerFamily(clusterIPs: readonly string[]): boolean {
  const families = clusterIPs.map((text) => parseSloppyIp(text)?.family);
  return families.includes('IPv4') && families.includes('IPv6') && families.length === 2;
}

function validateFamiliesMatch(clusterIPs: readonly string[], ipFamilies: readonly string[]): FieldError[] {
  return clusterIPs.flatMap((text, index) => {
    const expected = ipFamilies[index];
    const found = parseSloppyIp(text)?.family;
    if (expected === undefined || found === undefined || expected === found) return [];
    if (expected !== 'IPv4' && expected !== 'IPv6') return [];
    const detail = `expected an ${expected} value as indicated by \`ipFamilies[${index}]\``;
    return [invalidValue(indexPath(clusterIPsPath, index), text, detail)];
  });
}
