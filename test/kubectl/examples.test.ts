/** The user's own manifests and the examples made from them, applied, applied again, changed and applied again. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withEachKubectl } from './each-kubectl.ts';

const examples = join(import.meta.dirname, '..', '..', 'examples');

/** A Service as the user writes it, four blanks deep. */
const service = (name: string, spec: string): string => `apiVersion: v1
kind: Service
metadata:
    name: ${name}
spec:
${spec.replace(/^\n/, '').replace(/^/gm, '    ')}
`;

const webPorts = `selector:
    app.kubernetes.io/name: MyApp
ports:
    - protocol: TCP
      port: 80
      targetPort: 9376`;

const affinity = `sessionAffinity: ClientIP
sessionAffinityConfig:
    clientIP:
        timeoutSeconds: 10`;

interface Manifest {
  readonly name: string;
  readonly text: string;
  /** The change: this text for that one. */
  readonly change: readonly [string, string];
  /** Where the change shows, and what is there before and after. */
  readonly path: string;
  readonly before: string;
  readonly after: string;
  /** Further values that the server has filled in. */
  readonly defaults?: Readonly<Record<string, string>>;
}

const manifests: readonly Manifest[] = [
  {
    name: '01',
    text: service('my-service', `type: ClusterIP\n${webPorts}\n${affinity}`),
    change: ['timeoutSeconds: 10', 'timeoutSeconds: 20'],
    path: '{.spec.sessionAffinityConfig.clientIP.timeoutSeconds}',
    before: '10',
    after: '20',
    defaults: { '{.spec.internalTrafficPolicy}': 'Cluster', '{.spec.ipFamilies[*]}': 'IPv4' },
  },
  {
    name: '02',
    text: service('my-service', `type: NodePort\n${webPorts}\nexternalTrafficPolicy: Local`),
    change: ['externalTrafficPolicy: Local', 'externalTrafficPolicy: Cluster'],
    path: '{.spec.externalTrafficPolicy}',
    before: 'Local',
    after: 'Cluster',
    defaults: { '{.spec.sessionAffinity}': 'None', '{.spec.healthCheckNodePort}': '' },
  },
  {
    name: '03',
    text: service('my-service', `type: LoadBalancer\n${webPorts}\nexternalTrafficPolicy: Local\nhealthCheckNodePort: 30088`),
    change: ['targetPort: 9376', 'targetPort: 9377'],
    path: '{.spec.ports[0].targetPort}',
    before: '9376',
    after: '9377',
    defaults: { '{.spec.healthCheckNodePort}': '30088', '{.spec.allocateLoadBalancerNodePorts}': 'true' },
  },
  {
    name: '04',
    text: service(
      'my-service',
      `type: ClusterIP\n${webPorts}\ntopologyKeys:\n    - kubernetes.io/hostname # priority 1: the same node\n    - "*" # priority 2: every pod`,
    ),
    change: ['"*"', 'topology.kubernetes.io/zone'],
    path: '{.spec.topologyKeys}',
    before: '["kubernetes.io/hostname","*"]',
    after: '["kubernetes.io/hostname","topology.kubernetes.io/zone"]',
  },
  {
    name: '05',
    text: service('my-service', `type: ClusterIP\nclusterIP: None\n${webPorts}`),
    change: ['port: 80', 'port: 81'],
    path: '{.spec.ports[0].port}',
    before: '80',
    after: '81',
    defaults: { '{.spec.clusterIP}': 'None', '{.spec.clusterIPs}': '["None"]' },
  },
  {
    name: '06',
    text: `${service('default-subdomain', 'selector:\n    name: busybox\nclusterIP: None\nports:\n    - name: foo\n      port: 1234\n      targetPort: 1234')}---
apiVersion: v1
kind: Pod
metadata:
    name: busybox1
    labels:
        name: busybox
spec:
    hostname: busybox-1
    subdomain: default-subdomain
    containers:
        - image: busybox:1.28
          command:
              - sleep
              - "3600"
          name: busybox
`,
    change: ['- name: foo', '- name: bar'],
    path: '{.items[?(@.metadata.name=="default-subdomain")].spec.ports[0].name}',
    before: 'foo',
    after: 'bar',
  },
  {
    name: '07',
    text: service('sample-externalname', 'type: ExternalName\nexternalName: thisis.externalname.com'),
    change: ['thisis.externalname.com', 'another.externalname.com'],
    path: '{.spec.externalName}',
    before: 'thisis.externalname.com',
    after: 'another.externalname.com',
    defaults: { '{.spec.clusterIP}': '', '{.spec.internalTrafficPolicy}': '' },
  },
  {
    name: '08 as it should be',
    text: service(
      'sample-externalname',
      'type: ClusterIP\nports:\n    - name: hoge\n      protocol: TCP\n      port: 80\n      targetPort: 80',
    ),
    change: ['targetPort: 80', 'targetPort: 8080'],
    path: '{.spec.ports[0].targetPort}',
    before: '80',
    after: '8080',
  },
  {
    name: '09',
    text: service('my-service', `type: NodePort\n${webPorts}\n${affinity}`),
    change: [`\n    sessionAffinityConfig:\n        clientIP:\n            timeoutSeconds: 10`, ''],
    path: '{.spec.sessionAffinityConfig.clientIP.timeoutSeconds}',
    before: '10',
    after: '10800',
  },
];

