import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseManifest } from '../manifest/index.ts';
import { explain } from './explain.ts';
import type { Explanation } from './explanation.ts';
import { printExplanation } from './print.ts';
import { parsePlace } from './question.ts';
import { seenText } from './source-address.ts';
import { usualPlace } from './usual-place.ts';
import { worldFromManifests } from './files/world-from-files.ts';

/** A Deployment of two on node-1 and node-2, one not-ready pod, clients, and Services of every type in front of them. */
const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: NotIn, values: [node-3]}]}]}}}
      containers: [{name: c, image: echo, ports: [{name: http, containerPort: 8080}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: broken, labels: {app: web}, annotations: {fairlead.dev/ready: "false"}}
spec: {nodeName: node-1, containers: [{name: c, image: echo, ports: [{name: http, containerPort: 8080}]}]}
---
{apiVersion: v1, kind: Pod, metadata: {name: client}, spec: {nodeName: node-3, containers: [{name: c, image: echo}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {clusterIP: 10.96.0.7, selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: local}, spec: {type: NodePort, externalTrafficPolicy: Local, selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 30001}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: near}, spec: {topologyKeys: [kubernetes.io/hostname, topology.kubernetes.io/zone], selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: nobody}, spec: {selector: {app: nobody}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: mine}, spec: {internalTrafficPolicy: Local, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: heads}, spec: {clusterIP: None, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: alias}, spec: {type: ExternalName, externalName: www.example.com}}
---
{apiVersion: v1, kind: Service, metadata: {name: balanced}, spec: {type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 30002, selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 30003}]}, status: {loadBalancer: {ingress: [{ip: 10.0.8.1, ipMode: VIP}]}}}
---
{apiVersion: v1, kind: Service, metadata: {name: older, creationTimestamp: "2025-01-01T00:00:00Z"}, spec: {externalIPs: [203.0.113.7], selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: newer, creationTimestamp: "2026-01-01T00:00:00Z"}, spec: {externalIPs: [203.0.113.7], selector: {app: nobody}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: on-node}, spec: {externalIPs: [10.0.1.2], selector: {app: web}, ports: [{port: 8000, targetPort: 8080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: foreign, labels: {service.kubernetes.io/service-proxy-name: x}}, spec: {clusterIP: 10.96.0.8, selector: {app: web}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: proxied}, spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 30008}]}, status: {loadBalancer: {ingress: [{ip: 192.0.2.7, ipMode: Proxy}]}}}
---
{apiVersion: v1, kind: Service, metadata: {name: fenced}, spec: {type: LoadBalancer, loadBalancerSourceRanges: [192.0.2.0/24], selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 30009}]}, status: {loadBalancer: {ingress: [{ip: 10.0.8.2, ipMode: VIP}]}}}
---
{apiVersion: v1, kind: Service, metadata: {name: sick}, spec: {type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 30010, selector: {app: nobody}, ports: [{port: 80, nodePort: 30011}]}, status: {loadBalancer: {ingress: [{ip: 10.0.8.3, ipMode: VIP}]}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: host}, spec: {hostNetwork: true, nodeName: node-2, containers: [{name: c, image: echo, ports: [{containerPort: 7000}]}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: hosts}, spec: {type: NodePort, selector: {app: lone}, ports: [{port: 80, targetPort: 7001, nodePort: 30012}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: lone, labels: {app: lone}}, spec: {hostNetwork: true, nodeName: node-1, containers: [{name: c, image: echo, ports: [{containerPort: 7001}]}]}}
`;
const world = worldFromManifests(parseManifest(manifest, 'test.yaml'));

function ask(target: string, from: string): Explanation {
  return explain(world, { target, from: parsePlace(from), namespace: 'default' });
}

const table: readonly {
  name: string;
  target: string;
  from: string;
  outcome: string;
  nodes?: readonly string[];
  summary?: RegExp;
  excluded?: readonly string[];
}[] = [
  {
    name: 'a cluster IP goes to the ready endpoints anywhere and names the one left out',
    target: 'web',
    from: 'pod/client',
    outcome: 'endpoints',
    nodes: ['node-1', 'node-2'],
    excluded: ['not-ready'],
  },
  {
    name: 'a port may be asked for by name',
    target: 'web:http',
    from: 'pod/client',
    outcome: 'endpoints',
    nodes: ['node-1', 'node-2'],
  },
  {
    name: 'a wrong port of a cluster IP is refused',
    target: 'web:81',
    from: 'pod/client',
    outcome: 'refused',
    summary: /no port 81\/TCP; it has 80\/TCP/,
  },
  {
    name: 'a wrong protocol is refused',
    target: '10.96.0.7:80/udp',
    from: 'pod/client',
    outcome: 'refused',
    summary: /no port 80\/UDP/,
  },
  {
    name: 'an address of the service range without a Service is dropped',
    target: '10.96.200.1:80',
    from: 'pod/client',
    outcome: 'dropped',
  },
  {
    name: 'Local from outside stays on the node',
    target: 'node/node-2:30001',
    from: 'outside',
    outcome: 'endpoints',
    nodes: ['node-2'],
    excluded: ['other-node', 'other-node'],
  },
  {
    name: 'Local from outside to a node without a pod is dropped',
    target: 'node/node-3:30001',
    from: 'outside',
    outcome: 'dropped',
    summary: /externalTrafficPolicy is Local/,
  },
  {
    name: 'Local from a pod of the same node reaches every endpoint',
    target: 'node/node-3:30001',
    from: 'pod/client',
    outcome: 'endpoints',
    nodes: ['node-1', 'node-2'],
  },
  {
    name: 'topologyKeys that match nothing refuse',
    target: 'near',
    from: 'pod/client',
    outcome: 'refused',
    summary: /topology key/,
  },
  { name: 'topologyKeys prefer the own node', target: 'near', from: 'node/node-1', outcome: 'endpoints', nodes: ['node-1'] },
  {
    name: 'no endpoint at all is refused',
    target: 'nobody',
    from: 'pod/client',
    outcome: 'refused',
    summary: /no endpoint is ready/,
  },
  {
    name: 'internalTrafficPolicy Local without a local endpoint is dropped',
    target: 'mine',
    from: 'pod/client',
    outcome: 'dropped',
    summary: /internalTrafficPolicy is Local/,
  },
  {
    name: 'a headless name leads to the pods',
    target: 'heads',
    from: 'pod/client',
    outcome: 'names-only',
    nodes: ['node-1', 'node-2'],
    excluded: ['not-ready'],
  },
  { name: 'an ExternalName is an alias', target: 'alias', from: 'pod/client', outcome: 'alias', summary: /www\.example\.com/ },
  {
    name: 'an unknown name says what is missing',
    target: 'nothing',
    from: 'pod/client',
    outcome: 'no-such-name',
    summary: /no Service nothing in namespace default/,
  },
  {
    name: 'a name in an unknown namespace says so',
    target: 'web.nowhere',
    from: 'pod/client',
    outcome: 'no-such-name',
    summary: /no namespace nowhere/,
  },
  {
    name: 'the load balancer goes to healthy nodes only',
    target: '10.0.8.1:80',
    from: 'outside',
    outcome: 'endpoints',
    nodes: ['node-1', 'node-2'],
  },
  { name: 'a cluster IP is unknown outside', target: '10.96.0.7:80', from: 'outside', outcome: 'unreachable' },
  {
    name: 'of two Services that claim an external IP the older one has it',
    target: '203.0.113.7:80',
    from: 'pod/client',
    outcome: 'endpoints',
    nodes: ['node-1', 'node-2'],
  },
  {
    name: "an external IP that is a node's own address is entered there",
    target: '10.0.1.2:8000',
    from: 'outside',
    outcome: 'endpoints',
    nodes: ['node-1', 'node-2'],
  },
  {
    name: 'a Service of another proxy is served by nobody here',
    target: 'foreign',
    from: 'pod/client',
    outcome: 'unreachable',
    summary: /service-proxy-name gives it to x/,
  },
  {
    name: 'ipMode Proxy: no node takes the address for itself',
    target: '192.0.2.7:80',
    from: 'pod/client',
    outcome: 'direct',
    summary: /the packet goes to the load balancer itself/,
  },
  {
    name: 'a client outside the source ranges is dropped',
    target: '10.0.8.2:80',
    from: 'outside/198.51.100.1',
    outcome: 'dropped',
    summary: /admit 192\.0\.2\.0\/24 only, and the client is 198\.51\.100\.1/,
  },
  {
    name: 'a client in the source ranges is let in',
    target: '10.0.8.2:80',
    from: 'outside/192.0.2.99',
    outcome: 'endpoints',
    nodes: ['node-1', 'node-2'],
  },
  {
    name: 'source ranges hold for pods as well',
    target: '10.0.8.2:80',
    from: 'pod/client',
    outcome: 'dropped',
  },
  {
    name: 'node ports have no source ranges',
    target: 'node/node-1:30009',
    from: 'outside/198.51.100.1',
    outcome: 'endpoints',
    nodes: ['node-1', 'node-2'],
  },
  {
    name: 'a load balancer without a healthy node sends to nobody',
    target: '10.0.8.3:80',
    from: 'outside',
    outcome: 'dropped',
    summary: /every health check fails/,
  },
  {
    name: 'inside, the same address is refused',
    target: '10.0.8.3:80',
    from: 'pod/client',
    outcome: 'refused',
  },
  {
    name: 'a port that a load balancer address does not have is lost',
    target: '10.0.8.1:81',
    from: 'pod/client',
    outcome: 'unreachable',
    summary: /has no port 81\/TCP; it has 80\/TCP/,
  },
  {
    name: 'the health-check port is the proxy itself',
    target: 'node/node-3:30002',
    from: 'outside',
    outcome: 'direct',
    summary: /^node-3 answers 503: no endpoint of default\/balanced is ready on it/,
  },
  {
    name: 'the health-check port of a node with a ready pod names it',
    target: 'node/node-1:30002',
    from: 'outside',
    outcome: 'direct',
    summary: /^node-1 answers 200: default\/[\w-]+ is ready on it/,
  },
  {
    name: "a port of a pod in its node's network is found at the node",
    target: 'node/node-2:7000',
    from: 'pod/client',
    outcome: 'direct',
    nodes: ['node-2'],
  },
  {
    name: 'outside, the service range leads nowhere',
    target: '10.96.200.1:80',
    from: 'outside',
    outcome: 'unreachable',
  },
  {
    name: 'a pod address is known inside only',
    target: '10.244.3.3:80',
    from: 'outside',
    outcome: 'unreachable',
  },
  {
    name: 'a node port that nobody has is the node itself',
    target: 'node/node-1:30999',
    from: 'outside',
    outcome: 'direct',
    summary: /no Service has node port 30999/,
  },
];

for (const { name, target, from, outcome, nodes, summary, excluded } of table) {
  test(name, () => {
    const answer = ask(target, from);
    assert.equal(answer.outcome, outcome, printExplanation(answer));
    if (nodes !== undefined) assert.deepEqual(answer.candidates.map((candidate) => candidate.node ?? '').sort(), nodes);
    if (nodes !== undefined)
      assert.ok(Math.abs(answer.candidates.reduce((sum, candidate) => sum + candidate.share, 0) - 1) < 1e-9);
    if (summary !== undefined) assert.match(answer.summary, summary);
    if (excluded !== undefined) assert.deepEqual(answer.excluded.map((endpoint) => endpoint.code).sort(), excluded);
  });
}

test('the source address that the endpoint sees follows the policy and the place', () => {
  const seen = (target: string, from: string): string[] => [
    ...new Set(ask(target, from).candidates.flatMap((candidate) => candidate.seenAs.map(seenText))),
  ];
  assert.match(seen('web', 'pod/client').join(), /own address/);
  assert.match(seen('web', 'node/node-3').join(), /10\.0\.1\.3, the address of node-3: the client's is hidden/);
  assert.match(seen('node/node-2:30001', 'outside').join(), /own address/);
  const hairpin = ask('web', 'pod/web-1').candidates.find((candidate) => candidate.pod === 'default/web-1');
  assert.deepEqual(hairpin?.seenAs, [{ address: '10.0.1.2', source: 'hairpin', node: 'node-2' }]);
});

test('a place that does not exist is an error with the places there are', () => {
  assert.throws(() => ask('web', 'pod/ghost'), { message: /there is no pod ghost in namespace default: there are default\// });
  assert.throws(() => ask('web', 'node/ghost'), { message: /there is no node ghost: there are node-1, node-2, node-3/ });
  assert.throws(() => ask('node/ghost:80', 'outside'), { message: /there is no node ghost/ });
  assert.throws(() => ask('web:nope', 'pod/client'), { message: /no port called nope: its ports are called http/ });
});

test('the text holds the way, the shares and the ones left out', () => {
  const text = printExplanation(ask('web', 'pod/client'));
  for (const part of [
    /web from pod\/default\/client \(on node-3\)/,
    /50 % {2}10\.244\./,
    /not used:\n.*pod default\/broken .*not ready/,
    /assumed: no Node is given/,
  ])
    assert.match(text, part);
});

test('behind a node port, what listens on the very node sees the client, for the packet is delivered and not sent on', () => {
  const seen = (from: string): unknown => ask('node/node-1:30012', from).candidates[0]?.seenAs;
  assert.deepEqual(seen('outside/10.0.9.5'), [{ address: '10.0.9.5', source: 'kept' }]);
  assert.deepEqual(seen('node/node-1'), [{ address: '10.0.1.1', source: 'hairpin', node: 'node-1' }]);
  const away = ask('node/node-2:30012', 'outside/10.0.9.5').candidates[0]?.seenAs;
  assert.deepEqual(away, [{ address: '10.0.1.2', source: 'masqueraded', node: 'node-2' }]);
});

test('Local is unbalanced, and the shares say so', () => {
  const twoAndOne = [
    'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: LoadBalancer, externalTrafficPolicy: Local, selector: {app: web}, ports: [{port: 80}]}',
    ...['a: node-1', 'b: node-1', 'c: node-2'].map((text) => {
      const [name = '', node = ''] = text.split(': ');
      return `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, labels: {app: web}}\nspec: {nodeName: ${node}, containers: [{name: c, image: echo, ports: [{containerPort: 80}]}]}`;
    }),
  ].join('\n---\n');
  const answer = explain(worldFromManifests(parseManifest(twoAndOne, 'test.yaml')), {
    target: '10.0.8.100:80',
    from: { kind: 'outside' },
    namespace: 'default',
  });
  assert.deepEqual(
    answer.candidates.map(({ pod, share }) => `${pod ?? ''} ${share}`),
    ['default/c 0.5', 'default/a 0.25', 'default/b 0.25'],
  );
});

test('a question without a place comes from where it usually does', () => {
  assert.deepEqual(usualPlace(world, 'web', 'default'), { kind: 'pod', namespace: 'default', name: 'client' });
  assert.deepEqual(usualPlace(world, 'node/node-1:30001', 'default'), { kind: 'outside' });
  assert.deepEqual(usualPlace(world, 'web', 'empty'), { kind: 'node', name: 'node-1' });
});
