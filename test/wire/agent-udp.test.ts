/**
 * UDP through Services, and what connection tracking remembers of it: clients that keep their socket while everything about their
 * Service changes, flows that must not be touched, and a table that is nearly full. The numbers are those of Kubernetes' own scenarios.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Conntrack } from '../../src/linux/index.ts';
import { formatIp, mustParseCidr, mustParseIp } from '../../src/net/index.ts';
import { AgentLab, podAddress } from './agent-lab.ts';
import { isInside } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  let lab: AgentLab;
  let conntrack: Conntrack;
  before(async () => {
    lab = await AgentLab.start();
    conntrack = new Conntrack(await lab.thread.openNetlink(lab.place('n1').namespace, 'netfilter'));
  });
  after(async () => {
    conntrack.close();
    await lab.stop();
  });
  afterEach(async () => {
    for (const service of lab.services.list()) await lab.remove(service.metadata?.name ?? '');
  });

  /** The agent of n1 anew. */
  async function restart(): Promise<void> {
    await lab.agents.get('n1')?.stop();
    await lab.startAgent('n1');
  }
  const at = (pod: string): string => podAddress(pod, 'IPv4');
  const unserved = /^(refused|timeout|EPERM)$/;

  describe('D23: a UDP client that keeps its socket follows a pod that is replaced', () => {
    const ports = [{ name: 'udp', port: 80, protocol: 'UDP', nodePort: 30_002 }];
    for (const [name, from, address, port, spec] of [
      ['a node process to the cluster IP', 'n1', '10.96.0.2', 80, {}],
      ['the outside to a load-balancer address', 'outside', '10.0.8.2', 80, { type: 'LoadBalancer' }],
      ['a pod under internalTrafficPolicy Local', 'a3', '10.96.0.2', 80, { internalTrafficPolicy: 'Local' }],
      [
        'the outside to a node port under externalTrafficPolicy Local',
        'outside',
        '10.0.1.1',
        30_002,
        { externalTrafficPolicy: 'Local' },
      ],
      ['a pod with affinity', 'a3', '10.96.0.2', 80, { sessionAffinity: 'ClientIP' }],
    ] as const) {
      test(name, async () => {
        await lab.serve('web-2', { type: 'NodePort', ...spec, ports }, ['a1'], ['10.0.8.2']);
        const client = await lab.openUdpClient(from, address, port);
        assert.match(await client.ask(), /^a1 /);
        lab.setEndpoints('web-2', ['!a1'], ports);
        await lab.settled();
        await client.ask(200);
        lab.setEndpoints('web-2', ['a2'], ports);
        await lab.settled();
        assert.match(await client.ask(), /^a2 /);
        client.close();
      });
    }
  });

  test('D24: a UDP client of a node port follows a change of the target port', async () => {
    const ports = [{ name: 'udp', port: 80, protocol: 'UDP', nodePort: 30_003 }];
    await lab.serve('web-3', { type: 'NodePort', ports }, ['a1']);
    const good = lab.slices.get('ns/web-3-IPv4');
    assert.ok(good !== undefined);
    lab.slices.set({ ...good, ports: [{ name: 'udp', protocol: 'UDP', port: 8081 }] });
    await lab.settled();
    const client = await lab.openUdpClient('outside', '10.0.1.1', 30_003);
    assert.match(await client.ask(200), /^(refused|timeout)$/);
    lab.slices.set(good);
    await lab.settled();
    assert.match(await client.ask(), /^a1 /);
    client.close();
  });

  test('D25: flows that are none of the Service are left alone, also by a restart of the agent', async () => {
    await lab.serve('web-4', {}, ['a1']);
    const direct = await lab.openUdpClient('outside', at('a1'), 8080);
    const through = await lab.openUdpClient('a3', '10.96.0.4', 80);
    assert.match(await direct.ask(), /^a1 /);
    assert.match(await through.ask(), /^a1 /);
    const flows = (): string[] =>
      conntrack
        .listFlows({ family: 'IPv4', protocol: 17 })
        .filter(({ original }) => [80, 8080].includes(original.destinationPort))
        .map(({ original, id }) => `${formatIp(original.source)}>${formatIp(original.destination)} ${id}`)
        .sort();
    const before = flows();
    assert.equal(before.length, 2);
    lab.setEndpoints('web-4', ['a1', 'a2']);
    await lab.settled();
    assert.deepEqual(flows(), before);
    await restart();
    assert.deepEqual(flows(), before);
    await lab.agents.get('n1')?.stop();
    lab.setEndpoints('web-4', ['a2']);
    await lab.startAgent('n1');
    assert.equal(flows().length, 1, 'a flow that became stale while no agent ran');
    assert.match(await through.ask(), /^a2 /);
    assert.match(await direct.ask(), /^a1 /);
    direct.close();
    through.close();
  });

  test('a UDP client leaves an endpoint that serves no longer, and none that still does while it terminates', async () => {
    const ports = [{ name: 'udp', port: 80, protocol: 'UDP' }];
    await lab.serve('web-4', { ports }, ['a1']);
    const client = await lab.openUdpClient('a3', '10.96.0.4', 80);
    assert.match(await client.ask(), /^a1 /);
    lab.setEndpoints('web-4', ['~a1', 'a2'], ports);
    await lab.settled();
    for (let index = 0; index < 4; index++) assert.match(await client.ask(), /^a1 /, 'it still serves');
    lab.setEndpoints('web-4', ['-a1', 'a2'], ports);
    await lab.settled();
    assert.match(await client.ask(), /^a2 /);
    client.close();
  });

  test('flows of a Service that went while no agent ran are ended by the next one', async () => {
    await lab.serve('web-4', {}, ['a1']);
    const client = await lab.openUdpClient('a3', '10.96.0.4', 80);
    assert.match(await client.ask(), /^a1 /);
    await lab.agents.get('n1')?.stop();
    await lab.remove('web-4');
    assert.match(await client.ask(), /^a1 /, 'nobody has ended it yet');
    await lab.startAgent('n1');
    assert.match(await client.ask(), unserved);
    client.close();
  });

  for (const [name, from, before, after] of [
    ['the port of a cluster IP', 'a3', { port: 80 }, { port: 81 }],
    ['a node port', 'outside', { port: 80, nodePort: 30_010 }, { port: 80, nodePort: 30_011 }],
  ] as const) {
    test(`a UDP client of ${name} that is given up is let go, follows when it is back, and is left alone by other changes`, async () => {
      const type = 'nodePort' in before ? 'NodePort' : 'ClusterIP';
      const serve = (...ports: readonly object[]): Promise<void> => {
        const named = ports.map((port, index) => ({ name: `p${index}`, protocol: 'UDP', ...port }));
        return lab.serve('web-5', { type, ports: named }, ['a1']);
      };
      await serve(before);
      const [address, port] = 'nodePort' in before ? ['10.0.1.1', before.nodePort] : ['10.96.0.5', before.port];
      const client = await lab.openUdpClient(from, address, port);
      assert.match(await client.ask(), /^a1 /);
      await serve(after);
      assert.match(await client.ask(100), unserved);
      await serve(before);
      assert.match(await client.ask(), /^a1 /);
      lab.setEndpoints('web-5', ['a1', 'a2', 'b1'], [{ name: 'p0', protocol: 'UDP' }]);
      await lab.settled();
      await serve(before, { ...after, port: 99 });
      for (let index = 0; index < 8; index++) assert.match(await client.ask(), /^a1 /);
      client.close();
    });
  }

  for (const [name, address, spec, ingress] of [
    ['an external IP', '10.0.8.6', { externalIPs: ['10.0.8.6'] }, []],
    ['a load-balancer address', '10.0.8.6', { type: 'LoadBalancer' }, ['10.0.8.6']],
  ] as const) {
    test(`a UDP client that was sending to ${name} before there was one is served from then on`, async () => {
      const ports = [{ name: 'udp', port: 80, protocol: 'UDP' }];
      await lab.serve('web-6', { ports }, ['a1']);
      const client = await lab.openUdpClient('outside', address, 80);
      for (let index = 0; index < 3; index++) assert.match(await client.ask(60), /^(timeout|E\w+)$/);
      await lab.serve('web-6', { ...spec, ports }, ['a1'], ingress);
      // the network may have told the socket meanwhile that its packets went round in a circle
      await client.ask(200);
      assert.match(await client.ask(), /^a1 /);
      client.close();
    });
  }

  test('a UDP client that was sending to an address of the node before node ports answered there is served from then on', async () => {
    const { routes } = lab.place('n1');
    routes.addAddress('eth0', mustParseCidr('10.0.1.77/16'));
    const node = lab.nodes.get('n1') ?? assert.fail();
    const ports = [{ name: 'udp', port: 80, protocol: 'UDP', nodePort: 30_012 }];
    await lab.serve('web-7', { type: 'NodePort', ports }, ['a1']);
    const client = await lab.openUdpClient('outside', '10.0.1.77', 30_012);
    assert.match(await client.ask(100), unserved);
    lab.nodes.set({ ...node, status: { addresses: [{ type: 'InternalIP', address: '10.0.1.77' }] } });
    await lab.settled();
    assert.match(await client.ask(), /^a1 /);
    client.close();
    lab.nodes.set(node);
    await lab.settled();
    routes.deleteAddress('eth0', mustParseCidr('10.0.1.77/16'));
  });

  test('D42: a datagram of many fragments is served whole, in both families', async () => {
    await lab.serve('web-8', { ports: [{ name: 'udp', port: 80, protocol: 'UDP' }] }, ['a1']);
    const text = 'x'.repeat(20_000);
    for (const [family, address] of [
      ['IPv4', '10.96.0.8'],
      ['IPv6', 'fd00:10:96::8'],
    ] as const) {
      const echo = await lab.thread.openUdp(lab.place('a1').namespace, {
        bind: { address: podAddress('a1', family), port: 9002 },
      });
      echo.on('message', (message, remote) => echo.send(message, remote.port, remote.address));
      const slice = lab.slices.get(`ns/web-8-${family}`) ?? assert.fail();
      lab.slices.set({ ...slice, ports: [{ name: 'udp', protocol: 'UDP', port: 9002 }] });
      await lab.settled();
      for (const from of ['b1', 'outside']) {
        const socket = await lab.thread.openUdp(lab.place(from).namespace, { family: family === 'IPv4' ? 4 : 6 });
        const answer = new Promise<string>((resolve) => socket.once('message', (message) => resolve(message.toString())));
        socket.send(text, 80, address);
        assert.equal(await answer, text, `${from}, ${family}`);
        socket.close();
      }
      echo.close();
    }
  });

  describe('a table of connections that is 90 % full', () => {
    /** Datagrams from n1 to ever other ports of a host that answers nothing, until conntrack knows so many flows. */
    async function fill(wanted: number): Promise<void> {
      const { namespace, routes } = lab.place('n1');
      routes.addNeighbour('eth0', mustParseIp('10.0.200.1'), '02:00:00:00:02:00');
      for (let source = 7001; conntrack.count() < wanted; source++) {
        assert.ok(source < 7010, `only ${conntrack.count()} flows of ${wanted}`);
        const socket = await lab.thread.openUdp(namespace, { bind: { address: '10.0.1.1', port: source } });
        for (let port = 1; port < 65_000 && conntrack.count() < wanted; port += 500) {
          const sent = Array.from({ length: 500 }, (_, index) => port + index).map(
            (to) => new Promise<void>((resolve) => socket.send('x', to, '10.0.200.1', () => resolve())),
          );
          await Promise.all(sent);
        }
        socket.close();
      }
    }
    const walks = (): number => {
      const line = /^kubeproxy_conntrack_reconciler_sync_duration_seconds_count\{ip_family="IPv4"\} (\d+)$/m;
      return Number(line.exec(lab.agents.get('n1')?.metricsRegistry.render() ?? '')?.[1]);
    };

    test('stale flows go, in one walk however many Services changed, and no other flow is touched', async (context) => {
      const { namespace } = lab.place('n1');
      const limit = Number(await lab.thread.readSysctl(namespace, 'net.netfilter.nf_conntrack_max'));
      // none is to run out while the others are made
      await lab.thread.writeSysctl(namespace, 'net.netfilter.nf_conntrack_udp_timeout', 600);
      const numbers = Array.from({ length: 40 }, (_, index) => 100 + index);
      const portsOf = (number: number) => [{ name: 'udp', port: 1000 + number, protocol: 'UDP' }];
      for (const number of numbers) await lab.serve(`web-${number}`, { ports: portsOf(number) }, ['a1']);
      await lab.serve('web-90', { ports: portsOf(90) }, ['a1']);
      const clients = await Promise.all(numbers.map((number) => lab.openUdpClient('a3', `10.96.0.${number}`, 1000 + number)));
      const steady = await lab.openUdpClient('a3', '10.96.0.90', 1090);
      for (const client of [...clients, steady]) assert.match(await client.ask(), /^a1 /);
      // larger limits are only larger: a walk's cost is that of the flows there are
      await fill(Math.floor(0.9 * Math.min(limit, 300_000)));
      const before = { flows: conntrack.count(), walks: walks() };
      let turns = 0;
      let isDone = false;
      const breathe = (): void => {
        turns++;
        if (!isDone) setImmediate(breathe);
      };
      breathe();
      for (const number of numbers) lab.setEndpoints(`web-${number}`, ['a2'], portsOf(number));
      lab.setEndpoints('web-90', ['a1', 'a2'], portsOf(90));
      await lab.settled();
      isDone = true;
      assert.equal(walks() - before.walks, 1);
      assert.equal(before.flows - conntrack.count(), clients.length);
      assert.ok(turns > before.flows / 10_000, `the process came to other things ${turns} times`);
      for (const client of clients) assert.match(await client.ask(), /^a2 /);
      assert.match(await steady.ask(), /^a1 /);
      for (const client of [...clients, steady]) client.close();
      // all at once: each sync that ends flows walks the table
      for (const name of lab.services.list().map(({ metadata }) => metadata?.name)) lab.services.delete(`ns/${name}`);
      for (const name of lab.slices.list().map(({ metadata }) => metadata?.name)) lab.slices.delete(`ns/${name}`);
      await lab.settled();
      context.diagnostic(`${before.flows} flows of at most ${limit}, ${turns} turns of the loop meanwhile`);
    });
  });
}
