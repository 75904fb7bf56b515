/** Schemas of Kubernetes 1.36: container. */
import type { Infer } from '../schema.ts';
import {
  boolean,
  enumeration,
  field,
  inlined,
  int32,
  int64,
  intOrString,
  list,
  map,
  object,
  quantity,
  required,
  string,
  withDefault,
} from '../schema.ts';
import { objectFieldSelectorSchema, resourceClaimSchema, resourceFieldSelectorSchema } from './references.ts';
import { securityContextSchema } from './security-context.ts';

/** Signals that a container can be stopped by. */
export const signalName = enumeration(
  'SIGABRT',
  'SIGALRM',
  'SIGBUS',
  'SIGCHLD',
  'SIGCLD',
  'SIGCONT',
  'SIGFPE',
  'SIGHUP',
  'SIGILL',
  'SIGINT',
  'SIGIO',
  'SIGIOT',
  'SIGKILL',
  'SIGPIPE',
  'SIGPOLL',
  'SIGPROF',
  'SIGPWR',
  'SIGQUIT',
  'SIGRTMAX',
  'SIGRTMAX-1',
  'SIGRTMAX-10',
  'SIGRTMAX-11',
  'SIGRTMAX-12',
  'SIGRTMAX-13',
  'SIGRTMAX-14',
  'SIGRTMAX-2',
  'SIGRTMAX-3',
  'SIGRTMAX-4',
  'SIGRTMAX-5',
  'SIGRTMAX-6',
  'SIGRTMAX-7',
  'SIGRTMAX-8',
  'SIGRTMAX-9',
  'SIGRTMIN',
  'SIGRTMIN+1',
  'SIGRTMIN+10',
  'SIGRTMIN+11',
  'SIGRTMIN+12',
  'SIGRTMIN+13',
  'SIGRTMIN+14',
  'SIGRTMIN+15',
  'SIGRTMIN+2',
  'SIGRTMIN+3',
  'SIGRTMIN+4',
  'SIGRTMIN+5',
  'SIGRTMIN+6',
  'SIGRTMIN+7',
  'SIGRTMIN+8',
  'SIGRTMIN+9',
  'SIGSEGV',
  'SIGSTKFLT',
  'SIGSTOP',
  'SIGSYS',
  'SIGTERM',
  'SIGTRAP',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGURG',
  'SIGUSR1',
  'SIGUSR2',
  'SIGVTALRM',
  'SIGWINCH',
  'SIGXCPU',
  'SIGXFSZ',
);

export const configMapKeySelectorSchema = object(
  'io.k8s.api.core.v1.ConfigMapKeySelector',
  {
    ...inlined(1, {
      name: field(1, withDefault(string, '')),
    }),
    key: required(2, string, 'keepsZero'),
    optional: field(3, boolean, 'pointer'),
  },
  { mapType: 'atomic' },
);
export type ConfigMapKeySelector = Infer<typeof configMapKeySelectorSchema>;

export const fileKeySelectorSchema = object(
  'io.k8s.api.core.v1.FileKeySelector',
  {
    volumeName: required(1, string, 'keepsZero'),
    path: required(2, string, 'keepsZero'),
    key: required(3, string, 'keepsZero'),
    optional: field(4, withDefault(boolean, false), 'pointer'),
  },
  { mapType: 'atomic' },
);
export type FileKeySelector = Infer<typeof fileKeySelectorSchema>;

export const secretKeySelectorSchema = object(
  'io.k8s.api.core.v1.SecretKeySelector',
  {
    ...inlined(1, {
      name: field(1, withDefault(string, '')),
    }),
    key: required(2, string, 'keepsZero'),
    optional: field(3, boolean, 'pointer'),
  },
  { mapType: 'atomic' },
);
export type SecretKeySelector = Infer<typeof secretKeySelectorSchema>;

export const envVarSourceSchema = object('io.k8s.api.core.v1.EnvVarSource', {
  fieldRef: field(1, objectFieldSelectorSchema, 'pointer'),
  resourceFieldRef: field(2, resourceFieldSelectorSchema, 'pointer'),
  configMapKeyRef: field(3, configMapKeySelectorSchema, 'pointer'),
  secretKeyRef: field(4, secretKeySelectorSchema, 'pointer'),
  fileKeyRef: field(5, fileKeySelectorSchema, 'pointer'),
});
export type EnvVarSource = Infer<typeof envVarSourceSchema>;

export const envVarSchema = object('io.k8s.api.core.v1.EnvVar', {
  name: required(1, string, 'keepsZero'),
  value: field(2, string),
  valueFrom: field(3, envVarSourceSchema, 'pointer'),
});
export type EnvVar = Infer<typeof envVarSchema>;