const fileOf = (name: string): string => `${name.replaceAll(' ', '-')}.yaml`;

withEachKubectl((cluster) => {
  for (const { name, text, change, path, before, after, defaults = {} } of manifests) {
    test(`manifest ${name} is created, unchanged, configured and unchanged again`, async () => {
      const { ok, file } = cluster();
      const namespace = `user-${name.slice(0, 2)}`;
      await ok(`create namespace ${namespace}`);
      const here = (args: string): string[] => ['-n', namespace, ...args.split(' ')];
      const first = file(fileOf(name), text);
      const value = async (at: string): Promise<string> =>
        ok(['-n', namespace, 'get', ...(at.includes('.items') ? ['service'] : ['-f', first]), '-o', `jsonpath=${at}`]);
      assert.match(await ok(here(`apply -f ${first}`)), /^service\/\S+ created$/m);
      assert.equal(await value(path), before);
      for (const [at, want] of Object.entries(defaults)) assert.equal(await value(at), want, at);
      assertAll(await ok(here(`apply -f ${first}`)), 'unchanged');
      const [from, to] = change;
      assert.ok(text.includes(from));
      const second = file(`changed-${fileOf(name)}`, text.replace(from, to));
      assert.match(await ok(here(`apply -f ${second}`)), /^service\/\S+ configured$/m);
      assert.equal(await value(path), after);
      assertAll(await ok(here(`apply -f ${second}`)), 'unchanged');
      // the next manifest may want its ports
      await ok(here('delete service --all'));
    });
  }

  test('manifest 04 loses its topologyKeys when they are taken out of the file', async () => {
    const { ok, kubectl, file } = cluster();
    const text = manifests.find(({ name }) => name === '04')?.text ?? '';
    await ok('create namespace keys');
    const path = file('keys.yaml', text);
    await ok(`apply -n keys -f ${path}`);
    assert.deepEqual(await kubectl(`diff -n keys -f ${path}`), { status: 0, out: '', err: '' });
    const differs = await kubectl(`diff -n keys -f ${file('keys.yaml', text.replace('"*"', 'topology.kubernetes.io/zone'))}`);
    assert.equal(differs.status, 1, differs.err);
    assert.match(differs.out, /^-\s+- '\*'\n\+\s+- topology\.kubernetes\.io\/zone$/m);
    await ok(`apply -n keys -f ${file('keys.yaml', text.slice(0, text.indexOf('    topologyKeys')))}`);
    assert.equal(await ok('get -n keys service my-service -o jsonpath={.spec.topologyKeys}'), '');
  });

  test('the examples live together, and a second apply changes nothing', async () => {
    const { ok } = cluster();
    assertAll(await ok(`apply -f ${examples}`), 'created');
    await ok('wait --for=condition=Available deployment --all -A --timeout=20s');
    await ok('rollout status statefulset/web -n headless --timeout=20s');
    await ok('rollout status daemonset/web -n local-policy --timeout=20s');
    const again = await ok(`apply -f ${examples}`);
    assertAll(again, 'unchanged');
    assert.equal(again.split('\n').length, (await ok(`get -f ${examples} -o name`)).split('\n').length);
  });

  for (const name of readdirSync(examples).filter((entry) => entry.endsWith('.yaml'))) {
    test(`example ${name} takes a change of its Service's ports or name, and then again none`, async () => {
      const { ok, file } = cluster();
      const text = readFileSync(join(examples, name), 'utf8');
      const changed = text
        .replace(/(targetPort: )(9376|1234|80)\n/, '$14711\n')
        .replace('externalName: thisis.', 'externalName: that.');
      assert.notEqual(changed.replace(/^#.*$/gm, ''), text.replace(/^#.*$/gm, ''));
      const path = file(name, changed);
      const lines = (await ok(`apply -f ${path}`)).trimEnd().split('\n');
      assert.equal(lines.filter((line) => line.endsWith(' configured')).length, 1, lines.join('\n'));
      assertAll(await ok(`apply -f ${path}`), 'unchanged');
    });
  }

  test("the mistaken 08 is refused with upstream's sentence and then the line to write", async () => {
    const { fails } = cluster();
    for (const command of ['apply', 'create', 'apply --validate=false']) {
      const said = await fails(`${command} -f ${join(examples, 'mistakes', '08-no-selector.yaml')}`);
      assert.match(
        said,
        /^Error from server \(BadRequest\): error when creating ".*": Service in version "v1" cannot be handled as a Service: json: cannot unmarshal object into Go struct field ServiceSpec\.spec\.ports of type \[\]v1\.ServicePort/,
      );
      assert.ok(
        said.includes(
          'spec.ports is a list, so each entry starts with a dash; write it as:\n  ports:\n  - name: hoge\n    port: 80\n',
        ),
        said,
      );
    }
  });
});

function assertAll(lines: string, word: string): void {
  for (const line of lines.trimEnd().split('\n')) assert.ok(line.endsWith(` ${word}`), `${line}: not ${word}, of\n${lines}`);
}
