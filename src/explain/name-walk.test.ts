import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseManifest } from '../manifest/index.ts';
import { explain } from './explain.ts';
import type { Explanation } from './explanation.ts';
import { worldFromManifests } from './files/world-from-files.ts';
import { printExplanation } from './print.ts';
import { parsePlace } from './question.ts';

const pod = (name: string, spec: string, labels = '{}'): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, labels: ${labels}}, spec: {nodeName: node-1, ${spec}containers: [{name: c, image: echo, ports: [{name: sql, containerPort: 5432}]}]}}\n---\n`;
const service = (name: string, spec: string): string =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: {${spec}}}\n---\n`;
const manifest = `
${service('web', 'clusterIP: 10.96.0.7, selector: {app: db}, ports: [{name: http, port: 80, targetPort: 5432}, {name: udp, port: 53, protocol: UDP, targetPort: 5432}]')}
${service('db', 'clusterIP: None, selector: {app: db}, ports: [{name: sql, port: 3306, targetPort: 5432}]')}
${service('alias', 'type: ExternalName, externalName: www.example.com, ports: [{port: 80}]')}
${service('inside', 'type: ExternalName, externalName: web.default.svc.cluster.local')}
${service('dangling', 'type: ExternalName, externalName: gone.default.svc.cluster.local')}
${service('both', 'ipFamilyPolicy: RequireDualStack, clusterIPs: [10.96.0.9, "fd00:10:96::9"], selector: {app: db}, ports: [{port: 80}]').replace('name: both', 'name: both, namespace: other')}
${pod('db-a', 'hostname: db-0, subdomain: db, ', '{app: db}')}
${pod('db-b', 'hostname: db-1, subdomain: elsewhere, ', '{app: db}')}
${pod('unselected', 'hostname: db-2, subdomain: db, ')}
${pod('client', '')}
${pod('host', 'hostNetwork: true, ')}
${pod('host-cluster', 'hostNetwork: true, dnsPolicy: ClusterFirstWithHostNet, ')}
${pod('own', 'dnsPolicy: None, dnsConfig: {nameservers: [10.96.0.10], searches: [other.svc.cluster.local], options: [{name: ndots, value: "2"}]}, ')}
${pod('dotted', 'dnsPolicy: None, dnsConfig: {nameservers: [10.96.0.10], searches: [svc.cluster.local]}, ')}
${pod('dotted', 'dnsPolicy: None, dnsConfig: {nameservers: [10.96.0.10], searches: [svc.cluster.local]}, ')}
`;
const world = worldFromManifests(parseManifest(manifest, 'test.yaml'));

function ask(target: string, from = 'pod/client'): Explanation {
  return explain(world, { target, from: parsePlace(from), namespace: 'default' });
}

function walkOf(answer: Explanation): string[] {
  return (answer.name?.attempts ?? []).map(({ name, result }) => `${name.replaceAll('cluster.local', '~')} ${result}`);
}

const table: readonly {
  target: string;
  from?: string;
  outcome: string;
  walk?: readonly string[];
  summary?: RegExp;
  findings?: readonly string[];
}[] = [
  { target: 'web', outcome: 'endpoints', walk: ['web.default.svc.~ found'], findings: [] },
  { target: 'web.default', outcome: 'endpoints', walk: ['web.default.default.svc.~ missing', 'web.default.svc.~ found'] },
  {
    target: 'web.default.svc.cluster.local',
    outcome: 'endpoints',
    walk: [
      'web.default.svc.~.default.svc.~ missing',
      'web.default.svc.~.svc.~ missing',
      'web.default.svc.~.~ missing',
      'web.default.svc.~ found',
    ],
    findings: ['endless-search'],
  },
  { target: 'web.default.svc.cluster.local.', outcome: 'endpoints', walk: ['web.default.svc.~ found'], findings: [] },
  { target: 'db:5432', outcome: 'names-only', findings: [] },
  { target: 'db:3306', outcome: 'names-only', findings: ['target-port-ignored', 'port-not-declared'] },
  { target: 'db', from: 'outside', outcome: 'unreachable', summary: /pod addresses are known inside the cluster only/ },
  { target: 'db-0.db', outcome: 'names-only', walk: ['db-0.db.default.svc.~ found'] },
  {
    target: 'db-1.db',
    outcome: 'no-such-name',
    summary: /has no endpoint called db-1/,
    findings: ['pod-has-other-name'],
  },
  { target: 'db-2.db', outcome: 'no-such-name', findings: ['pod-has-other-name'] },
  { target: 'db-b.db', outcome: 'no-such-name', summary: /db-b is known here as/, findings: ['pod-has-other-name'] },
  { target: 'elsewhere', outcome: 'no-such-name', summary: /there is no Service elsewhere/, findings: ['pod-has-other-name'] },
  { target: 'client', outcome: 'no-such-name', findings: ['pod-has-other-name'] },
  { target: 'wbe', outcome: 'no-such-name', findings: ['name-alike'] },
  { target: 'both', outcome: 'no-such-name', summary: /there is one in other/ },
  { target: 'both.other:80', outcome: 'refused' },
  { target: 'both.nowhere', outcome: 'no-such-name', summary: /there is no namespace nowhere/ },
  { target: 'kube-system', outcome: 'no-such-name', summary: /there is no Service kube-system in namespace default/ },
  {
    target: 'alias:80',
    outcome: 'alias',
    summary: /alias \(CNAME\) for www\.example\.com/,
    findings: ['port-ignored', 'host-name-mismatch'],
  },
  { target: 'inside:80', outcome: 'endpoints' },
  { target: 'dangling', outcome: 'no-such-name', summary: /there is no Service gone/ },
  { target: 'www.example.org', outcome: 'outside-name', findings: ['endless-search'], summary: /no name of cluster\.local/ },
  { target: 'www.example.org.', outcome: 'outside-name', findings: [], walk: ['www.example.org foreign'] },
  { target: '_http._tcp.web', outcome: 'endpoints', walk: ['_http._tcp.web.default.svc.~ found'] },
  { target: '_udp._udp.web', outcome: 'endpoints' },
  { target: '_sql._tcp.db', outcome: 'names-only' },
  { target: '_nope._tcp.web', outcome: 'no-such-name', summary: /has no port nope \(it has http, udp\)/ },
  { target: '10-96-0-7.default.pod', outcome: 'no-such-name', summary: /no live pod in namespace default has the address/ },
  { target: 'web', from: 'pod/host', outcome: 'no-such-name', walk: ['web foreign'], findings: ['node-resolver'] },
  { target: 'web', from: 'pod/host-cluster', outcome: 'endpoints', walk: ['web.default.svc.~ found'] },
  { target: 'both:80', from: 'pod/own', outcome: 'refused', walk: ['both.other.svc.~ found'] },
  { target: 'a.b.c', from: 'pod/own', outcome: 'outside-name', walk: ['a.b.c foreign', 'a.b.c.other.svc.~ missing'] },
  {
    target: 'web.default',
    from: 'pod/dotted',
    outcome: 'endpoints',
    walk: ['web.default foreign', 'web.default.svc.~ found'],
    findings: ['outside-first'],
  },
  {
    target: 'both.other.svc',
    from: 'pod/own',
    outcome: 'no-such-name',
    walk: ['both.other.svc foreign', 'both.other.svc.other.svc.~ missing'],
  },
];

