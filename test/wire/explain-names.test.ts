/**
 * `explain` of names against real resolvers in the pod: the names that `dig` asks for on its way through the search path, the
 * answers it gets, and the addresses that the C libraries find in the end, must be what is explained.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outsideNames } from '../../src/cluster/index.ts';
import { explain, parsePlace, printExplanation, worldFromCluster } from '../../src/explain/index.ts';
import type { Explanation, World } from '../../src/explain/index.ts';
import { parseManifest } from '../../src/manifest/index.ts';
import { echoPod, until, useCluster } from './cluster-harness.ts';
import { hasProgram, isInside } from './linux-harness.ts';
import { buildLookupProgram, needsMusl } from './lookup-program.ts';
import { execInPod } from './pod-exec.ts';

const service = (name: string, spec: string): string => `
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {${spec}}
---`;
const manifests = `
apiVersion: v1
kind: Namespace
metadata: {name: other}
---
${echoPod('client', { node: 'node-1' })}
${echoPod('client', { namespace: 'other', node: 'node-2' })}
${echoPod('few-dots', { node: 'node-1', extra: 'dnsConfig: {searches: [other.svc.cluster.local, outside.example], options: [{name: ndots, value: "2"}]}' })}
${echoPod('own', { node: 'node-1', extra: 'dnsPolicy: None\n  dnsConfig: {nameservers: [10.96.0.10], searches: [svc.cluster.local]}' })}
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: c, image: echo, ports: [{name: sql, containerPort: 5432}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: busybox1, labels: {name: busybox}}
spec: {hostname: busybox-1, subdomain: default-subdomain, containers: [{name: c, image: echo, ports: [{containerPort: 1234}]}]}
---
${service('db', 'clusterIP: None, selector: {app: db}, ports: [{name: sql, port: 5432}]')}
${service('default-subdomain', 'clusterIP: None, selector: {name: busybox}, ports: [{name: foo, port: 1234}]')}
${service('virtual', 'selector: {app: db}, ports: [{name: http, port: 80, targetPort: 5432}]')}
${service('remote', 'selector: {app: db}, ports: [{name: http, port: 80, targetPort: 5432}]').replace('name: remote', 'name: remote, namespace: other')}
${service('nobody', 'selector: {app: nobody}, ports: [{port: 80}]')}
${service('nobody-headless', 'clusterIP: None, selector: {app: nobody}, ports: [{port: 80}]')}
${service('alias', 'type: ExternalName, externalName: virtual.default.svc.cluster.local')}
${service('alias-out', 'type: ExternalName, externalName: thisis.externalname.com')}
${service('alias-lost', 'type: ExternalName, externalName: gone.default.svc.cluster.local')}
${service('alias-twice', 'type: ExternalName, externalName: alias.default.svc.cluster.local')}
`;

const names = [
  'virtual',
  'virtual.default',
  'virtual.default.svc',
  'virtual.default.svc.cluster.local',
  'virtual.default.svc.cluster.local.',
  'VIRTUAL',
  'remote',
  'remote.other',
  'remote.other.svc',
  'kubernetes',
  'kubernetes.default',
  'kube-dns.kube-system',
  'db',
  'db.default',
  'db-0.db',
  'db-1.db.default',
  'db-0.db.default.svc.cluster.local.',
  'db-7.db',
  'db-0.virtual',
  'busybox-1.default-subdomain',
  'busybox1.default-subdomain',
  'default-subdomain',
  'nobody',
  'nobody-headless',
  'alias',
  'alias-out',
  'alias-lost',
  'alias-twice',
  'x.alias',
  'no-such',
  'no-such.other',
  'virtual.no-such',
  'www.outside.example',
  'www.outside.example.',
  'gone.outside.example',
  'www',
  'thisis.externalname.com',
  'a.b.c.d.e.f',
  '10-0-0-1.default.pod',
  '10-96-0-10.default.pod.cluster.local',
  'svc.cluster.local',
  'default.svc.cluster.local',
];
const clients = ['default/client', 'other/client', 'default/few-dots', 'default/own'];

if (isInside(import.meta.url)) {
  const cluster = useCluster({}, '');
  let world: World | undefined;

  const explained = (client: string, name: string): Explanation => {
    assert.ok(world !== undefined);
    return explain(world, { target: name, from: parsePlace(`pod/${client}`), namespace: 'default' });
  };
  /** The addresses that the explanation ends with; undefined where another server has the last word. */
  const addressesOf = ({ name: walk }: Explanation): string[] | undefined => {
    const attempts = walk?.attempts ?? [];
    const last = attempts.at(-1);
    const isElsewhere = attempts.some(({ result }) => result === 'alias' || result === 'foreign');
    if (isElsewhere && last?.result !== 'found') return undefined;
    return (last?.queries ?? [])
      .flatMap(({ answers }) => answers)
      .filter(({ type }) => type === 'A')
      .map(({ data }) => data)
      .sort();
  };

  /** What the server of the world outside has for the name that is left to it. */
  const outsideAddresses = ({ name: walk }: Explanation): string[] => {
    const targets = (walk?.attempts ?? []).map(({ result, queries, name }) =>
      result === 'alias' ? queries[0]?.answers.at(-1)?.data.replace(/\.$/, '') : name,
    );
    return targets.some((target) => outsideNames.some((known) => known === target)) ? ['10.0.9.1'] : [];
  };

  test('the world of names comes up', async () => {
    await cluster().apply(parseManifest(manifests, 'test'));
    await until('everything is there', async () => (await cluster().settled({ timeoutMs: 500 })).length === 0, 30_000);
    world = await worldFromCluster(cluster().client, { serviceCidrs: ['10.96.0.0/16'] });
  });

  for (const client of clients) {
    test(
      `dig in pod ${client} asks for the very names that are explained, in that order, and gets those answers`,
      hasProgram('dig') ? {} : { skip: 'dig is not installed; Debian: apt-get install dnsutils' },
      async () => {
        for (const name of names) {
          const answer = explained(client, name);
          const output = await execInPod(cluster(), client, ['dig', '+search', '+showsearch', '+tries=1', '+time=2', name, 'A']);
          const asked = [...output.matchAll(/^;(\S+?)\.?\s+IN\s+A$/gm)].map(([, text = '']) => text.toLowerCase());
          const codes = [...output.matchAll(/status: ([A-Z]+)/g)].map(([, code = '']) => code);
          const attempts = answer.name?.attempts ?? [];
          // dig ends with the first name that exists, whatever it has, and with a name that has dots enough; the C library goes
          // on in both cases, and so does the explanation
          const isAsTyped = attempts[0]?.name.toLowerCase() === name.toLowerCase();
          const end = isAsTyped
            ? 0
            : attempts.findIndex(
                ({ name: asked, queries }) =>
                  outsideNames.some((known) => known === asked) ||
                  queries.some(({ type, rcode }) => type === 'A' && rcode === 'NOERROR'),
              );
          const walk = end < 0 ? attempts : attempts.slice(0, end + 1);
          const what = `${name} in ${client}\n${printExplanation(answer)}\n${output}`;
          assert.deepEqual(
            asked.slice(0, walk.length),
            walk.map((attempt) => attempt.name.toLowerCase()),
            what,
          );
          for (const [at, { queries, result }] of walk.entries()) {
            if (result === 'foreign') continue;
            const query = queries.find(({ type }) => type === 'A');
            // what an alias leads to outside may not exist: that is the other server's word
            if (result !== 'alias') assert.equal(codes[at], query?.rcode, what);
          }
          const addresses = addressesOf(answer);
          const last = walk.at(-1);
          if (addresses === undefined || last === undefined || last !== attempts.at(-1)) continue;
          const got = [...output.matchAll(/^[^;\s]\S*\s+\d+\s+IN\s+A\s+(\S+)$/gm)].map(([, address = '']) => address).sort();
          assert.deepEqual(got, addresses, what);
        }
      },
    );

    test(`the C library in pod ${client} finds the addresses that are explained, or none`, async () => {
      for (const name of names) {
        const answer = explained(client, name);
        const addresses = addressesOf(answer);
        const output = await execInPod(cluster(), client, ['getent', 'ahostsv4', name]);
        const found = [...output.matchAll(/^(\S+) +STREAM/gm)].map(([, address = '']) => address).sort();
        const what = `${name} in ${client}\n${printExplanation(answer)}\n${output}`;
        if (addresses !== undefined) assert.deepEqual(found, addresses, what);
        else assert.deepEqual(found, outsideAddresses(answer), what);
      }
    });
  }

  test('musl finds the same', needsMusl, async () => {
    const program = buildLookupProgram();
    const lookUp = 'cat > /tmp/lookup && chmod 755 /tmp/lookup && for name in "$@"; do echo "= $name"; /tmp/lookup "$name"; done';
    // a search ends for musl with a name that exists without data; and it reads ndots, not dots at the end, as others do
    const asked = names.filter(
      (name) => !explained('default/client', name).name?.attempts.some(({ result }) => result === 'empty'),
    );
    assert.ok(asked.length > names.length - 5);
    const output = await execInPod(cluster(), 'default/client', ['sh', '-c', lookUp, 'sh', ...asked], program);
    const sections = output.split('= ').slice(1);
    for (const [at, name] of asked.entries()) {
      const addresses = addressesOf(explained('default/client', name));
      if (addresses === undefined) continue;
      const found = [...(sections[at] ?? '').matchAll(/^(\d+\.\d+\.\d+\.\d+)$/gm)].map(([, address = '']) => address).sort();
      assert.deepEqual(found, addresses, `${name}: ${sections[at]}`);
    }
  });
}
