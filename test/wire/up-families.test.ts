/** Labs of IPv6 alone and of both families: every way to a Service, in every family that it has. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pods, services } from '../../src/api/index.ts';
import { isIPv6 } from 'node:net';
import { Desk, getText, needsLab, webService } from './up-harness.ts';

const desk = new Desk();
after(() => desk.close());

const nodeAddresses = { 4: '10.0.1.2', 6: 'fd00:0:0:1::1:2' };

for (const { flag, want } of [
  { flag: 'ipv6', want: [6] as const },
  { flag: 'dual', want: [4, 6] as const },
]) {
  test(`--ip-family ${flag}: cluster IP, node port, load balancer and names answer in each family`, needsLab, async () => {
    const manifest = join(desk.folder, 'web.yaml');
    writeFileSync(manifest, webService('web', 'type: LoadBalancer\n  ipFamilyPolicy: PreferDualStack'));
    const lab = desk.start(['up', '--name', flag, '--ip-family', flag, '--nodes', '2', '-f', manifest]);
    try {
      await lab.printed(/Try, in another terminal/);
      const client = desk.client(flag);
      const web = await client.get(services, 'web', { namespace: 'default' });
      const port = web.spec?.ports?.[0]?.nodePort ?? 0;
      const clusterIPs = web.spec?.clusterIPs ?? [];
      const balancers = (web.status?.loadBalancer?.ingress ?? []).map((ingress) => ingress.ip ?? '');
      assert.deepEqual(clusterIPs.map(familyOf), want);
      assert.deepEqual(balancers.map(familyOf), want);
      const pod = await client.get(pods, 'client', { namespace: 'default' });
      assert.deepEqual(
        (pod.status?.podIPs ?? []).map(({ ip }) => familyOf(ip ?? '')),
        want,
      );

      const ask = async (place: string, address: string, number = 80): Promise<void> => {
        const url = `http://${isIPv6(address) ? `[${address}]` : address}:${number}/`;
        const { stdout, stderr } = await desk.run(['run', '--name', flag, '--from', place, '--', ...getText(url)]);
        assert.match(stdout, /^pod web-\S+ node node-\d client \S+\n$/, `${url} from ${place}: ${stderr}`);
        const seen = /client (\S+)/.exec(stdout)?.[1] ?? '';
        assert.equal(familyOf(seen), familyOf(address), 'the client keeps its family');
      };
      for (const address of clusterIPs) await Promise.all([ask('pod/client', address), ask('node/node-1', address)]);
      for (const family of want) await ask('outside', nodeAddresses[family], port);
      for (const address of balancers) await Promise.all([ask('outside', address), ask('pod/client', address)]);

      for (const [family, database] of [
        [4, 'ahostsv4'],
        [6, 'ahostsv6'],
      ] as const) {
        const { stdout } = await desk.run(['run', '--name', flag, '--from', 'pod/client', '--', 'getent', database, 'web']);
        const found = [...new Set(stdout.split('\n').map((line) => line.split(' ')[0] ?? ''))].filter(
          (text) => text !== '' && !text.startsWith('::ffff:'),
        );
        assert.deepEqual(
          found,
          clusterIPs.filter((address) => familyOf(address) === family),
          `getent ${database}`,
        );
      }
      const back = await desk.run([
        'run',
        '--name',
        flag,
        '--from',
        'pod/client',
        '--',
        'getent',
        'hosts',
        clusterIPs.at(-1) ?? '',
      ]);
      assert.match(back.stdout, /web\.default\.svc\.cluster\.local/);
    } finally {
      lab.child.kill('SIGTERM');
      await lab.ended;
    }
  });
}

function familyOf(address: string): 4 | 6 {
  return isIPv6(address) ? 6 : 4;
}
