/** Affinity as the kernel keeps it: entries seen and removed, UDP, and a map that is full. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Agent } from '../../src/agent/index.ts';
import { tableOf } from '../../src/agent/index.ts';
import { mustParseCidr } from '../../src/net/index.ts';
import { AgentLab, podAddress } from './agent-lab.ts';
import { isInside } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  const affinity = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 100 } } };
  const ports = [
    { name: 'tcp', port: 80, nodePort: 30_006 },
    { name: 'udp', port: 80, protocol: 'UDP', nodePort: 30_006 },
  ];
  const pods = ['a1', 'a2', 'b1'];

  describe('affinity entries', () => {
    let lab: AgentLab;
    before(async () => {
      lab = await AgentLab.start();
      await lab.serve('web-6', { type: 'NodePort', ports, ...affinity }, pods);
      await lab.serve('web-7', affinity, pods);
    });
    after(() => lab.stop());
    const agent = (): Agent => {
      const found = lab.agents.get('n1');
      assert.ok(found !== undefined);
      return found;
    };
    const repeat = async (times: number, ask: () => Promise<string>): Promise<string[]> => {
      const who = new Set<string>();
      for (let index = 0; index < times; index++) who.add((await ask()).split(' ')[0] ?? '');
      return [...who];
    };

    for (const [family, clusterIp, node, outside] of [
      ['IPv4', '10.96.0.6', '10.0.1.1', '10.0.9.5'],
      ['IPv6', 'fd00:10:96::6', 'fd00:0:0:1::1', 'fd00:0:0:9::5'],
    ] as const) {
      test(`${family}: each shows client, frontend, Service, endpoint and time left`, async () => {
        assert.deepEqual(
          agent()
            .affinity()
            .filter((entry) => entry.family === family),
          [],
        );
        const [tcp = ''] = await repeat(1, () => lab.tcp('a3', clusterIp, 80));
        const [nodePort = ''] = await repeat(1, () => lab.tcp('outside', node, 30_006, { bind: outside }));
        // a few ticks of the kernel's clock, so that time has passed
        await new Promise((resolve) => setTimeout(resolve, 20));
        const entries = agent()
          .affinity()
          .filter((entry) => entry.family === family);
        const endpointOf = (pod: string): string =>
          family === 'IPv4' ? `${podAddress(pod, family)}:8080` : `[${podAddress(pod, family)}]:8080`;
        assert.deepEqual(
          entries.map(({ secondsLeft, ...entry }) => ({ ...entry, isFresh: secondsLeft > 95 && secondsLeft < 100 })),
          [
            {
              family,
              client: outside,
              frontend: { protocol: 'TCP', port: 30_006 },
              endpoint: endpointOf(nodePort),
              service: 'ns/web-6',
              servicePort: 'tcp',
              isFresh: true,
            },
            {
              family,
              client: podAddress('a3', family),
              frontend: { address: clusterIp, protocol: 'TCP', port: 80 },
              endpoint: endpointOf(tcp),
              service: 'ns/web-6',
              servicePort: 'tcp',
              isFresh: true,
            },
          ],
        );
        assert.equal(agent().clearAffinity({ family }), 2);
      });
    }

    test('UDP: one client stays with one pod whatever its port, and keeps apart from its TCP', async () => {
      assert.equal((await repeat(12, () => lab.udp('a3', '10.96.0.6', 80))).length, 1);
      assert.equal((await repeat(12, () => lab.udp('a3', 'fd00:10:96::6', 80))).length, 1);
      assert.equal((await repeat(12, () => lab.udp('outside', '10.0.1.1', 30_006))).length, 1);
      const protocols = agent()
        .affinity()
        .map(({ frontend }) => frontend.protocol);
      assert.deepEqual(protocols, ['UDP', 'UDP', 'UDP']);
      assert.equal(agent().clearAffinity({}), 3);
    });

    test('all addresses of the node that answer a node port share one pin for a client', async () => {
      const { routes } = lab.place('n1');
      routes.addAddress('eth0', mustParseCidr('10.0.1.77/16'));
      await lab.agents.get('n1')?.stop();
      await lab.startAgent('n1', { nodePortAddresses: ['10.0.1.0/24'], nodeAddresses: ['10.0.1.1', '10.0.1.77'] });
      for (let round = 0; round < 6; round++) {
        const [pinned] = await repeat(1, () => lab.tcp('outside', '10.0.1.1', 30_006));
        assert.deepEqual(await repeat(3, () => lab.tcp('outside', '10.0.1.77', 30_006)), [pinned]);
        assert.equal(agent().clearAffinity({}), 1);
      }
      await lab.agents.get('n1')?.stop();
      await lab.startAgent('n1');
      routes.deleteAddress('eth0', mustParseCidr('10.0.1.77/16'));
    });

    test('D22: without affinity a client goes anywhere at once, and with it anew it is pinned anew', async () => {
      const ask = (): Promise<string> => lab.tcp('a3', '10.96.0.7', 80);
      assert.equal((await repeat(8, ask)).length, 1);
      await lab.serve('web-7', {}, pods);
      assert.deepEqual((await repeat(40, ask)).sort(), pods);
      await lab.serve('web-7', affinity, pods);
      assert.equal((await repeat(8, ask)).length, 1);
      agent().clearAffinity({});
    });

    test('removed entries let clients go elsewhere; only those that are meant are removed', async () => {
      await repeat(1, () => lab.tcp('a3', '10.96.0.7', 80));
      await repeat(1, () => lab.tcp('a2', '10.96.0.7', 80));
      await repeat(1, () => lab.tcp('a3', '10.96.0.6', 80));
      assert.equal(agent().clearAffinity({ service: 'ns/web-8' }), 0);
      assert.equal(agent().clearAffinity({ client: podAddress('a2', 'IPv4') }), 1);
      assert.equal(agent().affinity().length, 2);
      const endpoint =
        agent()
          .affinity()
          .find(({ service }) => service === 'ns/web-6')?.endpoint ?? '';
      assert.equal(agent().clearAffinity({ service: 'ns/web-6', endpoint }), 1);
      assert.deepEqual(
        agent()
          .affinity()
          .map(({ service, client }) => [service, client]),
        [['ns/web-7', podAddress('a3', 'IPv4')]],
      );
      const who = new Set<string>();
      for (let index = 0; index < 40 && who.size < 3; index++) {
        const [pod = ''] = await repeat(3, () => lab.tcp('a3', '10.96.0.7', 80));
        who.add(pod);
        assert.equal(agent().clearAffinity({ service: 'ns/web-7' }), 1);
      }
      assert.deepEqual([...who].sort(), pods);
      assert.equal(agent().repairs, 0, 'our own removal was taken for foreign');
    });

    test('an entry whose endpoint has gone has none, and its client gets another', async () => {
      const [pinned = ''] = await repeat(2, () => lab.tcp('a3', '10.96.0.7', 80));
      lab.setEndpoints(
        'web-7',
        pods.filter((pod) => pod !== pinned),
      );
      await lab.settled();
      const [entry] = agent().affinity();
      assert.equal(entry?.endpoint, undefined);
      const [other] = await repeat(4, () => lab.tcp('a3', '10.96.0.7', 80));
      assert.notEqual(other, pinned);
      assert.match(agent().affinity()[0]?.endpoint ?? '', /:8080$/);
    });
  });

  describe('a full affinity map', () => {
    let lab: AgentLab;
    before(async () => {
      lab = await AgentLab.start({ affinitySize: 1 });
      await lab.serve('web-6', affinity, pods);
    });
    after(() => lab.stop());
    const unpinned = (): bigint | undefined =>
      lab.nftables
        .get('n1')
        ?.dumpCounters(tableOf('IPv4'))
        .find(({ name }) => name === 'unpinned-affinity-full')?.packets;

    test('clients beyond its size are served without a pin and counted; the first keeps its own', async () => {
      const ask = async (client: string): Promise<string> => (await lab.tcp(client, '10.96.0.6', 80)).split(' ')[0] ?? '';
      const first = await ask('a3');
      assert.equal(unpinned(), 0n);
      const who = new Set<string>();
      for (let index = 0; index < 40; index++) who.add(await ask('n1'));
      assert.deepEqual([...who].sort(), pods);
      assert.equal(unpinned(), 40n);
      for (let index = 0; index < 10; index++) assert.equal(await ask('a3'), first);
      assert.equal(unpinned(), 40n);
      assert.match(
        lab.agents.get('n1')?.metricsRegistry.render() ?? '',
        /^fairlead_agent_unpinned_connections_total\{ip_family="IPv4"\} 40$/m,
      );
    });
  });
}
