/** A thousand Services of every kind in the kernel: `nft` must print them all, since operators will look. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { dumpRows } from '../../src/agent/index.ts';
import { AgentLab } from './agent-lab.ts';
import { hasProgram, isInside } from './linux-harness.ts';

const count = 1000;

if (isInside(import.meta.url)) {
  let lab: AgentLab;
  before(async () => {
    lab = await AgentLab.start();
    for (let number = 0; number < count; number++) {
      const name = `web-${number}`;
      const clusterIPs = [`10.96.${number >> 8}.${number & 255}`, `fd00:10:96::${(number + 1).toString(16)}`];
      const isLoadBalancer = number % 3 === 0;
      lab.services.set({
        metadata: { name, namespace: 'ns', creationTimestamp: '2026-01-01T00:00:00Z' },
        spec: {
          type: isLoadBalancer ? 'LoadBalancer' : 'NodePort',
          clusterIP: clusterIPs[0] ?? '',
          clusterIPs,
          ports: [{ name: 'tcp', port: 80, protocol: number % 5 === 0 ? 'SCTP' : 'TCP', nodePort: 30_000 + number }],
          sessionAffinity: number % 2 === 0 ? 'ClientIP' : 'None',
          sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 + (number % 7) } },
          externalTrafficPolicy: number % 4 < 2 ? 'Local' : 'Cluster',
          internalTrafficPolicy: number % 8 < 1 ? 'Local' : 'Cluster',
          ...(isLoadBalancer
            ? { loadBalancerSourceRanges: ['192.0.2.0/24', `198.51.100.${number & 255}/32`, '2001:db8::/48'] }
            : {}),
        },
        status: {
          loadBalancer: isLoadBalancer
            ? {
                ingress: [
                  { ip: `10.0.${8 + (number >> 8)}.${number & 255}` },
                  { ip: `fd00:0:0:8::${(number + 1).toString(16)}` },
                ],
              }
            : {},
        },
      });
      const pods = ['a1', 'a2', 'a3', 'b1'].slice(0, number % 5);
      lab.setEndpoints(name, pods, [{ name: 'tcp', protocol: number % 5 === 0 ? 'SCTP' : 'TCP' }]);
    }
    await lab.settled();
  });
  after(() => lab.stop());

  test(
    `${count} Services with affinity, policies, ranges and SCTP`,
    hasProgram('nft') ? {} : { skip: 'nft is not installed' },
    () => {
      const nftables = lab.nftables.get('n1') ?? assert.fail();
      const words = [`--net=${lab.place('n1').namespace.path}`, 'nft', 'list', 'ruleset'];
      const { stdout: everything, stderr, status } = spawnSync('nsenter', words, { encoding: 'utf8', maxBuffer: 2 ** 28 });
      assert.equal(status, 0, stderr);
      for (const [family, name] of [
        ['IPv4', 'ip'],
        ['IPv6', 'ip6'],
      ] as const) {
        const rows = dumpRows(nftables, family);
        const table = everything.slice(everything.indexOf(`table ${name} fairlead`)).split('\n}\n')[0] ?? '';
        for (const [set, elements] of rows) {
          const block = new RegExp(`(?:set|map) ${set} \\{\\n.*?\\n\\t\\}`, 's').exec(table)?.[0] ?? '';
          const [, printed = ''] = /elements = \{(.*?)\}\n/s.exec(block) ?? [];
          const lines = printed.split(/,\s*\n?\s*/).filter((line) => line.trim() !== '');
          assert.equal(lines.length, elements.size, `${name} ${set}`);
        }
        assert.ok((rows.get('services')?.size ?? 0) >= count, 'all are there');
      }
    },
  );
}
