/** How kubectl makes things and takes them away: run, create, wait, delete, cascades, namespaces. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { withEachKubectl } from './each-kubectl.ts';

withEachKubectl((cluster) => {
  before(async () => {
    const { ok } = cluster();
    await ok('create namespace life');
    await ok('config set-context --current --namespace=life');
  });
  const field = async (path: string, what: string): Promise<string> =>
    cluster().ok(['get', ...what.split(' '), '-o', `jsonpath=${path}`]);

  describe('create', () => {
    test('Services of every type', async () => {
      const { ok } = cluster();
      assert.equal(await ok('create service clusterip plain --tcp=80:8080'), 'service/plain created\n');
      assert.equal(await ok('create service clusterip headless --clusterip=None'), 'service/headless created\n');
      assert.equal(await ok('create service nodeport ported --tcp=80:8080 --node-port=30222'), 'service/ported created\n');
      assert.equal(await ok('create service loadbalancer balanced --tcp=80'), 'service/balanced created\n');
      assert.equal(await ok('create service externalname named --external-name=example.com'), 'service/named created\n');
      assert.equal(
        await ok(['get', 'service', '-o', 'go-template={{range .items}}{{.metadata.name}}={{.spec.type}} {{end}}']),
        'balanced=LoadBalancer headless=ClusterIP named=ExternalName plain=ClusterIP ported=NodePort ',
      );
    });

    test('namespaces, config maps, secrets, accounts and their tokens', async () => {
      const { ok, fails, server } = cluster();
      assert.equal(await ok('create namespace other'), 'namespace/other created\n');
      assert.equal(
        await fails('create namespace other'),
        'Error from server (AlreadyExists): namespaces "other" already exists\n',
      );
      assert.equal(await ok('create configmap settings --from-literal=a=b'), 'configmap/settings created\n');
      assert.match(await ok('describe configmap settings'), /^a:\n----\nb\n/m);
      assert.equal(await ok('create secret generic hidden --from-literal=p=q'), 'secret/hidden created\n');
      assert.equal(await field('{.data.p}', 'secret hidden'), 'cQ==');
      assert.equal(await ok('create serviceaccount robot'), 'serviceaccount/robot created\n');
      const token = (await ok('create token robot --duration=10m')).trim();
      const asRobot = `--kubeconfig=/dev/null --server=${server.url} --insecure-skip-tls-verify --token=${token}`;
      assert.match(await ok(`${asRobot} auth whoami`), /^Username +system:serviceaccount:life:robot$/m);
      assert.equal(await fails('create token nobody'), 'error: failed to create token: serviceaccounts "nobody" not found\n');
      assert.equal(
        await fails('create configmap x -n nowhere'),
        'error: failed to create configmap: namespaces "nowhere" not found\n',
      );
    });

    test('a Deployment, whose name is then taken', async () => {
      const { ok, fails } = cluster();
      assert.equal(await ok('create deployment web --image=echo --replicas=2'), 'deployment.apps/web created\n');
      assert.equal(
        await ok('wait --for=condition=Available deployment/web --timeout=20s'),
        'deployment.apps/web condition met\n',
      );
      assert.equal(
        await fails('create deployment web --image=echo'),
        'error: failed to create deployment: deployments.apps "web" already exists\n',
      );
    });

    test('from standard input, and with a generated name', async () => {
      const { ok } = cluster();
      const input = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { generateName: made- }\n';
      assert.match(await ok('create -f -', { input }), /^configmap\/made-[a-z0-9]{5} created\n$/);
    });
  });

  describe('run and wait', () => {
    test('a pod runs, and a Service beside it when asked', async () => {
      const { ok, fails } = cluster();
      assert.equal(
        await ok('run one --image=echo --labels=app=one --port=80 --expose'),
        'service/one created\npod/one created\n',
      );
      assert.equal(await ok('wait --for=condition=Ready pod/one --timeout=20s'), 'pod/one condition met\n');
      assert.equal(await ok('wait --for=jsonpath={.status.phase}=Running pod/one --timeout=20s'), 'pod/one condition met\n');
      assert.match(await fails('run one --image=echo'), /^Error from server \(AlreadyExists\): pods "one" already exists\n$/);
      assert.equal(await ok('run two --image=echo --dry-run=server'), 'pod/two created (server dry run)\n');
      assert.equal(
        await fails('wait --for=condition=Ready pod/two --timeout=1s'),
        'Error from server (NotFound): pods "two" not found\n',
      );
      assert.match(
        await fails('wait --for=condition=Nonsense pod/one --timeout=1s'),
        /timed out waiting for the condition on pods\/one/,
      );
      assert.match(await ok('events --for pod/one'), /Normal +Scheduled +Pod\/one +Successfully assigned life\/one to node-\d/);
    });
  });

  describe('delete', () => {
    test('waits until the object is gone', async () => {
      const { ok, fails } = cluster();
      await ok('run gone --image=echo');
      assert.match(await ok('delete pod gone'), /^pod "gone" deleted(?: from life namespace)?\n$/);
      assert.equal(await fails('get pod gone'), 'Error from server (NotFound): pods "gone" not found\n');
      assert.equal(await fails('delete pod gone'), 'Error from server (NotFound): pods "gone" not found\n');
      assert.equal(await ok('delete pod gone --ignore-not-found'), '');
    });

    test('without waiting, and wait for it afterwards', async () => {
      const { ok } = cluster();
      await ok('run later --image=echo');
      await ok('delete pod later --wait=false');
      await ok('wait --for=delete pod/later --timeout=20s');
      await ok('run sooner --image=echo');
      assert.match(await ok('delete pod sooner --now'), /^pod "sooner" deleted/);
      await ok('run forced --image=echo');
      assert.match(await ok('delete pod forced --force --grace-period=0'), /^pod "forced" force deleted/);
    });

    test('by label, by file, and all', async () => {
      const { ok, file } = cluster();
      const path = file(
        'two.yaml',
        ['a', 'b']
          .map((name) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, labels: { set: two } }\n`)
          .join('---\n'),
      );
      await ok(`create -f ${path}`);
      assert.match(await ok(`delete -f ${path}`), /^configmap "a" deleted.*\nconfigmap "b" deleted/);
      await ok(`create -f ${path}`);
      assert.match(await ok('delete configmap -l set=two'), /^configmap "a" deleted.*\nconfigmap "b" deleted/);
      assert.equal(await ok('delete configmap -l set=two'), 'No resources found\n');
      assert.match(await ok('delete service --all'), /^service "balanced" deleted/);
      assert.equal(await ok('get service -o name'), '');
    });

    test('takes what belongs to a Deployment with it, or leaves it when asked', async () => {
      const { ok } = cluster();
      await ok('create deployment kept --image=echo');
      await ok('wait --for=condition=Available deployment/kept --timeout=20s');
      await ok('delete deployment kept --cascade=orphan');
      const owners = '{.items[*].metadata.ownerReferences}';
      assert.equal(await field(owners, 'replicaset -l app=kept'), '');
      assert.notEqual(await field(owners, 'pods -l app=kept'), '');
      await ok('delete replicaset -l app=kept --cascade=foreground --timeout=20s');
      assert.equal(await ok('get pods,replicasets -l app=kept -o name'), '');
      await ok('delete deployment web');
      await ok('wait --for=delete pod,replicaset -l app=web --timeout=20s');
      assert.equal(await ok('get pods,replicasets -l app=web -o name'), '');
    });

    test("a namespace goes with everything in it; the system's own stay", async () => {
      const { ok, fails } = cluster();
      await ok('create namespace doomed');
      await ok('create deployment web --image=echo --replicas=2 -n doomed');
      await ok('create service nodeport web --tcp=80 --node-port=30333 -n doomed');
      assert.equal(await ok('delete namespace doomed --timeout=20s'), 'namespace "doomed" deleted\n');
      assert.equal(await ok('get pods,services,deployments -n doomed -o name'), '');
      await ok('create service nodeport again --tcp=80 --node-port=30333'); // its port is free again
      assert.equal(
        await fails('delete namespace default'),
        'Error from server (Forbidden): namespaces "default" is forbidden: this namespace may not be deleted\n',
      );
      await ok('delete service kubernetes -n default');
      await ok('wait --for=jsonpath={.spec.clusterIP}=10.96.0.1 service/kubernetes -n default --timeout=20s');
    });
  });
});