for (const { target, from = 'pod/client', outcome, walk, summary, findings } of table) {
  test(`${target} from ${from} is ${outcome}`, () => {
    const answer = ask(target, from);
    assert.equal(answer.outcome, outcome, printExplanation(answer));
    if (walk !== undefined) assert.deepEqual(walkOf(answer), walk);
    if (summary !== undefined) assert.match(answer.summary, summary);
    if (findings !== undefined)
      assert.deepEqual(
        answer.findings.map(({ code }) => code),
        findings,
        printExplanation(answer),
      );
  });
}

test('every record names its object and its endpoint', () => {
  const [attempt] = ask('db').name?.attempts ?? [];
  assert.deepEqual(attempt?.queries[0]?.answers, [
    { type: 'A', data: '10.244.1.2', from: 'EndpointSlice default/db-0', endpoint: 'Pod/db-a' },
    { type: 'A', data: '10.244.1.3', from: 'EndpointSlice default/db-0', endpoint: 'Pod/db-b' },
  ]);
  assert.equal(attempt?.queries[1]?.reason?.code, 'wrong-family');
});

test('an SRV record gives address and port of each endpoint', () => {
  const { candidates } = ask('_sql._tcp.db');
  assert.deepEqual(
    candidates.map(({ address, port, pod: name }) => `${address}:${port ?? ''} ${name ?? ''}`),
    ['10.244.1.2:5432 default/db-a', '10.244.1.3:5432 default/db-b'],
  );
});

test('the hints say which condition of a pod name is not met', () => {
  const hint = (target: string): string => ask(target).findings[0]?.text ?? '';
  assert.match(hint('db-1.db'), /pod default\/db-b has spec\.subdomain elsewhere, not db; its name would be db-1\.elsewhere/);
  assert.match(hint('db-2.db'), /pod default\/unselected is not selected by Service db/);
  assert.match(hint('db-b.db'), /has spec\.subdomain elsewhere, not db/);
  assert.match(hint('elsewhere'), /default\/db-b has spec\.subdomain elsewhere: a headless Service of that name is needed/);
});

test('each query says what may be remembered of it, and a walk in vain says so in words', () => {
  const caches = (target: string): string[] =>
    (ask(target).name?.attempts ?? []).flatMap(({ queries }) =>
      queries.map(({ type, cache }) => `${type} ${cache.server} ${cache.clientSeconds ?? '-'}`),
    );
  assert.deepEqual(caches('web'), ['A never 30', 'AAAA never 30']);
  assert.deepEqual(caches('www.example.org.'), ['A forwarded -', 'AAAA forwarded -']);
  assert.deepEqual(caches('alias'), ['A forwarded 30', 'AAAA forwarded 30']);
  const words = (target: string): string | undefined => ask(target).steps.find(({ code }) => code === 'cache')?.text;
  assert.equal(words('web'), undefined);
  assert.match(words('db-7.db') ?? '', /anew each time; a client may keep them for 30 s, denials too; what comes from elsewhere/);
  assert.equal(words('www.example.org.'), 'what comes from elsewhere may be from its cache, as long as the TTL says');
});
