/** What kubectl shows: lists in every form, descriptions, discovery, explanations, selectors, watches, and who one is. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { withEachKubectl } from './each-kubectl.ts';

const workload = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web } }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: echo, image: echo, ports: [{ containerPort: 8080 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web, labels: { tier: front } }
spec: { selector: { app: web }, ports: [{ name: http, port: 80, targetPort: 8080 }], sessionAffinity: ClientIP }
---
apiVersion: v1
kind: Service
metadata: { name: ported }
spec: { type: NodePort, selector: { app: web }, ports: [{ port: 80, targetPort: 8080, nodePort: 30111 }] }
---
apiVersion: v1
kind: Service
metadata: { name: balanced }
spec: { type: LoadBalancer, selector: { app: web }, externalTrafficPolicy: Local, ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: named }
spec: { type: ExternalName, externalName: example.com }
---
apiVersion: v1
kind: Service
metadata: { name: headless }
spec: { clusterIP: None, selector: { app: web }, ports: [{ port: 80 }] }
`;

withEachKubectl((cluster) => {
  before(async () => {
    const { ok, file } = cluster();
    await ok('create namespace look');
    await ok('config set-context --current --namespace=look');
    await ok(`apply -f ${file('workload.yaml', workload)}`);
    await ok('wait --for=condition=Available deployment/web --timeout=20s');
  });

  describe('get', () => {
    test('a table of Services has the columns and cells of the real thing', async () => {
      const { ok } = cluster();
      const rows = (await ok('get services')).trimEnd().split('\n');
      assert.match(rows[0] ?? '', /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE$/);
      assert.match(rows[1] ?? '', /^balanced +LoadBalancer +10\.96\.\d+\.\d+ +<pending> +80:3\d{4}\/TCP +\d+s$/);
      assert.match(rows[2] ?? '', /^headless +ClusterIP +None +<none> +80\/TCP +\d+s$/);
      assert.match(rows[3] ?? '', /^named +ExternalName +<none> +example\.com +<none> +\d+s$/);
      assert.match(rows[4] ?? '', /^ported +NodePort +10\.96\.\d+\.\d+ +<none> +80:30111\/TCP +\d+s$/);
      assert.match(await ok('get service web -o wide'), /SELECTOR\nweb +ClusterIP .* 80\/TCP +\d+s +app=web\n/);
    });

    test('tables of the other kinds, wide', async () => {
      const { ok } = cluster();
      assert.match(
        await ok('get pods -o wide'),
        /^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES\nweb-\w+-\w+ +1\/1 +Running +0 +\d+s +10\.244\.\d\.\d+ +node-\d +<none> +<none>\n/,
      );
      assert.match(
        await ok('get deployments -o wide'),
        /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS +IMAGES +SELECTOR\nweb +2\/2 +2 +2 +\d+s +echo +echo +app=web\n/,
      );
      assert.match(await ok('get replicasets'), /^NAME +DESIRED +CURRENT +READY +AGE\nweb-\w+ +2 +2 +2 +\d+s\n/);
      assert.match(
        await ok('get endpointslices -l kubernetes.io/service-name=web'),
        /^NAME +ADDRESSTYPE +PORTS +ENDPOINTS +AGE\nweb-\w{5} +IPv4 +8080 +10\.244\.\d\.\d+,10\.244\.\d\.\d+ +\d+s\n/,
      );
      assert.match(
        await ok('get endpoints web'),
        /^NAME +ENDPOINTS +AGE\nweb +10\.244\.\d\.\d+:8080,10\.244\.\d\.\d+:8080 +\d+s\n/,
      );
      assert.match(
        await ok('get nodes -o wide'),
        /^NAME +STATUS +ROLES +AGE +VERSION +INTERNAL-IP +EXTERNAL-IP .*\nnode-1 +Ready +<none> +\d+s +v1\.36\.0 +10\.0\.1\.1 +<none> /,
      );
      assert.match(await ok('get namespaces'), /^NAME +STATUS +AGE\ndefault +Active +\d+s\n/);
      assert.match(await ok('get events'), /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n.*Normal +Scheduled +pod\/web-/m);
      assert.match(await ok('get all'), /\ndeployment\.apps\/web +2\/2/);
    });

    test('yaml and json hold the defaults that nobody wrote', async () => {
      const { ok } = cluster();
      const yaml = await ok('get service web -o yaml');
      for (const line of [
        '  sessionAffinity: ClientIP',
        '      timeoutSeconds: 10800',
        '  internalTrafficPolicy: Cluster',
        '  type: ClusterIP',
        '  - IPv4',
      ])
        assert.ok(yaml.includes(`\n${line}\n`), `${line} is missing in\n${yaml}`);
      const yamlOfPorted = await ok('get service ported -o yaml');
      for (const line of ['  sessionAffinity: None', '  externalTrafficPolicy: Cluster', '    protocol: TCP'])
        assert.ok(yamlOfPorted.includes(`\n${line}\n`), `${line} is missing in\n${yamlOfPorted}`);
      const parsed = JSON.parse(await ok('get service headless -o json')) as {
        kind: string;
        spec: { clusterIP: string; clusterIPs: string[] };
      };
      assert.deepEqual([parsed.kind, parsed.spec.clusterIP, parsed.spec.clusterIPs], ['Service', 'None', ['None']]);
      const list = JSON.parse(await ok('get services -o json')) as { kind: string; items: unknown[] };
      assert.deepEqual([list.kind, list.items.length], ['List', 5]);
    });

    test("jsonpath, templates, columns of one's own, names, labels and sorting", async () => {
      const { ok } = cluster();
      assert.equal(await ok('get service ported -o jsonpath={.spec.ports[0].nodePort}'), '30111');
      assert.equal(
        await ok(['get', 'service', '-o', 'go-template={{range .items}}{{.metadata.name}} {{end}}']),
        'balanced headless named ported web ',
      );
      assert.match(
        await ok('get service -o custom-columns=N:.metadata.name,P:.spec.ports[0].port'),
        /^N +P\nbalanced +80\nheadless +80\nnamed +<none>\n/,
      );
      assert.equal(await ok('get service web -o name'), 'service/web\n');
      assert.match(await ok('get service web --show-labels'), /LABELS\n.* tier=front\n/);
      assert.match(await ok('get service -L tier web --no-headers'), / front\n$/);
      const sorted = await ok('get service --sort-by=.spec.type -o name');
      assert.equal(sorted.trimEnd().split('\n').at(0), 'service/headless');
      assert.equal(
        await ok('get service --chunk-size=2 -o name'),
        'service/balanced\nservice/headless\nservice/named\nservice/ported\nservice/web\n',
      );
    });

    test('label selectors and field selectors, and their mistakes', async () => {
      const { ok, fails } = cluster();
      assert.equal(await ok('get service -l tier=front -o name'), 'service/web\n');
      assert.equal(
        await ok(['get', 'service', '-l', 'tier notin (front),!other', '-o', 'name']).then((names) => names.split('\n').length),
        5,
      );
      assert.equal((await ok(['get', 'pods', '-l', 'app in (web,x)', '-o', 'name'])).split('\n').length, 3);
      assert.equal(await ok('get service --field-selector metadata.name=named -o name'), 'service/named\n');
      assert.equal(await ok('get service --field-selector spec.type=NodePort -o name'), 'service/ported\n');
      assert.equal(
        (await ok('get pods --field-selector status.phase=Running,spec.nodeName!=node-9 -o name')).split('\n').length,
        3,
      );
      assert.equal(
        await fails('get service --field-selector spec.bogus=x'),
        'Error from server (BadRequest): Unable to find "/v1, Resource=services" that match label selector "", field selector "spec.bogus=x": field label not supported: spec.bogus\n',
      );
      assert.match(
        await fails(['get', 'pods', '-l', 'app=(']),
        /unable to parse requirement: found '\(', expected: identifier\n$/,
      );
      assert.equal(await fails('get service nosuch'), 'Error from server (NotFound): services "nosuch" not found\n');
      assert.equal(await ok('get service nosuch --ignore-not-found'), '');
      assert.equal(await fails('get nosuchkind'), 'error: the server doesn\'t have a resource type "nosuchkind"\n');
    });

    test('-w prints a row when an object comes, changes and goes', async () => {
      const { ok, start } = cluster();
      const watch = start('get service -w -l watched=yes');
      const events = start('get service -w --output-watch-events -l watched=yes');
      try {
        await ok('create service clusterip seen --tcp=80');
        await ok('label service seen watched=yes');
        await watch.printed(/^NAME .*\nseen +ClusterIP .* 80\/TCP +\d+s\n/);
        await ok(['patch', 'service', 'seen', '-p', '{"spec":{"type":"NodePort"}}']);
        await watch.printed(/\nseen +NodePort .* 80:3\d{4}\/TCP/);
        await ok('delete service seen');
        const all = await events.printed(/^DELETED /m);
        assert.deepEqual(all.match(/^(?:ADDED|MODIFIED|DELETED)/gm), ['ADDED', 'MODIFIED', 'DELETED']);
      } finally {
        await watch.stop();
        await events.stop();
      }
    });
  });

  describe('describe', () => {
    test('a Service, with its endpoints', async () => {
      const { ok } = cluster();
      const said = await ok('describe service web');
      for (const line of [
        /^Selector: +app=web$/m,
        /^IP: +10\.96\./m,
        /^Port: +http +80\/TCP$/m,
        /^TargetPort: +8080\/TCP$/m,
        /^Session Affinity: +ClientIP$/m,
        /^Internal Traffic Policy: +Cluster$/m,
      ])
        assert.match(said, line);
      assert.match(said, /^Endpoints: +10\.244\.\d\.\d+:8080,10\.244\.\d\.\d+:8080$/m);
      const balanced = await ok('describe service balanced');
      assert.match(balanced, /^External Traffic Policy: +Local$/m);
      assert.match(balanced, /^HealthCheck NodePort: +3\d{4}$/m);
    });

    test('a Pod, an EndpointSlice, a Node, a Deployment', async () => {
      const { ok } = cluster();
      const pod = await ok('describe pod -l app=web');
      for (const line of [
        /^Node: +node-\d\/10\.0\.1\.1$/m,
        /^Status: +Running$/m,
        /^Controlled By: +ReplicaSet\/web-/m,
        /Normal +Scheduled +.*Successfully assigned look\/web-/,
      ])
        assert.match(pod, line);
      const slice = await ok('describe endpointslice -l kubernetes.io/service-name=web');
      for (const line of [
        /^AddressType: +IPv4$/m,
        /^ +http +8080 +TCP$/m,
        /^ +Ready: +true$/m,
        /^ +TargetRef: +Pod\/web-/m,
        /^ +Zone: +zone-[ab]$/m,
      ])
        assert.match(slice, line);
      const node = await ok('describe node node-1');
      for (const line of [
        /^Taints: +<none>$/m,
        /^ +Ready +True /m,
        /^ +InternalIP: +10\.0\.1\.1$/m,
        /^PodCIDR: +10\.244\.1\.0\/24$/m,
      ])
        assert.match(node, line);
      const deployment = await ok('describe deployment web');
      assert.match(deployment, /^Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable$/m);
      assert.match(deployment, /Scaled up replica set web-\w+ from 0 to 2$/m);
    });
  });

  describe('the server itself', () => {
    test('lists its resources and versions', async () => {
      const { ok } = cluster();
      const resources = await ok('api-resources');
      for (const row of [
        /^services +svc +v1 +true +Service$/m,
        /^endpointslices +discovery\.k8s\.io\/v1 +true +EndpointSlice$/m,
        /^nodes +no +v1 +false +Node$/m,
        /^statefulsets +sts +apps\/v1 +true +StatefulSet$/m,
        /^servicecidrs +networking\.k8s\.io\/v1 +false +ServiceCIDR$/m,
        /^ipaddresses +ip +networking\.k8s\.io\/v1 +false +IPAddress$/m,
      ])
        assert.match(resources, row);
      const versions = (await ok('api-versions')).split('\n');
      for (const version of [
        'v1',
        'apps/v1',
        'discovery.k8s.io/v1',
        'events.k8s.io/v1',
        'networking.k8s.io/v1',
        'coordination.k8s.io/v1',
      ])
        assert.ok(versions.includes(version), version);
      assert.match(await ok('api-resources --namespaced=false --verbs=list -o name'), /^nodes$/m);
    });

    test('explains the fields, topologyKeys among them', async () => {
      const { ok, fails } = cluster();
      const keys = await ok('explain service.spec.topologyKeys');
      assert.match(keys, /^KIND: +Service\nVERSION: +v1\n\nFIELD: topologyKeys <\[\]string>\n/);
      assert.match(keys, /Node labels in order of preference/);
      assert.match(await ok('explain service.spec.externalTrafficPolicy'), /^ENUM:\n +Cluster\n +Local$/m);
      assert.match(await ok('explain endpointslice.endpoints.conditions'), /^ +serving\t<boolean>$/m);
      assert.match(await ok('explain deployment.spec.template.spec --recursive'), /^ +readinessProbe\t<Probe>$/m);
      assert.match(await ok('explain service.spec.ports --output=plaintext-openapiv2'), /^ +nodePort\t<integer>$/m);
      assert.match(await fails('explain service.spec.nosuch'), /field "nosuch" does not exist/);
    });

    test('says its version, where it is, that it is well, and who is asking', async () => {
      const { ok, fails, server } = cluster();
      assert.match(await ok('version'), /^Server Version: v1\.36\.\d+$/m);
      assert.ok(
        stripVTControlCharacters(await ok('cluster-info')).startsWith(`Kubernetes control plane is running at ${server.url}\n`),
      );
      assert.equal(await ok('get --raw /readyz?verbose'), '[+]ping ok\nreadyz check passed\n');
      assert.match(await ok('auth whoami'), /Username +fairlead-admin\nGroups +\[system:masters system:authenticated\]/);
      assert.equal(await ok('auth can-i create services'), 'yes\n');
      assert.match(await ok('auth can-i --list'), /^\*\.\* +\[\] +\[\] +\[\*\]$/m);
      assert.equal(
        await fails(`--kubeconfig=/dev/null --server=${server.url} --insecure-skip-tls-verify --token=wrong get services`),
        'error: You must be logged in to the server (Unauthorized)\n',
      );
    });
  });
});
