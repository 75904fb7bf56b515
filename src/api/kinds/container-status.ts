/** Schemas of Kubernetes 1.36: container status. */
import type { Infer } from '../schema.ts';
import { boolean, field, int32, int64, list, map, object, quantity, required, string, time } from '../schema.ts';
import { resourceRequirementsSchema, signalName } from './container.ts';

export const resourceHealthSchema = object('io.k8s.api.core.v1.ResourceHealth', {
  resourceID: required(1, string, 'keepsZero'),
  health: field(2, string),
  message: field(6, string, 'pointer'),
});
export type ResourceHealth = Infer<typeof resourceHealthSchema>;

export const resourceStatusSchema = object('io.k8s.api.core.v1.ResourceStatus', {
  name: required(1, string, 'keepsZero'),
  resources: field(2, list(resourceHealthSchema, { listType: 'map', listMapKeys: ['resourceID'] })),
});
export type ResourceStatus = Infer<typeof resourceStatusSchema>;

export const containerStateRunningSchema = object('io.k8s.api.core.v1.ContainerStateRunning', {
  startedAt: field(1, time),
});
export type ContainerStateRunning = Infer<typeof containerStateRunningSchema>;

export const containerStateTerminatedSchema = object('io.k8s.api.core.v1.ContainerStateTerminated', {
  exitCode: required(1, int32, 'keepsZero'),
  signal: field(2, int32),
  reason: field(3, string),
  message: field(4, string),
  startedAt: field(5, time),
  finishedAt: field(6, time),
  containerID: field(7, string),
});
export type ContainerStateTerminated = Infer<typeof containerStateTerminatedSchema>;

export const containerStateWaitingSchema = object('io.k8s.api.core.v1.ContainerStateWaiting', {
  reason: field(1, string),
  message: field(2, string),
});
export type ContainerStateWaiting = Infer<typeof containerStateWaitingSchema>;

export const containerStateSchema = object('io.k8s.api.core.v1.ContainerState', {
  waiting: field(1, containerStateWaitingSchema, 'pointer'),
  running: field(2, containerStateRunningSchema, 'pointer'),
  terminated: field(3, containerStateTerminatedSchema, 'pointer'),
});
export type ContainerState = Infer<typeof containerStateSchema>;

export const linuxContainerUserSchema = object('io.k8s.api.core.v1.LinuxContainerUser', {
  uid: required(1, int64, 'keepsZero'),
  gid: required(2, int64, 'keepsZero'),
  supplementalGroups: field(3, list(int64, { listType: 'atomic' })),
});
export type LinuxContainerUser = Infer<typeof linuxContainerUserSchema>;

export const containerUserSchema = object('io.k8s.api.core.v1.ContainerUser', {
  linux: field(1, linuxContainerUserSchema, 'pointer'),
});
export type ContainerUser = Infer<typeof containerUserSchema>;

export const imageVolumeStatusSchema = object('io.k8s.api.core.v1.ImageVolumeStatus', {
  imageRef: required(1, string),
});
export type ImageVolumeStatus = Infer<typeof imageVolumeStatusSchema>;

export const volumeStatusSchema = object('io.k8s.api.core.v1.VolumeStatus', {
  image: field(1, imageVolumeStatusSchema, 'pointer'),
});
export type VolumeStatus = Infer<typeof volumeStatusSchema>;

export const volumeMountStatusSchema = object('io.k8s.api.core.v1.VolumeMountStatus', {
  name: required(1, string, 'keepsZero'),
  mountPath: required(2, string, 'keepsZero'),
  readOnly: field(3, boolean),
  recursiveReadOnly: field(4, string, 'pointer'),
  volumeStatus: field(5, volumeStatusSchema, 'pointer'),
});
export type VolumeMountStatus = Infer<typeof volumeMountStatusSchema>;

export const containerStatusSchema = object('io.k8s.api.core.v1.ContainerStatus', {
  name: required(1, string, 'keepsZero'),
  state: field(2, containerStateSchema),
  lastState: field(3, containerStateSchema),
  ready: required(4, boolean, 'keepsZero'),
  restartCount: required(5, int32, 'keepsZero'),
  image: required(6, string, 'keepsZero'),
  imageID: required(7, string, 'keepsZero'),
  containerID: field(8, string),
  started: field(9, boolean, 'pointer'),
  allocatedResources: field(10, map(quantity)),
  resources: field(11, resourceRequirementsSchema, 'pointer'),
  volumeMounts: field(
    12,
    list(volumeMountStatusSchema, {
      listType: 'map',
      listMapKeys: ['mountPath'],
      patchStrategy: 'merge',
      patchMergeKey: 'mountPath',
    }),
  ),
  user: field(13, containerUserSchema, 'pointer'),
  allocatedResourcesStatus: field(
    14,
    list(resourceStatusSchema, { listType: 'map', listMapKeys: ['name'], patchStrategy: 'merge', patchMergeKey: 'name' }),
  ),
  stopSignal: field(15, signalName, 'pointer'),
});
export type ContainerStatus = Infer<typeof containerStatusSchema>;
