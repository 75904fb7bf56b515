import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  cronJobs,
  daemonSets,
  deployments,
  endpoints,
  endpointSlices,
  jobs,
  namespaces,
  networkPolicies,
  nodes,
  persistentVolumes,
  pods,
  replicationControllers,
  resources,
  roleBindings,
  secrets,
  services,
  statefulSets,
  storageClasses,
} from '../kinds/index.ts';
import type { Pod } from '../kinds/index.ts';
import { setDefaults } from './defaults.ts';

const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [] } };
const templateSpec = {
  containers: [],
  restartPolicy: 'Always',
  dnsPolicy: 'ClusterFirst',
  schedulerName: 'default-scheduler',
  terminationGracePeriodSeconds: 30,
  securityContext: {},
};

test('a pod gets its defaults', () => {
  const pod: Pod = {
    spec: {
      serviceAccount: 'robot',
      containers: [
        {
          name: 'a',
          image: 'nginx:1.25',
          ports: [{ containerPort: 80 }],
          env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
          readinessProbe: { httpGet: { port: 80 } },
          livenessProbe: { grpc: { port: 1 }, periodSeconds: 5 },
          resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } },
        },
      ],
      volumes: [{ name: 'v' }, { name: 'c', configMap: { name: 'c' } }, { name: 's', secret: { defaultMode: 256 } }],
    },
  };
  assert.deepEqual(setDefaults(pods, pod), {
    spec: {
      serviceAccount: 'robot',
      containers: [
        {
          name: 'a',
          image: 'nginx:1.25',
          ports: [{ containerPort: 80, protocol: 'TCP' }],
          env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP', apiVersion: 'v1' } } }],
          readinessProbe: {
            httpGet: { port: 80, path: '/', scheme: 'HTTP' },
            timeoutSeconds: 1,
            periodSeconds: 10,
            successThreshold: 1,
            failureThreshold: 3,
          },
          livenessProbe: {
            grpc: { port: 1, service: '' },
            periodSeconds: 5,
            timeoutSeconds: 1,
            successThreshold: 1,
            failureThreshold: 3,
          },
          resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m', memory: '1Gi' } },
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          imagePullPolicy: 'IfNotPresent',
        },
      ],
      volumes: [
        { name: 'v', emptyDir: {} },
        { name: 'c', configMap: { name: 'c', defaultMode: 420 } },
        { name: 's', secret: { defaultMode: 256 } },
      ],
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
      terminationGracePeriodSeconds: 30,
      securityContext: {},
      serviceAccountName: 'robot',
      enableServiceLinks: true,
    },
  });
});

for (const [image, want] of [
  ['nginx', 'Always'],
  ['nginx:latest', 'Always'],
  ['nginx:1', 'IfNotPresent'],
  ['host:5000/nginx', 'Always'],
  ['host:5000/nginx:1', 'IfNotPresent'],
  ['nginx@sha256:abc', 'IfNotPresent'],
] as const)
  test(`the image ${image} is pulled ${want}`, () => {
    const pod = setDefaults(pods, { spec: { containers: [{ name: 'a', image }] } });
    assert.equal(pod.spec?.containers[0]?.imagePullPolicy, want);
  });

test('ports of pods on the host network are host ports', () => {
  const pod = setDefaults(pods, { spec: { hostNetwork: true, containers: [{ name: 'a', ports: [{ containerPort: 53 }] }] } });
  assert.deepEqual(pod.spec?.containers[0]?.ports, [{ containerPort: 53, protocol: 'TCP', hostPort: 53 }]);
});

