import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseManifest } from '../../manifest/index.ts';
import { explain } from '../explain.ts';
import type { Explanation } from '../explanation.ts';
import { printExplanation } from '../print.ts';
import { parsePlace } from '../question.ts';
import type { World } from '../world.ts';
import { worldFromManifests } from './world-from-files.ts';

const client = '---\n{apiVersion: v1, kind: Pod, metadata: {name: client}, spec: {containers: [{name: c, image: echo}]}}\n';
const service = (spec: string, metadata = 'name: web'): string =>
  `---\n{apiVersion: v1, kind: Service, metadata: {${metadata}}, spec: {${spec}}}\n`;
const pod = (metadata: string, spec = ''): string =>
  `---\n{apiVersion: v1, kind: Pod, metadata: {${metadata}}, spec: {${spec}containers: [{name: c, image: echo, ports: [{containerPort: 80}]}]}}\n`;

function worldOf(text: string): World {
  return worldFromManifests(parseManifest(text, 'test.yaml'));
}

function ask(text: string, target: string, from = 'pod/client'): Explanation {
  return explain(worldOf(client + text), { target, from: parsePlace(from), namespace: 'default' });
}

const refusals: readonly [name: string, text: string, position: string, message: RegExp][] = [
  [
    'a mapping where a list belongs',
    '---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  ports:\n    port: 80\n',
    'test.yaml:8:3',
    /Service in version "v1" cannot be handled as a Service: json: cannot unmarshal object into Go struct field ServiceSpec\.spec\.ports/,
  ],
  [
    'an unknown field',
    service('selektor: {app: web}, ports: [{port: 80}]'),
    'test.yaml:4:63',
    /strict decoding error: unknown field "spec\.selektor"/,
  ],
  [
    'a policy that the type does not have',
    service('externalTrafficPolicy: Local, ports: [{port: 80}]'),
    'test.yaml:4:63',
    /Service "web" is invalid: spec\.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services/,
  ],
  [
    'two ports without names',
    service('ports: [{port: 80}, {port: 81}]'),
    'test.yaml:4:71',
    /spec\.ports\[0\]\.name: Required value/,
  ],
  [
    'a node port out of range',
    service('type: NodePort, ports: [{port: 80, nodePort: 80}]'),
    'test.yaml:4:98',
    /provided port is not in the valid range/,
  ],
  [
    'a name that no Service may have',
    service('ports: [{port: 80}]', 'name: we_b'),
    'test.yaml:4:44',
    /metadata\.name: Invalid value: "we_b"/,
  ],
];

for (const [name, text, position, message] of refusals) {
  test(`the question about a Service that the API refuses is answered with the refusal: ${name}`, () => {
    const world = worldOf(client + text);
    const [refused] = world.refused;
    assert.equal(refused?.position, position);
    assert.match(refused?.message ?? '', message);
    const answer = explain(world, { target: refused?.name ?? '', from: parsePlace('pod/client'), namespace: 'default' });
    assert.equal(answer.outcome, 'invalid');
    assert.match(answer.summary, message);
    assert.deepEqual(world.services, []);
  });
}

test('a kind that is mistyped is told of; one of an API that nobody here knows is passed over', () => {
  const text = (apiVersion: string, kind: string): string =>
    `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: a}\n---\n`;
  const files = `${text('v1', 'Servce')}${text('monitoring.coreos.com/v1', 'ServiceMonitor')}${text('v1', 'ConfigMap')}`;
  const { refused } = worldFromManifests(parseManifest(files, 'x'));
  assert.deepEqual(
    refused.map(({ position, message }) => `${position} ${message}`),
    ['x:2:1 no kind Servce in v1; did you mean Service (v1)?'],
  );
});