export const configMapEnvSourceSchema = object('io.k8s.api.core.v1.ConfigMapEnvSource', {
  ...inlined(1, {
    name: field(1, withDefault(string, '')),
  }),
  optional: field(2, boolean, 'pointer'),
});
export type ConfigMapEnvSource = Infer<typeof configMapEnvSourceSchema>;

export const secretEnvSourceSchema = object('io.k8s.api.core.v1.SecretEnvSource', {
  ...inlined(1, {
    name: field(1, withDefault(string, '')),
  }),
  optional: field(2, boolean, 'pointer'),
});
export type SecretEnvSource = Infer<typeof secretEnvSourceSchema>;

export const envFromSourceSchema = object('io.k8s.api.core.v1.EnvFromSource', {
  prefix: field(1, string),
  configMapRef: field(2, configMapEnvSourceSchema, 'pointer'),
  secretRef: field(3, secretEnvSourceSchema, 'pointer'),
});
export type EnvFromSource = Infer<typeof envFromSourceSchema>;

export const execActionSchema = object('io.k8s.api.core.v1.ExecAction', {
  command: field(1, list(string, { listType: 'atomic' })),
});
export type ExecAction = Infer<typeof execActionSchema>;

export const httpHeaderSchema = object('io.k8s.api.core.v1.HTTPHeader', {
  name: required(1, string, 'keepsZero'),
  value: required(2, string, 'keepsZero'),
});
export type HTTPHeader = Infer<typeof httpHeaderSchema>;

export const httpGetActionSchema = object('io.k8s.api.core.v1.HTTPGetAction', {
  path: field(1, string),
  port: required(2, intOrString, 'keepsZero'),
  host: field(3, string),
  scheme: field(4, enumeration('HTTP', 'HTTPS')),
  httpHeaders: field(5, list(httpHeaderSchema, { listType: 'atomic' })),
});
export type HTTPGetAction = Infer<typeof httpGetActionSchema>;

export const sleepActionSchema = object('io.k8s.api.core.v1.SleepAction', {
  seconds: required(1, int64, 'keepsZero'),
});
export type SleepAction = Infer<typeof sleepActionSchema>;

export const tcpSocketActionSchema = object('io.k8s.api.core.v1.TCPSocketAction', {
  port: required(1, intOrString, 'keepsZero'),
  host: field(2, string),
});
export type TCPSocketAction = Infer<typeof tcpSocketActionSchema>;

export const lifecycleHandlerSchema = object('io.k8s.api.core.v1.LifecycleHandler', {
  exec: field(1, execActionSchema, 'pointer'),
  httpGet: field(2, httpGetActionSchema, 'pointer'),
  tcpSocket: field(3, tcpSocketActionSchema, 'pointer'),
  sleep: field(4, sleepActionSchema, 'pointer'),
});
export type LifecycleHandler = Infer<typeof lifecycleHandlerSchema>;

export const lifecycleSchema = object('io.k8s.api.core.v1.Lifecycle', {
  postStart: field(1, lifecycleHandlerSchema, 'pointer'),
  preStop: field(2, lifecycleHandlerSchema, 'pointer'),
  stopSignal: field(3, signalName, 'pointer'),
});
export type Lifecycle = Infer<typeof lifecycleSchema>;

export const grpcActionSchema = object('io.k8s.api.core.v1.GRPCAction', {
  port: required(1, int32, 'keepsZero'),
  service: field(2, withDefault(string, ''), 'pointer'),
});
export type GRPCAction = Infer<typeof grpcActionSchema>;

export const probeSchema = object('io.k8s.api.core.v1.Probe', {
  ...inlined(1, {
    exec: field(1, execActionSchema, 'pointer'),
    httpGet: field(2, httpGetActionSchema, 'pointer'),
    tcpSocket: field(3, tcpSocketActionSchema, 'pointer'),
    grpc: field(4, grpcActionSchema, 'pointer'),
  }),
  initialDelaySeconds: field(2, int32),
  timeoutSeconds: field(3, int32),
  periodSeconds: field(4, int32),
  successThreshold: field(5, int32),
  failureThreshold: field(6, int32),
  terminationGracePeriodSeconds: field(7, int64, 'pointer'),
});
export type Probe = Infer<typeof probeSchema>;

export const containerPortSchema = object('io.k8s.api.core.v1.ContainerPort', {
  name: field(1, string),
  hostPort: field(2, int32),
  containerPort: required(3, int32, 'keepsZero'),
  protocol: field(4, withDefault(enumeration('SCTP', 'TCP', 'UDP'), 'TCP')),
  hostIP: field(5, string),
});
export type ContainerPort = Infer<typeof containerPortSchema>;

