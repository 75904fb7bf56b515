/**
 * `explain` against the wire: many kinds of Services, asked from many places; for each pair the explanation and what the
 * packets do must be the same thing: the outcome, the endpoints reached, roughly their shares, the client address they see.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodes, pods } from '../../src/api/index.ts';
import type { PodSpec, Service } from '../../src/api/index.ts';
import { explain, parsePlace, printExplanation, worldFromCluster } from '../../src/explain/index.ts';
import type { World } from '../../src/explain/index.ts';
import { buildResolvConf } from '../../src/kubelet/index.ts';
import { RouteSocket } from '../../src/linux/index.ts';
import { parseManifest } from '../../src/manifest/index.ts';
import { mustParseCidr, mustParseIp } from '../../src/net/index.ts';
import { echoPod, until, useCluster } from './cluster-harness.ts';
import { compareWithWire } from './explain-comparison.ts';
import { isInside } from './linux-harness.ts';

const zoneKey = 'topology.kubernetes.io/zone';
const hostKey = 'kubernetes.io/hostname';

const service = (name: string, spec: string): string => `
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {${spec}}
---`;
const web = 'selector: {app: web}';
const port80 = 'ports: [{name: http, port: 80, targetPort: 9376}]';

/** A pod with a port that has a name. */
const namedPort = (name: string, node: string, port: number, portName: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: named}}
spec: {nodeName: ${node}, containers: [{name: c, image: echo, ports: [{name: ${portName}, containerPort: ${port}}]}]}
---`;

const notReady = (name: string, app: string, node: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${app}}, annotations: {fairlead.dev/ready: "false"}}
spec: {nodeName: ${node}, containers: [{name: c, image: echo, ports: [{containerPort: 9376}]}]}
---`;

const manifests = `
${echoPod('web-1', { node: 'node-1', labels: { app: 'web' } })}
${echoPod('web-2', { node: 'node-2', labels: { app: 'web' } })}
${echoPod('web-3', { node: 'node-3', labels: { app: 'web' } })}
${notReady('web-late', 'web', 'node-1')}
${echoPod('one', { node: 'node-2', labels: { app: 'one' } })}
${echoPod('host', { node: 'node-2', labels: { app: 'host' }, port: 7000, extra: 'hostNetwork: true' })}
${namedPort('named-1', 'node-1', 8081, 'http')}
${namedPort('named-2', 'node-2', 8082, 'http')}
${namedPort('named-3', 'node-3', 8083, 'other')}
${notReady('early-1', 'early', 'node-1')}
${[1, 2]
  .map(
    (number) => `
