/** What kubectl changes: labels, annotations, patches, edits, replacements, scales, images, nodes; and dry runs that change nothing. */
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { withEachKubectl } from './each-kubectl.ts';

const service = `apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
`;

withEachKubectl((cluster) => {
  before(async () => {
    const { ok, file } = cluster();
    await ok('create namespace change');
    await ok('config set-context --current --namespace=change');
    await ok(`apply -f ${file('web.yaml', service)}`);
    await ok('create deployment web --image=echo --replicas=2 --port=8080');
    await ok('wait --for=condition=Available deployment/web --timeout=20s');
  });
  const field = async (path: string, what = 'service/web'): Promise<string> =>
    cluster().ok(['get', what, '-o', `jsonpath=${path}`]);

  describe('labels and annotations', () => {
    test('come, are protected, are overwritten, and go', async () => {
      const { ok, fails } = cluster();
      assert.equal(await ok('label service web tier=front'), 'service/web labeled\n');
      assert.match(await fails('label service web tier=back'), /'tier' already has a value \(front\), and --overwrite is false/);
      assert.equal(await ok('label service web tier=back --overwrite'), 'service/web labeled\n');
      assert.equal(await field('{.metadata.labels.tier}'), 'back');
      assert.equal(await ok('label service web tier-'), 'service/web unlabeled\n');
      assert.equal(await ok('annotate service web note=hello'), 'service/web annotated\n');
      assert.equal(await field('{.metadata.annotations.note}'), 'hello');
      assert.equal(await ok('annotate service web note-'), 'service/web annotated\n');
      assert.equal(await field('{.metadata.labels}{.metadata.annotations.note}'), '');
    });

    test('are refused where they are not well formed', async () => {
      const { fails } = cluster();
      assert.match(
        await fails(['label', 'service', 'web', 'bad key=1']),
        /^The Service "web" is invalid: metadata\.labels: Invalid value: "bad key": name part must consist of alphanumeric characters/,
      );
    });
  });

  describe('patch', () => {
    const patch = (type: string, body: unknown, more: readonly string[] = []): string[] => [
      'patch',
      'service',
      'web',
      `--type=${type}`,
      '-p',
      JSON.stringify(body),
      ...more,
    ];

    test('strategic: a list is merged by its key', async () => {
      const { ok } = cluster();
      assert.equal(await ok(patch('strategic', { spec: { ports: [{ port: 443, name: 'https' }] } })), 'service/web patched\n');
      assert.equal(await field('{.spec.ports[*].port}'), '443 80');
      await ok(patch('strategic', { spec: { ports: [{ port: 443, $patch: 'delete' }] } }));
      assert.equal(await field('{.spec.ports[*].port}'), '80');
      assert.equal(
        await ok(patch('strategic', { spec: { ports: [{ port: 80, targetPort: 8080 }] } })),
        'service/web patched (no change)\n',
      );
    });

    test('merge: a list is replaced, null removes', async () => {
      const { ok } = cluster();
      await ok(patch('merge', { spec: { sessionAffinity: 'ClientIP', ports: [{ port: 81 }] } }));
      assert.equal(await field('{.spec.ports[*].port} {.spec.sessionAffinityConfig.clientIP.timeoutSeconds}'), '81 10800');
      await ok(patch('merge', { spec: { sessionAffinity: null, ports: [{ port: 80, name: 'http', targetPort: 8080 }] } }));
      assert.equal(await field('{.spec.sessionAffinity}{.spec.sessionAffinityConfig}'), 'None');
    });

    test('json: operations in order, all or nothing', async () => {
      const { ok, fails } = cluster();
      await ok(
        patch('json', [
          { op: 'test', path: '/spec/ports/0/port', value: 80 },
          { op: 'replace', path: '/spec/ports/0/port', value: 82 },
        ]),
      );
      assert.equal(await field('{.spec.ports[0].port}'), '82');
      const wrong = [
        { op: 'replace', path: '/spec/ports/0/port', value: 83 },
        { op: 'test', path: '/spec/type', value: 'NodePort' },
      ];
      assert.match(await fails(patch('json', wrong)), /^The request is invalid: .*testing value \/spec\/type failed/);
      assert.equal(await field('{.spec.ports[0].port}'), '82');
      await ok(patch('json', [{ op: 'replace', path: '/spec/ports/0/port', value: 80 }]));
    });

    test('says what is wrong with the result', async () => {
      const { ok, fails, kubectl } = cluster();
      assert.equal(
        await fails(patch('merge', { spec: { type: 'Nope' } })),
        'The Service "web" is invalid: spec.type: Unsupported value: "Nope": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"\n',
      );
      const unknown = await kubectl(patch('merge', { spec: { unknown: 1 } }));
      assert.deepEqual(unknown, {
        status: 0,
        out: 'service/web patched (no change)\n',
        err: 'Warning: unknown field "spec.unknown"\n',
      });
      assert.equal(await fails('patch service nosuch -p {}'), 'Error from server (NotFound): services "nosuch" not found\n');
      assert.equal(
        await ok(patch('merge', { status: { loadBalancer: {} } }, ['--subresource=status'])),
        'service/web patched (no change)\n',
      );
      assert.match(
        await ok(['patch', 'deployment', 'web', '--subresource=scale', '--type=merge', '-p', '{"spec":{"replicas":2}}']),
        /^scale\.autoscaling\/web patched/,
      );
    });
  });

  describe('edit', () => {
    test('takes what the editor leaves', async () => {
      const { ok } = cluster();
      const env = { EDITOR: 'sed -i "s/type: ClusterIP/type: NodePort/"' };
      assert.equal(await ok('edit service web', { env }), 'service/web edited\n');
      assert.match(await field('{.spec.type} {.spec.ports[0].nodePort}'), /^NodePort 3\d{4}$/);
      assert.equal(
        await ok('edit service web', { env: { EDITOR: 'sed -i "s/type: NodePort/type: ClusterIP/;/nodePort:/d"' } }),
        'service/web edited\n',
      );
      assert.equal(await field('{.spec.type} {.spec.ports[0].nodePort}'), 'ClusterIP ');
    });

    test('keeps the text that the server refused, and says that nothing was saved', async () => {
      const { kubectl, file } = cluster();
      // changes the text once; kubectl opens the editor again, and gives up when nothing more changes
      const editor = file(
        'editor',
        '#!/bin/sh\n[ -e "$0.done" ] && exit\ntouch "$0.done"\nsed -i "s/type: ClusterIP/type: Clusterip/" "$1"\n',
      );
      chmodSync(editor, 0o755);
      const refused = await kubectl('edit service web', { env: { EDITOR: editor, TMPDIR: cluster().scratch } });
      assert.equal(refused.status, 1);
      assert.match(
        refused.err,
        /services "web" is invalid[^]*A copy of your changes has been stored to [^]*Edit cancelled, no valid changes were saved/,
      );
      const untouched = await kubectl('edit service web', { env: { EDITOR: 'true' } });
      assert.equal(untouched.status, 0);
      assert.equal(untouched.err + untouched.out, 'Edit cancelled, no changes made.\n');
    });
  });

  describe('replace, dry runs and diff', () => {
    test('replace keeps the address that the file does not name', async () => {
      const { ok, file } = cluster();
      const address = await field('{.spec.clusterIP}');
      assert.equal(
        await ok(`replace -f ${file('replaced.yaml', service.replace('port: 80', 'port: 90'))}`),
        'service/web replaced\n',
      );
      assert.equal(await field('{.spec.clusterIP} {.spec.ports[0].port}'), `${address} 90`);
    });

    test('replace --force makes a new object', async () => {
      const { ok, file } = cluster();
      const uid = await field('{.metadata.uid}');
      const said = await ok(`replace --force -f ${file('replaced.yaml', service)}`);
      assert.match(said, /^service "web" deleted(?: from change namespace)?\nservice\/web replaced\n$/);
      assert.notEqual(await field('{.metadata.uid}'), uid);
    });

    test('replace with an old resourceVersion is a conflict', async () => {
      const { fails, file } = cluster();
      const stale = service.replace('name: web', 'name: web, resourceVersion: "1"');
      assert.match(
        await fails(`replace -f ${file('stale.yaml', stale)}`),
        /Error from server \(Conflict\): error when replacing .*: Operation cannot be fulfilled on services "web": the object has been modified; please apply your changes to the latest version and try again\n$/,
      );
    });

    test('a dry run on either side stores nothing', async () => {
      const { ok, fails, file } = cluster();
      const dry = file('dry.yaml', service.replace('name: web', 'name: dry'));
      assert.equal(await ok(`create -f ${dry} --dry-run=server`), 'service/dry created (server dry run)\n');
      assert.equal(await ok(`apply -f ${dry} --dry-run=client`), 'service/dry created (dry run)\n');
      assert.match(await ok(`create -f ${dry} --dry-run=server -o yaml`), /\n {2}sessionAffinity: None\n/);
      assert.equal(
        await ok([
          'patch',
          'service',
          'web',
          '--dry-run=server',
          '-p',
          '{"spec":{"type":"NodePort"}}',
          '-o',
          'jsonpath={.spec.type}',
        ]),
        'NodePort',
      );
      assert.equal(
        await ok('delete service web --dry-run=server').then((said) => said.startsWith('service "web" deleted')),
        true,
      );
      assert.equal(await field('{.spec.type}'), 'ClusterIP');
      assert.equal(await fails('get service dry'), 'Error from server (NotFound): services "dry" not found\n');
    });

    test('apply --prune takes away what the files no longer have', async () => {
      const { ok, file } = cluster();
      const map = (name: string): string =>
        `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, labels: {set: pruned}}\n---\n`;
      await ok(`apply -f ${file('both.yaml', map('stays') + map('goes'))}`);
      // with the kinds that kubectl looks through by itself, volumes among them
      const pruned = await ok(`apply --prune -l set=pruned -f ${file('one.yaml', map('stays'))}`);
      assert.equal(pruned, 'configmap/stays unchanged\nconfigmap/goes pruned\n');
    });

    test('server-side apply is answered 415, with what to do instead', async () => {
      const { fails, file } = cluster();
      assert.equal(
        await fails(`apply --server-side -f ${file('web.yaml', service)}`),
        'error: Server-side apply not available on the server: (Fairlead has no server-side apply yet: leave out --server-side, or send application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json)\n',
      );
    });
  });

  describe('workloads', () => {
    test('scale, with and without a condition', async () => {
      const { ok, fails } = cluster();
      assert.equal(await ok('scale deployment/web --replicas=4'), 'deployment.apps/web scaled\n');
      await ok('wait --for=jsonpath={.status.readyReplicas}=4 deployment/web --timeout=20s');
      assert.match(await ok('get deployment web --subresource=scale'), /^NAME +DESIRED +AVAILABLE +AGE\nweb +4 +4 +\d+m?\d*s\n$/);
      assert.equal(
        await fails('scale deployment/web --replicas=1 --current-replicas=9'),
        'error: Expected replicas to be 9, was 4\n',
      );
      assert.equal(await ok('scale deployment/web --replicas=2 --current-replicas=4'), 'deployment.apps/web scaled\n');
      const set = service
        .replace('name: web', 'name: set')
        .replace('spec: {', 'spec: { clusterIP: None,')
        .replace('app: web', 'app: set');
      await ok(`apply -f ${cluster().file('set.yaml', `${set}---\n${statefulSet}`)}`);
      await ok('rollout status statefulset/set --timeout=20s');
      assert.equal(await ok('scale statefulset set --replicas=3'), 'statefulset.apps/set scaled\n');
      await ok('wait --for=jsonpath={.status.readyReplicas}=3 statefulset/set --timeout=20s');
      assert.equal(await ok('get pods -l app=set -o name'), 'pod/set-0\npod/set-1\npod/set-2\n');
      await ok('scale statefulset set --replicas=1');
      await ok('wait --for=delete pod/set-2 pod/set-1 --timeout=20s');
    });

    test('a new image rolls out, has a history, and is taken back', async () => {
      const { ok } = cluster();
      assert.equal(await ok('set image deployment/web echo=echo:2'), 'deployment.apps/web image updated\n');
      assert.match(await ok('rollout status deployment/web --timeout=20s'), /deployment "web" successfully rolled out\n$/);
      assert.equal(await ok('get pods -l app=web -o jsonpath={.items[*].spec.containers[0].image}'), 'echo:2 echo:2');
      assert.match(await ok('rollout history deployment/web'), /^REVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n/m);
      assert.match(await ok('rollout history deployment/web --revision=2'), /^ +Image:\techo:2$/m);
      assert.equal(await ok('rollout undo deployment/web'), 'deployment.apps/web rolled back\n');
      await ok('rollout status deployment/web --timeout=20s');
      assert.equal(await field('{.spec.template.spec.containers[0].image}', 'deployment/web'), 'echo');
      assert.equal(await ok('rollout restart deployment/web'), 'deployment.apps/web restarted\n');
      await ok('rollout status deployment/web --timeout=20s');
      assert.equal(await ok('rollout pause deployment/web'), 'deployment.apps/web paused\n');
      assert.equal(await ok('rollout resume deployment/web'), 'deployment.apps/web resumed\n');
    });

    test('environment, resources and selectors are set', async () => {
      const { ok } = cluster();
      assert.equal(await ok('set env deployment/web A=b'), 'deployment.apps/web env updated\n');
      assert.equal(
        await ok('set resources deployment/web --limits=cpu=100m'),
        'deployment.apps/web resource requirements updated\n',
      );
      assert.equal(
        await field(
          '{.spec.template.spec.containers[0].env[0].value} {.spec.template.spec.containers[0].resources.limits.cpu}',
          'deployment/web',
        ),
        'b 100m',
      );
      assert.equal(await ok('set selector service/web app=other'), 'service/web selector updated\n');
      assert.equal(await field('{.spec.selector.app}'), 'other');
    });

    test('expose makes a Service that finds the pods', async () => {
      const { ok, fails } = cluster();
      assert.equal(
        await ok('expose deployment web --name=exposed --port=80 --target-port=8080 --type=NodePort'),
        'service/exposed exposed\n',
      );
      assert.equal(
        await field('{.spec.selector.app} {.spec.type} {.spec.ports[0].targetPort}', 'service/exposed'),
        'web NodePort 8080',
      );
      await ok('wait --for=jsonpath={.subsets[0].ports[0].port}=8080 endpoints/exposed --timeout=20s');
      assert.match(await fails('expose deployment web --name=exposed --port=80'), /services "exposed" already exists\n$/);
      assert.equal(await ok('expose service exposed --name=again --port=81'), 'service/again exposed\n');
    });
  });

  describe('nodes', () => {
    test('are cordoned, tainted, labelled and drained', async () => {
      const { ok } = cluster();
      assert.equal(await ok('cordon node-1'), 'node/node-1 cordoned\n');
      assert.match(await ok('get node node-1'), /^node-1 +Ready,SchedulingDisabled /m);
      assert.equal(await ok('uncordon node-1'), 'node/node-1 uncordoned\n');
      assert.equal(await ok('taint node node-1 key=value:NoSchedule'), 'node/node-1 tainted\n');
      assert.equal(await field('{.spec.taints[0].effect}', 'node/node-1'), 'NoSchedule');
      assert.equal(await ok('taint node node-1 key-'), 'node/node-1 untainted\n');
      assert.equal(await ok('label node node-3 topology.kubernetes.io/zone=zone-a --overwrite'), 'node/node-3 labeled\n');
      assert.match(await ok('drain node-2 --ignore-daemonsets --force --timeout=30s'), /node\/node-2 drained\n$/);
      assert.equal(await ok('get pods --field-selector spec.nodeName=node-2 -o name'), '');
      await ok('uncordon node-2');
    });
  });
});

const statefulSet = `apiVersion: apps/v1
kind: StatefulSet
metadata: { name: set }
spec:
  serviceName: set
  replicas: 1
  selector: { matchLabels: { app: set } }
  template:
    metadata: { labels: { app: set } }
    spec: { containers: [{ name: echo, image: echo }] }
`;
