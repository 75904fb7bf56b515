/** Defaults of storage (core/v1 and storage.k8s.io/v1 defaults). */
import type { PersistentVolume, StorageClass } from '../kinds/index.ts';
import { adjust, fill } from './fill.ts';

/** Pending at first, with a file system, and kept when its claim goes. */
export function setVolumeDefaults(volume: PersistentVolume): PersistentVolume {
  const withStatus = { ...volume, status: fill(volume.status ?? {}, { phase: 'Pending' }) };
  return adjust(withStatus, 'spec', (spec) => fill(spec, { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' }));
}

/** Its volumes go with their claims and are bound at once. */
export function setStorageClassDefaults(storageClass: StorageClass): StorageClass {
  return fill(storageClass, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' });
}