export const containerResizePolicySchema = object('io.k8s.api.core.v1.ContainerResizePolicy', {
  resourceName: required(1, string, 'keepsZero'),
  restartPolicy: required(2, string, 'keepsZero'),
});
export type ContainerResizePolicy = Infer<typeof containerResizePolicySchema>;

export const resourceRequirementsSchema = object('io.k8s.api.core.v1.ResourceRequirements', {
  limits: field(1, map(quantity)),
  requests: field(2, map(quantity)),
  claims: field(3, list(resourceClaimSchema, { listType: 'map', listMapKeys: ['name'] })),
});
export type ResourceRequirements = Infer<typeof resourceRequirementsSchema>;

export const containerRestartRuleOnExitCodesSchema = object('io.k8s.api.core.v1.ContainerRestartRuleOnExitCodes', {
  operator: required(1, string),
  values: field(2, list(int32, { listType: 'set' })),
});
export type ContainerRestartRuleOnExitCodes = Infer<typeof containerRestartRuleOnExitCodesSchema>;

export const containerRestartRuleSchema = object('io.k8s.api.core.v1.ContainerRestartRule', {
  action: required(1, string),
  exitCodes: field(2, containerRestartRuleOnExitCodesSchema, 'pointer'),
});
export type ContainerRestartRule = Infer<typeof containerRestartRuleSchema>;

export const volumeDeviceSchema = object('io.k8s.api.core.v1.VolumeDevice', {
  name: required(1, string, 'keepsZero'),
  devicePath: required(2, string, 'keepsZero'),
});
export type VolumeDevice = Infer<typeof volumeDeviceSchema>;

export const volumeMountSchema = object('io.k8s.api.core.v1.VolumeMount', {
  name: required(1, string, 'keepsZero'),
  readOnly: field(2, boolean),
  mountPath: required(3, string, 'keepsZero'),
  subPath: field(4, string),
  mountPropagation: field(5, enumeration('Bidirectional', 'HostToContainer', 'None'), 'pointer'),
  subPathExpr: field(6, string),
  recursiveReadOnly: field(7, string, 'pointer'),
});
export type VolumeMount = Infer<typeof volumeMountSchema>;

const containerFields = {
  name: required(1, string, 'keepsZero'),
  image: field(2, string),
  command: field(3, list(string, { listType: 'atomic' })),
  args: field(4, list(string, { listType: 'atomic' })),
  workingDir: field(5, string),
  ports: field(
    6,
    list(containerPortSchema, {
      listType: 'map',
      listMapKeys: ['containerPort', 'protocol'],
      patchStrategy: 'merge',
      patchMergeKey: 'containerPort',
    }),
  ),
  env: field(7, list(envVarSchema, { listType: 'map', listMapKeys: ['name'], patchStrategy: 'merge', patchMergeKey: 'name' })),
  resources: field(8, resourceRequirementsSchema),
  volumeMounts: field(
    9,
    list(volumeMountSchema, { listType: 'map', listMapKeys: ['mountPath'], patchStrategy: 'merge', patchMergeKey: 'mountPath' }),
  ),
  livenessProbe: field(10, probeSchema, 'pointer'),
  readinessProbe: field(11, probeSchema, 'pointer'),
  lifecycle: field(12, lifecycleSchema, 'pointer'),
  terminationMessagePath: field(13, string),
  imagePullPolicy: field(14, enumeration('Always', 'IfNotPresent', 'Never')),
  securityContext: field(15, securityContextSchema, 'pointer'),
  stdin: field(16, boolean),
  stdinOnce: field(17, boolean),
  tty: field(18, boolean),
  envFrom: field(19, list(envFromSourceSchema, { listType: 'atomic' })),
  terminationMessagePolicy: field(20, enumeration('FallbackToLogsOnError', 'File')),
  volumeDevices: field(
    21,
    list(volumeDeviceSchema, {
      listType: 'map',
      listMapKeys: ['devicePath'],
      patchStrategy: 'merge',
      patchMergeKey: 'devicePath',
    }),
  ),
  startupProbe: field(22, probeSchema, 'pointer'),
  resizePolicy: field(23, list(containerResizePolicySchema, { listType: 'atomic' })),
  restartPolicy: field(24, string, 'pointer'),
  restartPolicyRules: field(25, list(containerRestartRuleSchema, { listType: 'atomic' })),
};

export const containerSchema = object('io.k8s.api.core.v1.Container', containerFields);
export type Container = Infer<typeof containerSchema>;

export const ephemeralContainerSchema = object('io.k8s.api.core.v1.EphemeralContainer', {
  ...inlined(1, containerFields),
  targetContainerName: field(2, string),
});
export type EphemeralContainer = Infer<typeof ephemeralContainerSchema>;
