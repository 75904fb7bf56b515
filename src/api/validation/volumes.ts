/** Validation of the volumes of a pod (k8s pkg/apis/core/validation, validateVolumes). */
import type { FieldError } from '../field-errors.ts';
import { forbiddenField, invalidValue, required } from '../field-errors.ts';
import type { Volume, VolumeProjection } from '../kinds/index.ts';
import { configMapKey, descendingPath, dns1123Label } from './identifiers.ts';
import { checkItems, checkRequiredText, checkUnique } from './rules.ts';

/** Faults of a pod's volumes; `path` is that of the list. */
export function validateVolumes(volumes: readonly Volume[], path: string): FieldError[] {
  return [
    ...checkItems(path, volumes, validateVolume),
    ...checkUnique(
      volumes.map(({ name }) => name),
      (index) => `${path}[${index}].name`,
    ),
  ];
}

function validateVolume(volume: Volume, path: string): FieldError[] {
  const { name, ...sources } = volume;
  const given = Object.entries(sources).filter(([, source]) => source !== undefined);
  const errors = checkRequiredText(`${path}.name`, name, dns1123Label);
  if (given.length === 0) errors.push(required(path, 'must specify a volume type'));
  for (const [source] of given.slice(1))
    errors.push(forbiddenField(`${path}.${source}`, 'may not specify more than 1 volume type'));
  const { hostPath, secret, configMap, persistentVolumeClaim, downwardAPI, projected } = volume;
  if (hostPath?.path === '') errors.push(required(`${path}.hostPath.path`));
  if (secret !== undefined && (secret.secretName ?? '') === '') errors.push(required(`${path}.secret.secretName`));
  if (configMap !== undefined && (configMap.name ?? '') === '') errors.push(required(`${path}.configMap.name`));
  if (persistentVolumeClaim?.claimName === '') errors.push(required(`${path}.persistentVolumeClaim.claimName`));
  for (const [member, source] of Object.entries({ secret, configMap, downwardAPI, projected }))
    errors.push(...checkFileMode(`${path}.${member}.defaultMode`, source?.defaultMode));
  errors.push(...validateFiles(volume, path));
  return [
    ...errors,
    ...checkItems(`${path}.projected.sources`, projected?.sources, (source, at) => [
      ...validateFiles(source, at),
      ...(source.serviceAccountToken === undefined
        ? []
        : checkFilePath(`${at}.serviceAccountToken.path`, source.serviceAccountToken.path)),
    ]),
  ];
}

/** The files of a volume, or of a source of a projected one. */
function validateFiles({ secret, configMap, downwardAPI }: Volume | VolumeProjection, path: string): FieldError[] {
  return [
    ...Object.entries({ secret, configMap }).flatMap(([member, source]) =>
      checkItems(`${path}.${member}.items`, source?.items, (item, at) => [
        ...checkRequiredText(`${at}.key`, item.key, configMapKey),
        ...checkFilePath(`${at}.path`, item.path),
        ...checkFileMode(`${at}.mode`, item.mode),
      ]),
    ),
    ...checkItems(`${path}.downwardAPI.items`, downwardAPI?.items, (item, at) => [
      ...checkFilePath(`${at}.path`, item.path),
      ...checkFileMode(`${at}.mode`, item.mode),
    ]),
  ];
}

/** A file below the volume; names that begin with two dots belong to the kubelet. */
function checkFilePath(path: string, text: string): FieldError[] {
  return checkRequiredText(path, text, (given) => [
    ...descendingPath(given),
    ...(given.startsWith('..') && !given.startsWith('../') ? ["must not start with '..'"] : []),
  ]);
}

const maxFileMode = 0o777;

function checkFileMode(path: string, mode: number | undefined): FieldError[] {
  const isFine = mode === undefined || (mode >= 0 && mode <= maxFileMode);
  return isFine ? [] : [invalidValue(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive')];
}
