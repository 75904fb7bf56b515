/** Validation of metadata and of label selectors (k8s apimachinery/pkg/api/validation/objectmeta.go). */
import type { FieldError } from '../field-errors.ts';
import { forbiddenField, indexPath, invalidValue, required, tooLong } from '../field-errors.ts';
import type { LabelSelector, ObjectMeta, OwnerReference } from '../kinds/index.ts';
import { dns1123Label, labelValue, qualifiedName } from './identifiers.ts';
import type { TextCheck } from './rules.ts';
import { checkImmutable, checkItems, checkNonNegative, checkText } from './rules.ts';

/** What the metadata of a kind must be. */
export interface ObjectMetaRules {
  readonly namespaced: boolean;
  /** What names of the kind look like. */
  readonly nameRule: TextCheck;
}

/** All annotations of an object together, keys and values: 256 KiB. */
export const maxAnnotationBytes = 256 * 1024;

/** Faults of a new object's metadata. */
export function validateObjectMeta(meta: ObjectMeta | undefined, rules: ObjectMetaRules, path = 'metadata'): FieldError[] {
  const { name = '', generateName = '', namespace = '' } = meta ?? {};
  const errors: FieldError[] = [];
  // A prefix may end in a dash: the dash is not the last character once the name is made.
  if (generateName !== '')
    errors.push(
      ...rules
        .nameRule(maskTrailingDash(generateName))
        .map((message) => invalidValue(`${path}.generateName`, generateName, message)),
    );
  if (name === '') errors.push(required(`${path}.name`, 'name or generateName is required'));
  else errors.push(...checkText(`${path}.name`, name, rules.nameRule));
  if (rules.namespaced) {
    if (namespace === '') errors.push(required(`${path}.namespace`));
    else errors.push(...checkText(`${path}.namespace`, namespace, dns1123Label));
  } else if (namespace !== '') errors.push(forbiddenField(`${path}.namespace`, 'not allowed on this type'));
  return [...errors, ...validateCommon(meta, path)];
}

/** Faults of the metadata of an object that replaces another. The name's form is not looked at again. */
export function validateObjectMetaUpdate(
  next: ObjectMeta | undefined,
  previous: ObjectMeta | undefined,
  path = 'metadata',
): FieldError[] {
  return [
    ...checkImmutable(`${path}.name`, next?.name, previous?.name),
    ...checkImmutable(`${path}.namespace`, next?.namespace, previous?.namespace),
    ...checkImmutable(`${path}.uid`, next?.uid, previous?.uid),
    ...validateCommon(next, path),
  ];
}

/** Faults of labels: keys are qualified names, values short. */
export function validateLabels(labels: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...checkText(path, key, qualifiedName),
    ...checkText(path, value, labelValue),
  ]);
}

/** Faults of annotations: keys are qualified names (in any case), all together of a limited size. */
export function validateAnnotations(annotations: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    errors.push(...qualifiedName(key.toLowerCase()).map((message) => invalidValue(path, key, message)));
    bytes += byteLength(key) + byteLength(value);
  }
  if (bytes > maxAnnotationBytes) errors.push(tooLong(path, maxAnnotationBytes));
  return errors;
}

/** Faults of a label selector. */
export function validateLabelSelector(selector: LabelSelector | undefined, path: string): FieldError[] {
  const errors = validateLabels(selector?.matchLabels, `${path}.matchLabels`);
  const expressions = checkItems(`${path}.matchExpressions`, selector?.matchExpressions, (expression, at) => {
    const { key, operator, values = [] } = expression;
    const faults: FieldError[] = [];
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) faults.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0)
        faults.push(forbiddenField(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    } else faults.push(invalidValue(`${at}.operator`, operator, 'not a valid selector operator'));
    faults.push(...checkText(`${at}.key`, key, qualifiedName));
    return [...faults, ...checkItems(`${at}.values`, values, (value, valuePath) => checkText(valuePath, value, labelValue))];
  });
  return [...errors, ...expressions];
}

function validateCommon(meta: ObjectMeta | undefined, path: string): FieldError[] {
  return [
    ...checkNonNegative(`${path}.generation`, meta?.generation),
    ...validateLabels(meta?.labels, `${path}.labels`),
    ...validateAnnotations(meta?.annotations, `${path}.annotations`),
    ...validateOwnerReferences(meta?.ownerReferences ?? [], `${path}.ownerReferences`),
    ...validateFinalizers(meta?.finalizers ?? [], `${path}.finalizers`),
  ];
}

function validateOwnerReferences(references: readonly OwnerReference[], path: string): FieldError[] {
  const errors = references.flatMap((reference) => validateOwnerReference(reference, path));
  const [first, second] = references.filter(({ controller }) => controller === true);
  if (first !== undefined && second !== undefined)
    errors.push(
      invalidValue(
        path,
        references,
        `Only one reference can have Controller set to true. Found "true" in references for ${first.name} and ${second.name}`,
      ),
    );
  return errors;
}

function validateOwnerReference(reference: OwnerReference, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { apiVersion, kind, name, uid } = reference;
  if (apiVersion === '') errors.push(invalidValue(`${path}.apiVersion`, apiVersion, 'version must not be empty'));
  if (kind === '') errors.push(invalidValue(`${path}.kind`, kind, 'must not be empty'));
  if (name === '') errors.push(invalidValue(`${path}.name`, name, 'must not be empty'));
  if (uid === '') errors.push(invalidValue(`${path}.uid`, uid, 'must not be empty'));
  if (apiVersion === 'v1' && kind === 'Event')
    errors.push(invalidValue(path, reference, `${apiVersion}, Kind=${kind} is disallowed from being an owner`));
  return errors;
}

function validateFinalizers(finalizers: readonly string[], path: string): FieldError[] {
  const errors = finalizers.flatMap((finalizer, index) => {
    const faults = checkText(path, finalizer, qualifiedName);
    if (faults.length > 0 || finalizer.includes('/') || standardFinalizers.includes(finalizer)) return faults;
    const detail = 'name is neither a standard finalizer name nor is it fully qualified';
    return [invalidValue(indexPath(path, index), finalizer, detail)];
  });
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion'))
    errors.push(invalidValue(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
  return errors;
}

const standardFinalizers: readonly string[] = ['kubernetes', 'orphan', 'foregroundDeletion'];

function maskTrailingDash(prefix: string): string {
  return prefix.length > 1 && prefix.endsWith('-') ? `${prefix.slice(0, -2)}a` : prefix;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