test('what somebody else has already is refused', () => {
  const world = worldOf(
    service('clusterIP: 10.96.0.7, ports: [{port: 80}]') +
      service('clusterIP: 10.96.0.7, ports: [{port: 80}]', 'name: second') +
      service('type: NodePort, ports: [{port: 80, nodePort: 30001}]', 'name: third') +
      service('type: NodePort, ports: [{port: 80, nodePort: 30001}]', 'name: fourth') +
      service('type: NodePort, ports: [{port: 53, nodePort: 30001, protocol: UDP}]', 'name: fifth'),
  );
  assert.deepEqual(
    world.refused.map(({ name, message }) => `${name}: ${message}`),
    [
      'second: Service "second" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.7"]: failed to allocate IP 10.96.0.7: provided IP is already allocated (by Service default/web)',
      'fourth: Service "fourth" is invalid: spec.ports[0].nodePort: Invalid value: 30001: provided port is already allocated (by Service default/third)',
    ],
  );
});

test('a refused Service is found by what it asks for, and others are told of it', () => {
  const text =
    service('clusterIP: 10.96.0.7, sessionAffinity: Always, ports: [{port: 80}]') + service('ports: [{port: 80}]', 'name: good');
  assert.equal(ask(text, '10.96.0.7:80').outcome, 'invalid');
  const other = ask(text, 'good');
  assert.equal(other.outcome, 'refused');
  assert.deepEqual(other.findings.filter(({ code }) => code === 'object-refused').length, 1);
  assert.match(printExplanation(other), /note: the API refuses Service default\/web: test\.yaml:/);
});

test('a workload that the API refuses has no pods, and the reason is said', () => {
  const deployment =
    '---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: other}}, spec: {containers: [{name: c, image: echo}]}}}}\n';
  const answer = ask(service('selector: {app: web}, ports: [{port: 80}]') + deployment, 'web');
  assert.equal(answer.outcome, 'refused');
  assert.match(
    answer.findings.at(-1)?.text ?? '',
    /the API refuses Deployment default\/d: .*`selector` does not match template `labels`/,
  );
});

test('an apiVersion that no longer exists is refused in the words of kubectl', () => {
  const world = worldOf('{apiVersion: extensions/v1beta1, kind: Deployment, metadata: {name: d}}');
  assert.deepEqual(
    world.refused.map(({ message }) => message),
    ['no matches for kind "Deployment" in version "extensions/v1beta1"'],
  );
});

