/** Rows of volumes, claims and storage classes. */
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../kinds/index.ts';
import { ageSince } from './age.ts';
import type { Cell } from './cells.ts';
import { unset } from './cells.ts';

/** Name, phase, volume, capacity, access modes, class, age. */
export function persistentVolumeClaimCells({ metadata, spec, status }: PersistentVolumeClaim, now: Date): readonly Cell[] {
  const isBound = spec?.volumeName !== undefined && spec.volumeName !== '';
  const modes = (isBound ? status?.accessModes : undefined) ?? [];
  return [
    metadata?.name ?? '',
    metadata?.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
    spec?.volumeName ?? '',
    isBound ? String(status?.capacity?.['storage'] ?? '') : '',
    modesText(modes),
    spec?.storageClassName ?? '',
    spec?.volumeAttributesClassName ?? unset,
    ageSince(metadata?.creationTimestamp, now),
    spec?.volumeMode ?? unset,
  ];
}

/** Name, capacity, access modes, what becomes of it, phase, who has it, class, age. */
export function persistentVolumeCells({ metadata, spec, status }: PersistentVolume, now: Date): readonly Cell[] {
  const { claimRef } = spec ?? {};
  return [
    metadata?.name ?? '',
    String(spec?.capacity?.['storage'] ?? '0'),
    modesText(spec?.accessModes ?? []),
    spec?.persistentVolumeReclaimPolicy ?? '',
    metadata?.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
    claimRef === undefined ? '' : `${claimRef.namespace ?? ''}/${claimRef.name ?? ''}`,
    spec?.storageClassName ?? '',
    spec?.volumeAttributesClassName ?? unset,
    status?.reason ?? '',
    ageSince(metadata?.creationTimestamp, now),
    spec?.volumeMode ?? unset,
  ];
}

/** Name with a word when it is the default, provisioner, policies, age. */
export function storageClassCells(storageClass: StorageClass, now: Date): readonly Cell[] {
  const { metadata, provisioner, reclaimPolicy, volumeBindingMode, allowVolumeExpansion } = storageClass;
  const isDefault = metadata?.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true';
  return [
    `${metadata?.name ?? ''}${isDefault ? ' (default)' : ''}`,
    provisioner,
    reclaimPolicy ?? 'Delete',
    volumeBindingMode ?? unset,
    allowVolumeExpansion ?? false,
    ageSince(metadata?.creationTimestamp, now),
  ];
}

function modesText(modes: readonly string[]): string {
  return modes.map((mode) => accessModes[mode] ?? mode).join(',');
}

const accessModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};