apiVersion: v1
kind: Pod
metadata: {name: leaving-${number}, labels: {app: leaving}, annotations: {fairlead.dev/drain-seconds: "240"}}
spec: {nodeName: node-${number}, terminationGracePeriodSeconds: 240, containers: [{name: c, image: echo, ports: [{containerPort: 9376}]}]}
---`,
  )
  .join('')}
${[1, 2, 3].map((number) => echoPod(`client-${number}`, { node: `node-${number}`, port: 8080 })).join('\n')}
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
metadata: {name: astray, labels: {app: db}}
spec: {hostname: astray, subdomain: elsewhere, containers: [{name: c, image: echo, ports: [{name: sql, containerPort: 5432}]}]}
---
${service('cluster', `${web}, ${port80}`)}
${service('internal-local', `internalTrafficPolicy: Local, selector: {app: one}, ${port80}`)}
${service('node-port', `type: NodePort, ${web}, ports: [{port: 80, targetPort: 9376, nodePort: 30001}]`)}
${service('node-port-local', `type: NodePort, externalTrafficPolicy: Local, selector: {app: one}, ports: [{port: 80, targetPort: 9376, nodePort: 30002}]`)}
${service('balanced', `type: LoadBalancer, ${web}, ports: [{port: 80, targetPort: 9376, nodePort: 30003}]`)}
${service('balanced-local', `type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 30904, selector: {app: one}, ports: [{port: 80, targetPort: 9376, nodePort: 30004}]`)}
${service('balanced-none', `type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 30905, selector: {app: nobody}, ports: [{port: 80, targetPort: 9376, nodePort: 30005}]`)}
${service('fenced', `type: LoadBalancer, loadBalancerSourceRanges: [10.0.9.5/32, 10.244.1.0/24], ${web}, ports: [{port: 80, targetPort: 9376, nodePort: 30006}]`)}
${service('external', `externalIPs: [203.0.113.7], ${web}, ${port80}`)}
${service('external-node', `externalIPs: [10.0.1.3], ${web}, ports: [{port: 8000, targetPort: 9376}]`)}
${service('claim-b', 'externalIPs: [203.0.113.7], selector: {app: web}, ports: [{port: 81, targetPort: 9376}]')}
${service('claim-a', 'externalIPs: [203.0.113.7], selector: {app: one}, ports: [{port: 81, targetPort: 9376}]')}
${service('near', `topologyKeys: [${hostKey}], selector: {app: one}, ${port80}`)}
${service('near-any', `topologyKeys: [${hostKey}, "*"], ${web}, ${port80}`)}
${service('zonal', `topologyKeys: [${zoneKey}], ${web}, ${port80}`)}
${service('same-zone', `trafficDistribution: PreferSameZone, ${web}, ${port80}`)}
${service('same-node', `trafficDistribution: PreferSameNode, ${web}, ${port80}`)}
${service('sticky', `type: NodePort, sessionAffinity: ClientIP, ${web}, ports: [{port: 80, targetPort: 9376, nodePort: 30007}]`)}
${service('headless', `clusterIP: None, ${web}, ${port80}`)}
${service('db', 'clusterIP: None, selector: {app: db}, ports: [{name: sql, port: 5432}]')}
${service('alias', 'type: ExternalName, externalName: www.example.com')}
${service('alias-inside', 'type: ExternalName, externalName: cluster.default.svc.cluster.local')}
${service('beyond', 'ports: [{name: web, port: 80}]')}
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: beyond-1, labels: {kubernetes.io/service-name: beyond}}
addressType: IPv4
ports: [{name: web, port: 80}]
endpoints: [{addresses: [10.0.9.1]}]
---
${service('nobody', `selector: {app: nobody}, ${port80}`)}
${service('nobody-headless', `clusterIP: None, selector: {app: nobody}, ${port80}`)}
${service('late', `selector: {app: early}, ${port80}`)}
${service('early', `publishNotReadyAddresses: true, selector: {app: early}, ${port80}`)}
${service('early-headless', `clusterIP: None, publishNotReadyAddresses: true, selector: {app: early}, ${port80}`)}
${service('named', 'selector: {app: named}, ports: [{port: 80, targetPort: http}]')}
${service('wrong-port', 'selector: {app: web}, ports: [{port: 80, targetPort: 9999}]')}
${service('datagrams', `type: NodePort, ${web}, ports: [{port: 53, targetPort: 9376, protocol: UDP, nodePort: 30008}]`)}
${service('hosts', 'type: NodePort, selector: {app: host}, ports: [{port: 80, targetPort: 7000, nodePort: 30009}]')}
${service('leaving', `type: NodePort, selector: {app: leaving}, ports: [{port: 80, targetPort: 9376, nodePort: 30010}]`)}
${service('leaving-local', `type: NodePort, externalTrafficPolicy: Local, selector: {app: leaving}, ports: [{port: 80, targetPort: 9376, nodePort: 30011}]`)}
${service('other-proxy', `${web}, ${port80}`).replace('metadata: {', 'metadata: {labels: {service.kubernetes.io/service-proxy-name: x}, ')}
`;

/** Where questions come from. The second outside address is let through by the fence. */
const places = [
  'pod/default/client-1',
  'pod/default/client-3',
  'pod/default/web-1',
  'pod/default/one',
  'pod/default/host',
  'node/node-2',
  'node/node-3',
  'outside/10.0.9.1',
  'outside/10.0.9.5',
];
const nodeAddresses = ['10.0.1.1', '10.0.1.2', '10.0.1.3'];
const externalIp = '203.0.113.7';

