import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { ReferenceSource } from './environment.ts';
import { buildEnvironment, buildServiceVariables, expand } from './environment.ts';

const source: ReferenceSource = {
  pod: { metadata: { name: 'p', namespace: 'ns', uid: 'u', labels: { b: '2', a: '1' } }, spec: { containers: [] } },
  podIPs: ['10.244.1.2', 'fd00::2'],
  hostIPs: ['10.0.1.1'],
  nodeName: 'node-1',
  allocatable: { cpu: '4' },
  getConfigMap: (name) => (name === 'cm' ? { data: { K: 'v', L: 'w' } } : undefined),
  getToken: () => undefined,
  getSecret: (name) => (name === 's' ? { data: { P: btoa('hidden') } } : undefined),
};

test('env wins over envFrom, and values name variables before them', () => {
  const result = buildEnvironment(
    {
      envFrom: [{ prefix: 'X_', configMapRef: { name: 'cm' } }, { secretRef: { name: 's' } }],
      env: [
        { name: 'A', value: 'a' },
        { name: 'B', value: '$(A)-$(X_K)-$$(A)-$(NONE)' },
        { name: 'P', value: 'shown' },
        { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'L', valueFrom: { fieldRef: { fieldPath: "metadata.labels['a']" } } },
        { name: 'S', valueFrom: { secretKeyRef: { name: 's', key: 'P' } } },
        { name: 'O', valueFrom: { configMapKeyRef: { name: 'nope', key: 'x', optional: true } } },
      ],
    },
    source,
    new Map(),
  );
  assert.ok(result.ok);
  assert.deepEqual(Object.fromEntries(result.variables), {
    X_K: 'v',
    X_L: 'w',
    A: 'a',
    B: 'a-v-$(A)-$(NONE)',
    P: 'shown',
    IP: '10.244.1.2',
    L: '1',
    S: 'hidden',
  });
});

test("what a container may use is its own limit, another one's when named, or what the node has", () => {
  const big = { name: 'big', resources: { limits: { memory: '2Gi' } } };
  const pod = { ...source.pod, spec: { containers: [big] } };
  const ask = (resource: string, more: object = {}) => ({ resourceFieldRef: { resource, ...more } });
  const result = buildEnvironment(
    {
      resources: { limits: { memory: '64Mi' } },
      env: [
        { name: 'OWN', valueFrom: ask('limits.memory', { divisor: '1Mi' }) },
        { name: 'OTHER', valueFrom: ask('limits.memory', { divisor: '1Mi', containerName: 'big' }) },
        { name: 'CPU', valueFrom: ask('limits.cpu') },
      ],
    },
    { ...source, pod },
    new Map(),
  );
  assert.ok(result.ok);
  assert.deepEqual(Object.fromEntries(result.variables), { OWN: '64', OTHER: '2048', CPU: '4' });
});

const missing: readonly { name: string; from: object; want: string }[] = [
  { name: 'a ConfigMap', from: { configMapKeyRef: { name: 'x', key: 'k' } }, want: 'configmap "x" not found' },
  { name: 'a Secret', from: { secretKeyRef: { name: 'x', key: 'k' } }, want: 'secret "x" not found' },
  { name: 'a key', from: { configMapKeyRef: { name: 'cm', key: 'k' } }, want: "couldn't find key k in ConfigMap ns/cm" },
  {
    name: 'a container',
    from: { resourceFieldRef: { containerName: 'x', resource: 'limits.cpu' } },
    want: 'container x not found',
  },
  {
    name: 'a resource',
    from: { resourceFieldRef: { resource: 'limits.gpu' } },
    want: 'unsupported container resource: limits.gpu',
  },
];
for (const { name, from, want } of missing) {
  test(`${name} that is missing is named`, () => {
    const result = buildEnvironment({ env: [{ name: 'A', valueFrom: from }] }, source, new Map());
    assert.deepEqual(result, { ok: false, problem: want });
  });
}

test('service variables follow upstream names', () => {
  const service = (name: string, namespace: string): Parameters<typeof buildServiceVariables>[0][number] => ({
    metadata: { name, namespace },
    spec: { clusterIP: '10.96.0.5', ports: [{ name: 'http-x', port: 80 }] },
  });
  const variables = buildServiceVariables(
    [service('my-svc', 'ns'), service('other', 'elsewhere'), service('kubernetes', 'default')],
    'ns',
    true,
  );
  assert.equal(variables.get('MY_SVC_SERVICE_HOST'), '10.96.0.5');
  assert.equal(variables.get('MY_SVC_SERVICE_PORT_HTTP_X'), '80');
  assert.equal(variables.get('MY_SVC_PORT_80_TCP'), 'tcp://10.96.0.5:80');
  assert.equal(variables.get('KUBERNETES_SERVICE_HOST'), '10.96.0.5');
  assert.equal(variables.has('OTHER_SERVICE_HOST'), false);
  assert.equal(buildServiceVariables([service('my-svc', 'ns')], 'ns', false).size, 0);
});

test('expansion leaves what it does not know', () => {
  assert.equal(expand('$(A) $A $( $$', new Map([['A', '1']])), '1 $A $( $');
});

test('keys that are called like what every object has are keys like any other', () => {
  const variable = (valueFrom: object): ReturnType<typeof buildEnvironment> =>
    buildEnvironment({ env: [{ name: 'X', valueFrom }] }, source, new Map());
  for (const key of ['constructor', 'toString', '__proto__']) {
    const missing = variable({ configMapKeyRef: { name: 'cm', key } });
    assert.deepEqual(missing, { ok: false, problem: `couldn't find key ${key} in ConfigMap ns/cm` });
    assert.equal(variable({ secretKeyRef: { name: 's', key } }).ok, false);
    const label = variable({ fieldRef: { fieldPath: `metadata.labels['${key}']` } });
    assert.ok(label.ok && label.variables.get('X') === '');
  }
});
