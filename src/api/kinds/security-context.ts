/** Schemas of Kubernetes 1.36: security context. */
import type { Infer } from '../schema.ts';
import { boolean, enumeration, field, int64, list, object, required, string } from '../schema.ts';

export const appArmorProfileSchema = object('io.k8s.api.core.v1.AppArmorProfile', {
  type: required(1, enumeration('Localhost', 'RuntimeDefault', 'Unconfined'), 'keepsZero'),
  localhostProfile: field(2, string, 'pointer'),
});
export type AppArmorProfile = Infer<typeof appArmorProfileSchema>;

export const capabilitiesSchema = object('io.k8s.api.core.v1.Capabilities', {
  add: field(1, list(string, { listType: 'atomic' })),
  drop: field(2, list(string, { listType: 'atomic' })),
});
export type Capabilities = Infer<typeof capabilitiesSchema>;

export const seLinuxOptionsSchema = object('io.k8s.api.core.v1.SELinuxOptions', {
  user: field(1, string),
  role: field(2, string),
  type: field(3, string),
  level: field(4, string),
});
export type SELinuxOptions = Infer<typeof seLinuxOptionsSchema>;

export const seccompProfileSchema = object('io.k8s.api.core.v1.SeccompProfile', {
  type: required(1, enumeration('Localhost', 'RuntimeDefault', 'Unconfined'), 'keepsZero'),
  localhostProfile: field(2, string, 'pointer'),
});
export type SeccompProfile = Infer<typeof seccompProfileSchema>;

export const windowsSecurityContextOptionsSchema = object('io.k8s.api.core.v1.WindowsSecurityContextOptions', {
  gmsaCredentialSpecName: field(1, string, 'pointer'),
  gmsaCredentialSpec: field(2, string, 'pointer'),
  runAsUserName: field(3, string, 'pointer'),
  hostProcess: field(4, boolean, 'pointer'),
});
export type WindowsSecurityContextOptions = Infer<typeof windowsSecurityContextOptionsSchema>;

export const securityContextSchema = object('io.k8s.api.core.v1.SecurityContext', {
  capabilities: field(1, capabilitiesSchema, 'pointer'),
  privileged: field(2, boolean, 'pointer'),
  seLinuxOptions: field(3, seLinuxOptionsSchema, 'pointer'),
  runAsUser: field(4, int64, 'pointer'),
  runAsNonRoot: field(5, boolean, 'pointer'),
  readOnlyRootFilesystem: field(6, boolean, 'pointer'),
  allowPrivilegeEscalation: field(7, boolean, 'pointer'),
  runAsGroup: field(8, int64, 'pointer'),
  procMount: field(9, enumeration('Default', 'Unmasked'), 'pointer'),
  windowsOptions: field(10, windowsSecurityContextOptionsSchema, 'pointer'),
  seccompProfile: field(11, seccompProfileSchema, 'pointer'),
  appArmorProfile: field(12, appArmorProfileSchema, 'pointer'),
});
export type SecurityContext = Infer<typeof securityContextSchema>;

export const sysctlSchema = object('io.k8s.api.core.v1.Sysctl', {
  name: required(1, string, 'keepsZero'),
  value: required(2, string, 'keepsZero'),
});
export type Sysctl = Infer<typeof sysctlSchema>;

export const podSecurityContextSchema = object('io.k8s.api.core.v1.PodSecurityContext', {
  seLinuxOptions: field(1, seLinuxOptionsSchema, 'pointer'),
  runAsUser: field(2, int64, 'pointer'),
  runAsNonRoot: field(3, boolean, 'pointer'),
  supplementalGroups: field(4, list(int64, { listType: 'atomic' })),
  fsGroup: field(5, int64, 'pointer'),
  runAsGroup: field(6, int64, 'pointer'),
  sysctls: field(7, list(sysctlSchema, { listType: 'atomic' })),
  windowsOptions: field(8, windowsSecurityContextOptionsSchema, 'pointer'),
  fsGroupChangePolicy: field(9, enumeration('Always', 'OnRootMismatch'), 'pointer'),
  seccompProfile: field(10, seccompProfileSchema, 'pointer'),
  appArmorProfile: field(11, appArmorProfileSchema, 'pointer'),
  supplementalGroupsPolicy: field(12, enumeration('Merge', 'Strict'), 'pointer'),
  seLinuxChangePolicy: field(13, string, 'pointer'),
});
export type PodSecurityContext = Infer<typeof podSecurityContextSchema>;