if (isInside(import.meta.url)) {
  const cluster = useCluster();
  let world: World | undefined;
  const counts: Record<string, number> = {};

  const read = (): Promise<World> => worldFromCluster(cluster().client, { serviceCidrs: ['10.96.0.0/16'] });

  test('the world of Services comes up', async () => {
    await cluster().apply(parseManifest(manifests, 'test'));
    // pods that never become ready are part of this world
    await until(
      'everything but the unready is there',
      async () => (await cluster().settled({ timeoutMs: 500 })).every((text) => /web-late|early-1/.test(text)),
      30_000,
    );
    for (const name of ['leaving-1', 'leaving-2']) await cluster().client.delete(pods, name, { namespace: 'default' });
    await until('the leaving pods are terminating endpoints', async () => {
      const slices = (await read()).slices.filter(
        (slice) => slice.metadata?.labels?.['kubernetes.io/service-name'] === 'leaving',
      );
      return (
        slices.flatMap((slice) => slice.endpoints ?? []).filter((endpoint) => endpoint.conditions?.terminating === true)
          .length === 2
      );
    });
    // somebody must bring packets for the external IP to the cluster: here, by way of node-2
    const route = new RouteSocket(await cluster().lab.outside.openNetlink('route'));
    route.addRoute({ dst: mustParseCidr(`${externalIp}/32`), via: mustParseIp('10.0.1.2') });
    route.close();
    // one node does not take part in load balancing
    const label = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' };
    await cluster().client.patch(nodes, 'node-1', 'merge', { metadata: { labels: label } });
    await cluster().settled({ timeoutMs: 500 });
    world = await read();
    await until(
      'the load balancer leaves node-1 out',
      () => !cluster().lab.loadBalancerTargets(balancerIp('balanced')).includes('node-1'),
    );
  });

  const serviceNamed = (name: string): Service => {
    const found = world?.services.find((candidate) => candidate.metadata?.name === name);
    assert.ok(found !== undefined, name);
    return found;
  };
  const clusterIp = (name: string): string => serviceNamed(name).spec?.clusterIP ?? '';
  const balancerIp = (name: string): string => serviceNamed(name).status?.loadBalancer?.ingress?.[0]?.ip ?? '';
  const podIp = (name: string): string => world?.pods.find((pod) => pod.metadata?.name === name)?.status?.podIP ?? '';

  /** Every address and port worth asking for. */
  const targets = (): string[] => {
    const clusterIps = [
      'cluster',
      'internal-local',
      'node-port',
      'balanced',
      'balanced-local',
      'fenced',
      'external',
      'near',
      'near-any',
      'zonal',
      'same-zone',
      'same-node',
      'sticky',
      'beyond',
      'nobody',
      'late',
      'early',
      'named',
      'wrong-port',
      'hosts',
      'leaving',
      'other-proxy',
    ].map((name) => `${clusterIp(name)}:80`);
    const nodePorts = [30001, 30002, 30003, 30004, 30005, 30007, 30009, 30010, 30011, 30999].flatMap((port) =>
      nodeAddresses.map((address) => `${address}:${port}`),
    );
    return [
      ...clusterIps,
      ...nodePorts,
      ...['balanced', 'balanced-local', 'balanced-none', 'fenced'].map((name) => `${balancerIp(name)}:80`),
      `${balancerIp('balanced')}:81`,
      `${clusterIp('cluster')}:81`,
      `${clusterIp('cluster')}:80/udp`,
      `${clusterIp('datagrams')}:53/udp`,
      `${clusterIp('datagrams')}:53`,
      ...nodeAddresses.map((address) => `${address}:30008/udp`),
      '10.96.200.200:80',
      `${externalIp}:80`,
      `${externalIp}:81`,
      `${externalIp}:82`,
      '10.0.1.3:8000',
      '10.0.1.2:7000',
      `${podIp('one')}:9376`,
      `${podIp('one')}:9377`,
      `${podIp('web-late')}:9376`,
      `${podIp('one')}:9376/udp`,
      '10.0.9.1:80',
    ];
  };

  for (const place of places) {
    test(`from ${place}, every address does what is explained`, async () => {
      const wrong: string[] = [];
      const queue = targets();
      const work = async (): Promise<void> => {
        for (let target = queue.shift(); target !== undefined; target = queue.shift()) {
          assert.ok(world !== undefined);
          const { outcome, fault } = await compareWithWire(cluster().prober, world, place, target);
          counts[outcome] = (counts[outcome] ?? 0) + 1;
          if (fault !== '') wrong.push(fault);
        }
      };
      await Promise.all(Array.from({ length: 12 }, work));
      assert.equal(wrong.join('\n\n'), '', `${wrong.length} disagreements`);
    });
  }

  test('every outcome of an address was met', () => {
    for (const outcome of ['endpoints', 'refused', 'dropped', 'direct', 'unreachable'])
      assert.ok((counts[outcome] ?? 0) >= 5, `${outcome}: ${JSON.stringify(counts)}`);
  });

  const names = [
    'cluster',
    'cluster.default',
    'cluster.default.svc',
    'cluster.default.svc.cluster.local',
    'cluster.default.svc.cluster.local.',
    'headless',
    'db',
    'db-0.db',
    'db-7.db',
    'astray.db',
    'astray.elsewhere',
    'web-1.headless',
    'alias',
    'alias-inside',
    'beyond',
    'nobody',
    'nobody-headless',
    'early-headless',
    '_sql._tcp.db',
    '_http._tcp.cluster',
    '_nope._tcp.cluster',
    'no-such',
    'cluster.no-such',
    'kube-system',
    'kube-dns.kube-system',
    'kubernetes',
    'www.example.com',
    'www.example.com.',
    '10-0-0-1.default.pod',
  ];

  test('the walk of every name is what the name server answers', async () => {
    assert.ok(world !== undefined);
    for (const name of [...names, `${podIp('one').replaceAll('.', '-')}.default.pod`]) {
      const { name: walk, outcome } = explain(world, {
        target: name,
        from: parsePlace('pod/default/client-1'),
        namespace: 'default',
      });
      assert.ok(walk !== undefined && walk.attempts.length > 0);
      for (const attempt of walk.attempts) {
        for (const query of attempt.queries) {
          const type = query.type as 'A' | 'AAAA' | 'SRV';
          const answer = await cluster().prober.resolve('pod/default/client-1', attempt.name, type);
          const what = `${attempt.name} ${type} of ${name} (${outcome})`;
          // what is outside the cluster, an outside name server knows: nothing is claimed of it
          if (attempt.result === 'foreign') continue;
          const records = query.answers.map(({ type: own, data }) =>
            own === 'SRV' ? 'TYPE33' : `${own} ${data.replace(/\.$/, '')}`,
          );
          if (attempt.result === 'alias') {
            assert.equal(answer.records[0], records[0], what);
            continue;
          }
          assert.equal(answer.rcode, { NOERROR: 0, NXDOMAIN: 3, REFUSED: 5 }[query.rcode], what);
          assert.deepEqual([...answer.records].sort(), records.sort(), what);
        }
      }
    }
  });

  test("a pod's search path is the one that its resolv.conf has", () => {
    const base = world?.pods.find((pod) => pod.metadata?.name === 'client-1');
    assert.ok(world !== undefined && base?.spec !== undefined);
    const specs: readonly Partial<PodSpec>[] = [
      {},
      { hostNetwork: true },
      { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' },
      { dnsPolicy: 'Default' },
      {
        dnsPolicy: 'None',
        dnsConfig: {
          nameservers: ['10.96.0.10'],
          searches: ['a.example', 'b.example'],
          options: [{ name: 'ndots', value: '2' }],
        },
      },
      { dnsConfig: { searches: ['c.example', 'svc.cluster.local'], options: [{ name: 'ndots', value: '3' }] } },
    ];
    for (const change of specs) {
      const spec = { ...base.spec, ...change };
      const changed: World = { ...world, pods: [{ ...base, spec }] };
      const { name } = explain(changed, { target: 'cluster', from: parsePlace('pod/client-1'), namespace: 'default' });
      const text = buildResolvConf(spec, 'default', cluster().clusterDns);
      const search = /^search (.*)$/m.exec(text)?.[1]?.split(' ') ?? [];
      assert.deepEqual(name?.search, search, JSON.stringify(change));
      assert.equal(name?.ndots, Number(/ndots:(\d+)/.exec(text)?.[1] ?? 1), JSON.stringify(change));
    }
  });

  test('the health-check port answers what is explained', async () => {
    assert.ok(world !== undefined);
    for (const [index, address] of nodeAddresses.entries()) {
      for (const target of [`${address}:30904`, `node/node-${index + 1}:30904`]) {
        const answer = explain(world, { target, from: { kind: 'outside' }, namespace: 'default' });
        const { status } = await cluster().prober.get('outside', { address, port: 30904 });
        assert.equal(status, index === 1 ? 200 : 503);
        assert.match(answer.summary, new RegExp(`^node-${index + 1} answers ${status}: `));
        assert.equal(answer.service, 'default/balanced-local');
        // the one endpoint is on node-2: elsewhere it is why not
        assert.deepEqual(
          answer.excluded.map(({ pod, code }) => [pod, code]),
          index === 1 ? [] : [['default/one', 'other-node']],
        );
      }
    }
  });

  test('a headless name leads to exactly the pods that are explained, on their own ports', async () => {
    assert.ok(world !== undefined);
    for (const [target, want] of [
      ['headless:9376', 'web-1,web-2,web-3'],
      ['db-0.db:5432', 'db-0'],
      ['db:sql', 'astray,db-0,db-1'],
      ['_sql._tcp.db', 'astray,db-0,db-1'],
      ['early-headless:9376', 'early-1'],
    ] as const) {
      const answer = explain(world, { target, from: parsePlace('pod/default/client-1'), namespace: 'default' });
      assert.equal(answer.outcome, 'names-only', printExplanation(answer));
      const reached = [];
      for (const { address, port = 0, seenAs } of answer.candidates) {
        const echo = await cluster().prober.ask('pod/default/client-1', { address, port });
        assert.equal(echo.client, seenAs[0]?.address);
        reached.push(echo.pod);
      }
      assert.equal(reached.sort().join(), want, target);
    }
  });
}