test('workloads get their defaults, and so do their templates', () => {
  const selector = { matchLabels: { app: 'a' } };
  assert.deepEqual(setDefaults(deployments, { spec: { selector, template } }).spec, {
    selector,
    template: { ...template, spec: templateSpec },
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
  });
  assert.deepEqual(setDefaults(deployments, { spec: { selector, template, replicas: 0, strategy: { type: 'Recreate' } } }).spec, {
    selector,
    template: { ...template, spec: templateSpec },
    replicas: 0,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: { type: 'Recreate' },
  });
  const statefulSet = setDefaults(statefulSets, { spec: { selector, template, volumeClaimTemplates: [{ spec: {} }] } }).spec;
  assert.deepEqual(statefulSet?.updateStrategy, { type: 'RollingUpdate', rollingUpdate: { partition: 0 } });
  assert.equal(statefulSet.podManagementPolicy, 'OrderedReady');
  assert.deepEqual(statefulSet.volumeClaimTemplates, [
    { apiVersion: 'v1', kind: 'PersistentVolumeClaim', spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } },
  ]);
  assert.deepEqual(setDefaults(persistentVolumes, { spec: {} }), {
    spec: { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' },
    status: { phase: 'Pending' },
  });
  assert.deepEqual(setDefaults(storageClasses, { provisioner: 'x', reclaimPolicy: 'Retain' }), {
    provisioner: 'x',
    reclaimPolicy: 'Retain',
    volumeBindingMode: 'Immediate',
  });
  assert.deepEqual(setDefaults(daemonSets, { spec: { selector, template } }).spec?.updateStrategy, {
    type: 'RollingUpdate',
    rollingUpdate: { maxUnavailable: 1, maxSurge: 0 },
  });
  assert.deepEqual(setDefaults(replicationControllers, { spec: { template } }).spec?.selector, { app: 'a' });
  assert.equal(setDefaults(jobs, { spec: { template } }).spec?.completions, 1);
  assert.equal(setDefaults(jobs, { spec: { template, parallelism: 2 } }).spec?.completions, undefined);
  assert.equal(
    setDefaults(cronJobs, { spec: { schedule: '* * * * *', jobTemplate: { spec: { template } } } }).spec.jobTemplate.spec
      ?.backoffLimit,
    6,
  );
});

test('endpoints get their protocols', () => {
  assert.deepEqual(setDefaults(endpoints, { subsets: [{ ports: [{ port: 80 }] }] }).subsets, [
    { ports: [{ port: 80, protocol: 'TCP' }] },
  ]);
  assert.deepEqual(setDefaults(endpointSlices, { addressType: 'IPv4', ports: [{ port: 80 }] }), {
    addressType: 'IPv4',
    ports: [{ port: 80, name: '', protocol: 'TCP' }],
  });
});

test('the other kinds get theirs', () => {
  assert.deepEqual(setDefaults(namespaces, { metadata: { name: 'a' } }), {
    metadata: { name: 'a', labels: { 'kubernetes.io/metadata.name': 'a' } },
    status: { phase: 'Active' },
  });
  assert.deepEqual(setDefaults(nodes, { status: { capacity: { cpu: '2' } } }).status?.allocatable, { cpu: '2' });
  assert.deepEqual(setDefaults(secrets, { data: { a: 'YQ==' }, stringData: { b: 'Grüße', a: 'x' } }), {
    data: { a: 'eA==', b: 'R3LDvMOfZQ==' },
    type: 'Opaque',
  });
  assert.deepEqual(setDefaults(networkPolicies, { spec: { podSelector: {}, egress: [{ ports: [{ port: 53 }] }] } }).spec, {
    podSelector: {},
    egress: [{ ports: [{ port: 53, protocol: 'TCP' }] }],
    policyTypes: ['Ingress', 'Egress'],
  });
  const binding = { roleRef: { kind: 'Role', name: 'r', apiGroup: '' }, subjects: [{ kind: 'User', name: 'u' }] };
  assert.equal(setDefaults(roleBindings, binding).subjects?.[0]?.apiGroup, 'rbac.authorization.k8s.io');
});

test('Services are left to their own rules', () => {
  const service = { spec: {} };
  assert.equal(setDefaults(services, service), service);
});

test('defaults are idempotent and change nothing that is set', () => {
  const container = fc.record(
    { name: fc.constant('a'), image: fc.constantFrom('x', 'x:1'), livenessProbe: fc.constant({ httpGet: { port: 1 } }) },
    { requiredKeys: ['name'] },
  );
  const spec = fc.record(
    { containers: fc.array(container, { maxLength: 2 }), dnsPolicy: fc.constant('None') },
    { requiredKeys: ['containers'] },
  );
  fc.assert(
    fc.property(fc.constantFrom(...resources), spec, (resource, podSpec) => {
      const object = { metadata: { name: 'a' }, spec: { ...podSpec, template: { spec: podSpec } }, template: { spec: podSpec } };
      const once = setDefaults(resource, object as never);
      assert.deepEqual(setDefaults(resource, once), once);
      assert.partialDeepStrictEqual(once, object);
    }),
  );
});
