/** The node's proxy with real packets: who answers, which source they saw, and what is refused or dropped. Both families. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { mustParseCidr } from '../../src/net/index.ts';
import { AgentLab, podAddress } from './agent-lab.ts';
import { bestOf, hasProgram, isInside, run } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  let lab: AgentLab;
  before(async () => {
    lab = await AgentLab.start();
  });
  after(() => lab.stop());

  const families = [
    { family: 'IPv4', service: '10.96.0.', node: '10.0.1.1', outside: '10.0.9.', vip: '10.0.8.' },
    { family: 'IPv6', service: 'fd00:10:96::', node: 'fd00:0:0:1::1', outside: 'fd00:0:0:9::', vip: 'fd00:0:0:8::' },
  ] as const;

  /** Answers of many connections: who, and which sources they saw. */
  async function spread(times: number, ask: () => Promise<string>): Promise<{ who: string[]; sources: string[] }> {
    const who = new Set<string>();
    const sources = new Set<string>();
    for (let index = 0; index < times; index++) {
      const [name = '', source = ''] = (await ask()).split(' ');
      who.add(name);
      sources.add(canonical(source));
    }
    return { who: [...who].sort(), sources: [...sources].sort() };
  }
  const canonical = (address: string): string => address.replace(/^::ffff:/, '');

  for (const { family, service, node, outside, vip } of families) {
    const pod = (name: string): string => podAddress(name, family);

    describe(`cluster IP, ${family}`, () => {
      before(() => lab.serve('web-1', {}, ['a1', 'a2', 'b1']));
      after(() => lab.remove('web-1'));
      for (const protocol of ['tcp', 'udp'] as const) {
        test(`${protocol}: a pod reaches all endpoints and keeps its address`, async () => {
          assert.deepEqual(await spread(40, () => lab[protocol]('a3', `${service}1`, 80)), {
            who: ['a1', 'a2', 'b1'],
            sources: [pod('a3')],
          });
        });
        test(`${protocol}: the node and the outside reach all endpoints and are seen as the node`, async () => {
          const seen = { who: ['a1', 'a2', 'b1'], sources: [node] };
          assert.deepEqual(await spread(40, () => lab[protocol]('n1', `${service}1`, 80)), seen);
          assert.deepEqual(await spread(40, () => lab[protocol]('outside', `${service}1`, 80)), seen);
        });
        test(`${protocol}: an endpoint reaches itself, seen as the node`, async () => {
          const answers = new Set<string>();
          for (let index = 0; index < 40; index++) answers.add(canonical(await lab[protocol]('a1', `${service}1`, 80)));
          assert.deepEqual([...answers].sort(), [`a1 ${node}`, `a2 ${pod('a1')}`, `b1 ${pod('a1')}`]);
        });
      }
      test('an unknown port is refused at once, an unallocated address is silent', async () => {
        const tookMs = await bestOf(5, 50, async () => {
          const startMs = performance.now();
          assert.equal(await lab.tcp('a3', `${service}1`, 81), 'refused');
          return performance.now() - startMs;
        });
        assert.ok(tookMs < 50, `refused after ${tookMs} ms`);
        assert.equal(await lab.tcp('outside', `${service}1`, 81), 'refused');
        assert.equal(await lab.udp('a3', `${service}1`, 81), 'refused');
        assert.equal(await lab.tcp('a3', `${service}200`, 80, { timeoutMs: 300 }), 'timeout');
      });
      test('what is sent to an unallocated address never leaves the node, though somebody out there has it', async () => {
        const { namespace, routes } = lab.place('outside');
        const own = mustParseCidr(`${service}201/${family === 'IPv4' ? 32 : 128}`);
        routes.addAddress('eth0', own);
        const server = createServer((socket) => socket.on('error', () => undefined).end('outside\n'));
        await lab.thread.listenTcp(namespace, server, { address: `${service}201`, port: 80 });
        assert.equal(await lab.tcp('outside', `${service}201`, 80), 'outside');
        for (const from of ['a3', 'n1'])
          assert.equal(await lab.tcp(from, `${service}201`, 80, { timeoutMs: 300 }), 'timeout', from);
        await new Promise((resolve) => server.close(resolve));
        routes.deleteAddress('eth0', own);
      });
    });

    describe(`without endpoints, ${family}`, () => {
      before(() => lab.serve('web-2', { type: 'NodePort', ports: [{ name: 'tcp', port: 80, nodePort: 30_002 }] }, ['!a1']));
      after(() => lab.remove('web-2'));
      for (const from of ['a3', 'n1', 'outside']) {
        test(`refused from ${from}, at the cluster IP and the node port`, async () => {
          assert.equal(await lab.tcp(from, `${service}2`, 80), 'refused');
          assert.equal(await lab.tcp(from, node, 30_002), 'refused');
        });
      }
      test('served as soon as the endpoint is ready', async () => {
        lab.setEndpoints('web-2', ['a1'], [{ name: 'tcp' }]);
        await lab.settled();
        assert.equal(canonical(await lab.tcp('a3', `${service}2`, 80)), `a1 ${pod('a3')}`);
      });
    });

    describe(`externalTrafficPolicy, ${family}`, () => {
      const ports = [{ name: 'tcp', port: 80, nodePort: 30_003 }];
      test('Cluster: everybody is masqueraded and reaches all', async () => {
        await lab.serve('web-3', { type: 'LoadBalancer', ports }, ['a1', 'b1'], [`${vip}3`]);
        const seen = { who: ['a1', 'b1'], sources: [node] };
        for (const from of ['outside', 'n1', 'a3']) {
          assert.deepEqual(await spread(24, () => lab.tcp(from, `${vip}3`, 80)), seen, from);
          assert.deepEqual(await spread(24, () => lab.tcp(from, node, 30_003)), seen, from);
        }
      });
      test('Local: the outside reaches local endpoints and keeps its address, the inside reaches all', async () => {
        await lab.serve(
          'web-3',
          { type: 'LoadBalancer', ports, externalTrafficPolicy: 'Local' },
          ['a1', 'a2', 'b1'],
          [`${vip}3`],
        );
        for (const [address, port] of [
          [`${vip}3`, 80],
          [node, 30_003],
        ] as const) {
          assert.deepEqual(await spread(24, () => lab.tcp('outside', address, port, { bind: `${outside}5` })), {
            who: ['a1', 'a2'],
            sources: [`${outside}5`],
          });
          assert.deepEqual(await spread(40, () => lab.tcp('a3', address, port)), {
            who: ['a1', 'a2', 'b1'],
            sources: [pod('a3')],
          });
          assert.deepEqual(await spread(40, () => lab.tcp('n1', address, port)), { who: ['a1', 'a2', 'b1'], sources: [node] });
        }
      });
      test('Local with endpoints elsewhere only: the outside is dropped, the inside is served', async () => {
        lab.setEndpoints('web-3', ['b1'], [{ name: 'tcp' }]);
        await lab.settled();
        assert.equal(await lab.tcp('outside', `${vip}3`, 80, { timeoutMs: 300 }), 'timeout');
        assert.equal(await lab.tcp('outside', node, 30_003, { timeoutMs: 300 }), 'timeout');
        assert.equal(canonical(await lab.tcp('a3', node, 30_003)), `b1 ${pod('a3')}`);
        assert.equal(canonical(await lab.tcp('n1', `${vip}3`, 80)), `b1 ${node}`);
        await lab.remove('web-3');
      });
    });

    test(`internalTrafficPolicy Local, ${family}: served by local endpoints, dropped without`, async () => {
      await lab.serve('web-4', { internalTrafficPolicy: 'Local' }, ['a1', 'b1']);
      assert.deepEqual((await spread(20, () => lab.tcp('a3', `${service}4`, 80))).who, ['a1']);
      assert.deepEqual((await spread(20, () => lab.tcp('b1', `${service}4`, 80))).who, ['b1']);
      lab.setEndpoints('web-4', ['b1']);
      await lab.settled();
      assert.equal(await lab.tcp('a3', `${service}4`, 80, { timeoutMs: 300 }), 'timeout');
      await lab.remove('web-4');
    });

    test(`source ranges, ${family}: clients outside them are dropped at the load-balancer address only`, async () => {
      const range = family === 'IPv4' ? '10.0.9.4/31' : 'fd00:0:0:9::4/127';
      await lab.serve(
        'web-5',
        { type: 'LoadBalancer', ports: [{ name: 'tcp', port: 80, nodePort: 30_005 }], loadBalancerSourceRanges: [range] },
        ['a1'],
        [`${vip}5`],
      );
      const ask = (client: number) => lab.tcp('outside', `${vip}5`, 80, { bind: `${outside}${client}`, timeoutMs: 300 });
      assert.match(await ask(4), /^a1 /);
      assert.match(await ask(5), /^a1 /);
      assert.equal(await ask(3), 'timeout');
      assert.equal(await ask(6), 'timeout');
      assert.equal(await lab.tcp('a3', `${vip}5`, 80, { timeoutMs: 300 }), 'timeout');
      assert.match(await lab.tcp('outside', node, 30_005, { bind: `${outside}3` }), /^a1 /);
      await lab.remove('web-5');
    });

    describe(`affinity, ${family}`, () => {
      const affinity = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 2 } } };
      const ports = [
        { name: 'tcp', port: 80, nodePort: 30_006 },
        { name: 'udp', port: 80, protocol: 'UDP', nodePort: 30_006 },
      ];
      const frontends: readonly (readonly [name: string, address: string, port: number])[] = [
        ['cluster IP', `${service}6`, 80],
        ['load-balancer address', `${vip}6`, 80],
        ['node port', node, 30_006],
      ];
      before(() => lab.serve('web-6', { type: 'LoadBalancer', ports, ...affinity }, ['a1', 'a2', 'b1'], [`${vip}6`]));
      after(() => lab.remove('web-6'));
      for (const [name, address, port] of frontends) {
        test(`${name}: one client stays with one pod, many clients reach all`, async () => {
          const clients = new Set<string>();
          for (const client of [1, 2, 3, 4, 5, 6, 7]) {
            const { who } = await spread(8, () => lab.tcp('outside', address, port, { bind: `${outside}${client}` }));
            assert.equal(who.length, 1, `client ${client}`);
            clients.add(who[0] ?? '');
          }
          assert.ok(clients.size > 1);
          assert.equal((await spread(10, () => lab.udp('a3', address, port))).who.length, 1);
          assert.equal((await spread(10, () => lab.tcp('n1', address, port))).who.length, 1);
        });
      }
      test('a new connection restarts the timer, and silence ends the pin', async () => {
        const ask = () => lab.tcp('a3', `${service}6`, 80);
        const [pinned] = (await spread(1, ask)).who;
        for (let index = 0; index < 3; index++) {
          await new Promise((resolve) => setTimeout(resolve, 1200));
          assert.deepEqual((await spread(2, ask)).who, [pinned]);
        }
        const picks = new Set<string>();
        for (let index = 0; index < 8 && picks.size < 2; index++) {
          await new Promise((resolve) => setTimeout(resolve, 2300));
          for (const name of (await spread(1, ask)).who) picks.add(name);
        }
        assert.ok(picks.size > 1, 'the same pod after every pause');
      });
      test('when the pinned endpoint goes, the next connection is served by another and sticks to it', async () => {
        const ask = () => lab.tcp('a3', `${service}6`, 80);
        const [pinned = ''] = (await spread(3, ask)).who;
        lab.setEndpoints(
          'web-6',
          ['a1', 'a2', 'b1'].filter((name) => name !== pinned),
        );
        await lab.settled();
        const { who } = await spread(10, ask);
        assert.equal(who.length, 1);
        assert.notEqual(who[0], pinned);
        lab.setEndpoints('web-6', ['a1', 'a2', 'b1']);
        await lab.settled();
        assert.deepEqual((await spread(10, ask)).who, who);
      });
      test('a policy that forbids what a client is pinned to ends the pin', async () => {
        lab.setEndpoints('web-6', ['b1']);
        await lab.settled();
        assert.deepEqual((await spread(3, () => lab.tcp('outside', node, 30_006))).who, ['b1']);
        await lab.serve(
          'web-6',
          { type: 'LoadBalancer', ports, ...affinity, externalTrafficPolicy: 'Local' },
          ['a1', 'b1'],
          [`${vip}6`],
        );
        assert.deepEqual((await spread(10, () => lab.tcp('outside', node, 30_006))).who, ['a1']);
      });
    });
  }

  test('topologyKeys bound the choice, and a change of labels moves it', async () => {
    await lab.serve('web-7', { topologyKeys: ['topology.kubernetes.io/zone'] }, ['a1', 'b1']);
    assert.deepEqual((await spread(12, () => lab.tcp('a3', '10.96.0.7', 80))).who, ['a1']);
    const n2 = lab.nodes.get('n2');
    assert.ok(n2 !== undefined);
    lab.nodes.set({
      ...n2,
      metadata: { ...n2.metadata, labels: { ...n2.metadata?.labels, 'topology.kubernetes.io/zone': 'zone-1' } },
    });
    await lab.settled();
    assert.deepEqual((await spread(24, () => lab.tcp('a3', '10.96.0.7', 80))).who, ['a1', 'b1']);
    lab.nodes.set(n2);
    await lab.serve('web-7', { topologyKeys: ['kubernetes.io/hostname'] }, ['b1']);
    assert.equal(await lab.tcp('a3', '10.96.0.7', 80), 'refused');
    await lab.remove('web-7');
  });

  test('nft prints everything, whatever is in it', hasProgram('nft') ? {} : { skip: 'nft is not installed' }, async () => {
    await lab.serve(
      'web-8',
      {
        type: 'LoadBalancer',
        sessionAffinity: 'ClientIP',
        externalTrafficPolicy: 'Local',
        loadBalancerSourceRanges: ['10.0.9.0/24'],
      },
      ['a1', 'b1'],
      ['10.0.8.8', 'fd00:0:0:8::8'],
    );
    const text = run('nsenter', `--net=${lab.place('n1').namespace.path}`, 'nft', 'list', 'ruleset');
    for (const line of [
      'table ip fairlead',
      'table ip6 fairlead',
      'chain sticky-outside-1-10800',
      'elements = { 10.0.9.0/24 . 10.0.8.8 . tcp . 80',
    ]) {
      assert.ok(text.includes(line), `${line}\n\nnot in\n\n${text}`);
    }
    assert.doesNotMatch(text, /meta mark|ct mark|mark set/, 'no mark is read or written');
    await lab.remove('web-8');
  });
}