test('unknown kinds are passed over, lists are opened, namespaces are assumed', () => {
  const world = worldOf(`
{apiVersion: example.com/v1, kind: Gadget, metadata: {name: g}, spec: {anything: 1}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: 1}}
---
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {ports: [{port: 80}]}}
  - {apiVersion: v1, kind: Service, metadata: {name: other}, spec: {ports: [{port: 80}]}}
`);
  assert.deepEqual(
    world.services.map(({ metadata }) => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`),
    ['shop/web', 'default/other'],
  );
  assert.deepEqual(world.refused, []);
  assert.ok(world.namespaces.includes('shop'));
  assert.match(world.assumptions.join('\n'), /no Namespace object is given for shop: assumed to exist/);
});

test('of two objects with one name the later one counts', () => {
  const world = worldOf(service('ports: [{port: 80}]') + service('ports: [{port: 81}]'));
  assert.deepEqual(
    world.services.map(({ spec }) => spec?.ports?.[0]?.port),
    [81],
  );
});

test('what the API would allocate is made up, unlike anything given, and said', () => {
  const world = worldOf(
    service('clusterIP: 10.96.0.100, ports: [{port: 80}]', 'name: given') +
      service('ports: [{port: 80}]', 'name: made') +
      service('type: LoadBalancer, externalTrafficPolicy: Local, ports: [{port: 80}]', 'name: balanced') +
      service('ipFamilyPolicy: RequireDualStack, ports: [{port: 80}]', 'name: dual') +
      service(
        'type: LoadBalancer, loadBalancerClass: example.com/x, allocateLoadBalancerNodePorts: false, ports: [{port: 80}]',
        'name: foreign',
      ),
  );
  const find = (name: string): World['services'][number]['spec'] =>
    world.services.find((candidate) => candidate.metadata?.name === name)?.spec;
  assert.equal(find('made')?.clusterIP, '10.96.0.101');
  assert.ok((find('balanced')?.healthCheckNodePort ?? 0) > 30_000);
  assert.ok((find('balanced')?.ports?.[0]?.nodePort ?? 0) > 30_000);
  assert.deepEqual(find('dual')?.ipFamilies, ['IPv4', 'IPv6']);
  assert.equal(find('foreign')?.ports?.[0]?.nodePort, undefined);
  const balanced = world.services.find((candidate) => candidate.metadata?.name === 'balanced');
  assert.deepEqual(balanced?.status?.loadBalancer?.ingress, [{ ip: '10.0.8.100', ipMode: 'VIP' }]);
  for (const text of [
    /cluster IPs are made up: default\/made 10\.96\.0\.101/,
    /node ports are made up/,
    /load-balancer addresses are made up/,
  ])
    assert.match(world.assumptions.join('\n'), text);
});

test('pods of workloads are made, placed where their node affinity lets them, and spread', () => {
  const world = worldOf(`
{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {replicas: 3, selector: {matchLabels: {app: d}}, template: {metadata: {labels: {app: d}}, spec: {containers: [{name: c, image: echo}]}}}}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: s}, spec: {replicas: 2, serviceName: s, selector: {matchLabels: {app: s}}, template: {metadata: {labels: {app: s}}, spec: {nodeSelector: {kubernetes.io/hostname: node-2}, containers: [{name: c, image: echo}]}}}}
---
{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: a}, spec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: c, image: echo}]}}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: host}, spec: {hostNetwork: true, nodeName: node-3, containers: [{name: c, image: echo}]}}
`);
  const places = world.pods.map(
    ({ metadata, spec, status }) =>
      `${metadata?.name ?? ''} ${spec?.nodeName ?? ''} ${status?.podIPs?.[0]?.ip.replace(/\d+$/, 'x') ?? ''}`,
  );
  assert.deepEqual(places, [
    'host node-3 10.0.1.x',
    'd-1 node-1 10.244.1.x',
    'd-2 node-2 10.244.2.x',
    'd-3 node-1 10.244.1.x',
    's-0 node-2 10.244.2.x',
    's-1 node-2 10.244.2.x',
    'a-on-node-1 node-1 10.244.1.x',
    'a-on-node-2 node-2 10.244.2.x',
    'a-on-node-3 node-3 10.244.3.x',
  ]);
  const stateful = world.pods.find(({ metadata }) => metadata?.name === 's-1');
  assert.deepEqual([stateful?.spec?.hostname, stateful?.spec?.subdomain], ['s-1', 's']);
});

test('nodes as the lab is given them, with labels alone, get addresses', () => {
  const world = worldOf(
    '{apiVersion: v1, kind: Node, metadata: {name: big, labels: {topology.kubernetes.io/zone: z}}}\n' + pod('name: p'),
  );
  assert.deepEqual(
    world.nodes.map(({ metadata, status }) => `${metadata?.name ?? ''} ${status?.addresses?.[0]?.address ?? ''}`),
    ['big 10.0.1.1'],
  );
  assert.equal(world.pods[0]?.spec?.nodeName, 'big');
});

test('objects as kubectl prints them, with status and all, are taken as they are', () => {
  const world = worldOf(`
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default, uid: 5c7d, resourceVersion: "7", creationTimestamp: "2026-01-01T00:00:00Z"}
spec: {type: LoadBalancer, clusterIP: 10.96.1.1, clusterIPs: [10.96.1.1], ipFamilies: [IPv4], ipFamilyPolicy: SingleStack, internalTrafficPolicy: Cluster, externalTrafficPolicy: Cluster, allocateLoadBalancerNodePorts: true, sessionAffinity: None, ports: [{port: 80, protocol: TCP, targetPort: 80, nodePort: 31000}]}
status: {loadBalancer: {ingress: [{ip: 192.0.2.9, ipMode: VIP}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: default, uid: 5c7e}
spec: {nodeName: node-1, containers: [{name: c, image: echo}]}
status: {phase: Running, podIP: 10.9.9.9, podIPs: [{ip: 10.9.9.9}], conditions: [{type: Ready, status: "True"}]}
`);
  assert.deepEqual(world.refused, []);
  assert.equal(world.services[0]?.status?.loadBalancer?.ingress?.[0]?.ip, '192.0.2.9');
  assert.equal(world.pods[0]?.status?.podIP, '10.9.9.9');
});
