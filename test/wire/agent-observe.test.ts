/** What the node's proxy tells of itself: counters of the kernel in its metrics, health, decisions. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { get } from 'node:http';
import { after, before, describe, test } from 'node:test';
import type { Node } from '../../src/api/index.ts';
import { AgentServers } from '../../src/agent/index.ts';
import type { Agent } from '../../src/agent/index.ts';
import { silentLogger } from '../../src/observe/index.ts';
import { AgentLab } from './agent-lab.ts';
import { hasProgram, isInside } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  let lab: AgentLab;
  let agent: Agent;
  let servers: AgentServers;
  const tcp = [{ name: 'tcp', port: 80, nodePort: 30_001 }];
  before(async () => {
    lab = await AgentLab.start();
    const found = lab.agents.get('n1');
    assert.ok(found !== undefined);
    agent = found;
    servers = new AgentServers(
      {
        agent,
        listen: lab.listenOn('n1'),
        healthz: { address: '0.0.0.0', port: 10_256 },
        metrics: { address: '127.0.0.1', port: 10_249 },
        config: { mode: 'nftables' },
      },
      { logger: silentLogger },
    );
    await servers.start();
  });
  after(async () => {
    await servers.stop();
    await lab.stop();
  });

  /** Status and body of a request to the node, from the outside or from itself. */
  async function fetchFrom(from: string, port: number, path: string): Promise<{ status: number | undefined; body: string }> {
    const address = from === 'n1' ? '127.0.0.1' : '10.0.1.1';
    const socket = await lab.thread.connectTcp(lab.place(from).namespace, { address, port }, { timeoutMs: 1000 });
    return new Promise((resolve, reject) => {
      get({ createConnection: () => socket, host: 'node', path, headers: { connection: 'close' } }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode, body }));
      }).on('error', reject);
    });
  }
  const metrics = async (): Promise<string> => (await fetchFrom('n1', 10_249, '/metrics')).body;
  /** The value of one series, 0 when it is not there. */
  const value = (text: string, series: string): number => {
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1) ?? 0);
  };

  describe('counters', () => {
    const series = (frontend: string): string =>
      `fairlead_agent_service_connections_total{ip_family="IPv4",namespace="ns",service="web-1",port="tcp",protocol="TCP",frontend="${frontend}"}`;

    test('new connections count per Service port and kind of frontend, and outlive changes of endpoints and policies', async () => {
      await lab.serve('web-1', { type: 'NodePort', ports: tcp }, ['a1']);
      for (let index = 0; index < 7; index++) await lab.tcp('a3', '10.96.0.1', 80);
      for (let index = 0; index < 3; index++) await lab.tcp('outside', '10.0.1.1', 30_001);
      let text = await metrics();
      assert.deepEqual([value(text, series('clusterIP')), value(text, series('nodePort'))], [7, 3]);
      lab.setEndpoints('web-1', ['a1', 'a2', 'b1'], [{ name: 'tcp' }]);
      await lab.settled();
      await lab.tcp('a3', '10.96.0.1', 80);
      lab.setEndpoints('web-1', [], [{ name: 'tcp' }]);
      await lab.settled();
      assert.equal(await lab.tcp('a3', '10.96.0.1', 80), 'refused');
      lab.setEndpoints('web-1', ['a1'], [{ name: 'tcp' }]);
      await lab.settled();
      await lab.serve('web-1', { type: 'NodePort', ports: tcp, sessionAffinity: 'ClientIP', externalTrafficPolicy: 'Local' }, [
        'a1',
      ]);
      for (let index = 0; index < 2; index++) await lab.tcp('outside', '10.0.1.1', 30_001);
      text = await metrics();
      assert.equal(value(text, series('clusterIP')), 9);
      assert.equal(value(text, series('nodePort')), 5, 'both scopes of one node port are one series');
      await lab.remove('web-1');
      assert.equal((await metrics()).includes('service="web-1"'), false, 'a Service that is gone has no series');
    });

    test('refusals and drops count by reason', async () => {
      await lab.serve('web-2', { ports: [{ name: 'tcp', port: 80 }] }, []);
      await lab.serve(
        'web-3',
        { type: 'LoadBalancer', ports: [{ name: 'tcp', port: 80 }], loadBalancerSourceRanges: ['10.0.9.9/32'] },
        ['a1'],
        ['10.0.8.3'],
      );
      await lab.serve('web-4', { internalTrafficPolicy: 'Local', ports: [{ name: 'tcp', port: 80 }] }, ['b1']);
      const reasons = {
        'fairlead_agent_rejected_packets_total{ip_family="IPv4",reason="no-endpoint"}': () => lab.tcp('a3', '10.96.0.2', 80),
        'fairlead_agent_rejected_packets_total{ip_family="IPv4",reason="no-such-port"}': () => lab.tcp('a3', '10.96.0.2', 81),
        'fairlead_agent_dropped_packets_total{ip_family="IPv4",reason="source-range"}': () =>
          lab.tcp('outside', '10.0.8.3', 80, { timeoutMs: 100 }),
        'fairlead_agent_dropped_packets_total{ip_family="IPv4",reason="no-local-endpoint"}': () =>
          lab.tcp('a3', '10.96.0.4', 80, { timeoutMs: 100 }),
        'fairlead_agent_dropped_packets_total{ip_family="IPv4",reason="unallocated"}': () =>
          lab.tcp('a3', '10.96.0.200', 80, { timeoutMs: 100 }),
      };
      for (const [name, act] of Object.entries(reasons)) {
        const before = value(await metrics(), name);
        await act();
        assert.equal(value(await metrics(), name), before + 1, name);
      }
    });

    test('D33: Services whose Local policy has no endpoint here count by policy, those without any endpoint do not', async () => {
      const count = async (policy: string): Promise<number> =>
        value(
          await metrics(),
          `kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family="IPv4",traffic_policy="${policy}"}`,
        );
      assert.deepEqual([await count('internal'), await count('external')], [1, 0]);
      const local = { type: 'NodePort', ports: tcp, internalTrafficPolicy: 'Local', externalTrafficPolicy: 'Local' };
      await lab.serve('web-5', local, ['b1']);
      assert.deepEqual([await count('internal'), await count('external')], [2, 1]);
      lab.setEndpoints('web-5', ['a1', 'b1'], [{ name: 'tcp' }]);
      await lab.settled();
      assert.deepEqual([await count('internal'), await count('external')], [1, 0]);
      lab.setEndpoints('web-5', [], [{ name: 'tcp' }]);
      await lab.settled();
      assert.deepEqual([await count('internal'), await count('external')], [1, 0]);
      await lab.remove('web-5');
    });

    test('syncs, changes and the time from a change to the kernel are measured', async () => {
      const before = await metrics();
      await lab.serve('web-6', {}, ['a1']);
      const slice = lab.slices.get('ns/web-6-IPv4');
      assert.ok(slice !== undefined);
      const annotations = { 'endpoints.kubernetes.io/last-change-trigger-time': new Date(Date.now() - 300).toISOString() };
      lab.slices.set({ ...slice, metadata: { ...slice.metadata, annotations } });
      await lab.settled();
      const text = await metrics();
      const rise = (series: string): number => value(text, series) - value(before, series);
      assert.equal(rise('kubeproxy_sync_proxy_rules_service_changes_total{ip_family="IPv4"}'), 1);
      assert.equal(rise('kubeproxy_sync_proxy_rules_endpoint_changes_total{ip_family="IPv4"}'), 3);
      assert.equal(rise('kubeproxy_network_programming_duration_seconds_count{ip_family="IPv4"}'), 1);
      assert.equal(rise('kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv4",le="0.25"}'), 0);
      assert.ok(rise('kubeproxy_sync_partial_proxy_rules_duration_seconds_count{ip_family="IPv6"}') >= 2);
      assert.ok(value(text, 'kubeproxy_sync_full_proxy_rules_duration_seconds_count{ip_family="IPv4"}') >= 1);
      assert.ok(
        Math.abs(value(text, 'kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"}') - Date.now() / 1000) < 5,
      );
      assert.equal(value(text, 'fairlead_agent_rows{ip_family="IPv4",set="pods"}'), 1);
      await lab.remove('web-6');
    });

    test("kube-proxy's metrics have kube-proxy's names, and ours are told apart", async () => {
      const names = [...(await metrics()).matchAll(/^# HELP (\S+) /gm)].map(([, name = '']) => name);
      const missing = [
        'sync_proxy_rules_duration_seconds',
        'sync_full_proxy_rules_duration_seconds',
        'sync_partial_proxy_rules_duration_seconds',
        'sync_proxy_rules_last_timestamp_seconds',
        'sync_proxy_rules_last_queued_timestamp_seconds',
        'network_programming_duration_seconds',
        'sync_proxy_rules_endpoint_changes_pending',
        'sync_proxy_rules_endpoint_changes_total',
        'sync_proxy_rules_service_changes_pending',
        'sync_proxy_rules_service_changes_total',
        'sync_proxy_rules_nftables_sync_failures_total',
        'sync_proxy_rules_no_local_endpoints_total',
        'proxy_healthz_total',
        'proxy_livez_total',
        'conntrack_reconciler_sync_duration_seconds',
        'conntrack_reconciler_deleted_entries_total',
      ].filter((name) => !names.includes(`kubeproxy_${name}`));
      assert.deepEqual(missing, []);
      assert.deepEqual(
        names.filter((name) => !/^(kubeproxy|fairlead_agent)_/.test(name)),
        [],
      );
    });

    test(
      'promtool finds nothing to say',
      hasProgram('promtool') ? {} : { skip: 'promtool (Debian: prometheus) is not installed' },
      async () => {
        const result = spawnSync('promtool', ['check', 'metrics'], { input: await metrics(), encoding: 'utf8' });
        assert.equal(`${result.stdout}${result.stderr}`, '');
        assert.equal(result.status, 0);
      },
    );
  });

  describe('health', () => {
    const setNode = async (change: (node: Node) => Node): Promise<void> => {
      const node = lab.nodes.get('n1');
      assert.ok(node !== undefined);
      lab.nodes.set(change(node));
      await lab.settled();
    };

    test('/healthz and /livez answer with times and families, as upstream does', async () => {
      for (const [path, keys] of [
        ['/healthz', ['lastUpdated', 'currentTime', 'nodeEligible', 'healthy', 'status']],
        ['/livez', ['lastUpdated', 'currentTime', 'healthy', 'status']],
      ] as const) {
        const { status, body } = await fetchFrom('outside', 10_256, path);
        assert.equal(status, 200);
        const report = JSON.parse(body) as { status: Record<string, unknown> };
        assert.deepEqual(Object.keys(report), keys);
        assert.deepEqual(Object.keys(report.status), ['IPv4', 'IPv6']);
      }
      assert.equal((await fetchFrom('outside', 10_256, '/metrics')).status, 404);
    });

    test('D32: a node that is to be deleted is no place for new connections, but alive', async () => {
      const taint = { key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' } as const;
      await setNode((node) => ({ ...node, spec: { ...node.spec, taints: [taint] } }));
      const { status, body } = await fetchFrom('outside', 10_256, '/healthz');
      assert.equal(status, 503);
      const { healthy, nodeEligible } = JSON.parse(body) as { healthy: boolean; nodeEligible: boolean };
      assert.deepEqual([healthy, nodeEligible], [true, false]);
      assert.equal((await fetchFrom('outside', 10_256, '/livez')).status, 200);
      await setNode((node) => ({ ...node, spec: { ...node.spec, taints: [] } }));
      assert.equal((await fetchFrom('outside', 10_256, '/healthz')).status, 200);
      const text = await metrics();
      assert.equal(value(text, 'kubeproxy_proxy_healthz_total{code="503"}'), 1);
      assert.equal(value(text, 'kubeproxy_proxy_livez_total{code="200"}'), 2);
    });
  });

  describe('for operators', () => {
    test('the mode, the configuration, and nothing for the outside', async () => {
      assert.deepEqual(await fetchFrom('n1', 10_249, '/proxyMode'), { status: 200, body: 'nftables' });
      assert.deepEqual(await fetchFrom('n1', 10_249, '/configz'), { status: 200, body: '{"mode":"nftables"}' });
      assert.equal((await fetchFrom('n1', 10_249, '/nothing')).status, 404);
      await assert.rejects(fetchFrom('outside', 10_249, '/metrics'));
    });

    test('/debug/routes gives the decisions with their reasons', async () => {
      await lab.serve('web-7', {}, ['a1', '!b1']);
      const { body } = await fetchFrom('n1', 10_249, '/debug/routes?service=ns/web-7&family=IPv4');
      const { routes } = JSON.parse(body) as {
        routes: { ports: { endpoints: { address: string; cluster: { code: string } }[] }[] }[];
      };
      assert.equal(routes.length, 1);
      assert.deepEqual(
        routes[0]?.ports[0]?.endpoints.map(({ cluster }) => cluster.code),
        ['ready', 'not-ready', 'wrong-family', 'wrong-family'],
      );
      const all = JSON.parse((await fetchFrom('n1', 10_249, '/debug/routes')).body) as { routes: { name: string }[] };
      assert.ok(all.routes.length >= 2 * lab.services.size);
    });
  });
}
