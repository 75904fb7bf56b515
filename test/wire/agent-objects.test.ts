/**
 * What the objects of a Service say about who serves it, and how: labels that take it away from the proxy and give it back, slices by
 * hand, ports of another number in each slice, hints, old spellings. The numbers are those of Kubernetes' own scenarios.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { EndpointSlice, Service } from '../../src/api/index.ts';
import { AgentLab, podAddress } from './agent-lab.ts';
import { clientAddress, servedIn, startBackends } from './churn/clients.ts';
import { hasProgram, isInside, run } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  let lab: AgentLab;
  const told: string[] = [];
  before(async () => {
    lab = await AgentLab.start({
      events: {
        event: (object, type, reason, message) => void told.push(`${object.metadata?.name} ${type} ${reason}: ${message}`),
      },
    });
  });
  after(() => lab.stop());
  afterEach(async () => {
    for (const { metadata } of lab.slices.list()) lab.slices.delete(`ns/${metadata?.name}`);
    for (const { metadata } of lab.services.list()) lab.services.delete(`ns/${metadata?.name}`);
    await lab.settled();
  });

  const at = (pod: string): string => podAddress(pod, 'IPv4');
  const who = async (times: number, ask: () => Promise<string>): Promise<string[]> => {
    const names = new Set<string>();
    for (let index = 0; index < times; index++) names.add((await ask()).split(' ')[0] ?? '');
    return [...names].sort();
  };
  const change = async (edit: (service: Service) => Service): Promise<void> => {
    const service = lab.services.get('ns/web-1');
    assert.ok(service !== undefined);
    lab.services.set(edit(service));
    await lab.settled();
  };
  const slice = (name: string, spec: Partial<EndpointSlice>, labels: Readonly<Record<string, string>> = {}): EndpointSlice => ({
    metadata: { name, namespace: 'ns', labels: { 'kubernetes.io/service-name': 'web-1', ...labels } },
    addressType: 'IPv4',
    ports: [{ name: 'tcp', protocol: 'TCP', port: 8080 }],
    endpoints: [],
    ...spec,
  });

  test('D27: a Service given to another proxy by its label is no longer ours, others are, and it comes back with the label gone', async () => {
    const ports = [{ name: 'tcp', port: 80, nodePort: 30_001 }];
    await lab.serve('web-1', { type: 'NodePort', ports }, ['a1']);
    await lab.serve('web-2', {}, ['a1']);
    const ask = (): Promise<string> => lab.tcp('a3', '10.96.0.1', 80, { timeoutMs: 150 });
    assert.match(await ask(), /^a1 /);
    await change((service) => ({
      ...service,
      metadata: { ...service.metadata, labels: { 'service.kubernetes.io/service-proxy-name': 'other' } },
    }));
    assert.equal(await ask(), 'timeout', 'as an address that belongs to nobody');
    assert.equal(await lab.tcp('outside', '10.0.1.1', 30_001), 'refused', "the host's own answer");
    assert.match(await lab.tcp('a3', '10.96.0.2', 80), /^a1 /);
    await change((service) => ({ ...service, metadata: { ...service.metadata, labels: {} } }));
    assert.match(await ask(), /^a1 /);
    assert.match(await lab.tcp('outside', '10.0.1.1', 30_001), /^a1 /);
  });

  test('D28: a hand-made slice that is labelled headless is not used, and is once the label goes', async () => {
    await lab.serve('web-1', { ports: [{ name: 'tcp', port: 80 }] }, []);
    const endpoints = [{ addresses: [at('a1')] }];
    lab.slices.set(slice('by-hand', { endpoints }, { 'service.kubernetes.io/headless': '' }));
    await lab.settled();
    assert.equal(await lab.tcp('a3', '10.96.0.1', 80), 'refused');
    lab.slices.set(slice('by-hand', { endpoints }));
    await lab.settled();
    assert.match(await lab.tcp('a3', '10.96.0.1', 80), /^a1 /);
  });

  test('a Service that becomes headless or an ExternalName is given up, and taken up again', async () => {
    await lab.serve('web-1', {}, ['a1']);
    for (const spec of [
      { clusterIP: 'None', clusterIPs: ['None'] },
      { type: 'ExternalName', externalName: 'example.com', clusterIP: '', clusterIPs: [] },
    ]) {
      const before = lab.services.get('ns/web-1');
      await change((service) => ({ ...service, spec: { ...service.spec, ...spec } }));
      assert.equal(await lab.tcp('a3', '10.96.0.1', 80, { timeoutMs: 150 }), 'timeout');
      await change((service) => before ?? service);
      assert.match(await lab.tcp('a3', '10.96.0.1', 80), /^a1 /);
    }
  });

  test('a slice that is given to another Service by its label serves that one, and the first no longer', async () => {
    const ports = [{ name: 'tcp', port: 80 }];
    for (const name of ['web-1', 'web-2']) await lab.serve(name, { ports }, []);
    const endpoints = [{ addresses: [at('a1')] }];
    lab.slices.set(slice('by-hand', { endpoints }));
    await lab.settled();
    assert.match(await lab.tcp('a3', '10.96.0.1', 80), /^a1 /);
    assert.equal(await lab.tcp('a3', '10.96.0.2', 80), 'refused');
    lab.slices.set(slice('by-hand', { endpoints }, { 'kubernetes.io/service-name': 'web-2' }));
    await lab.settled();
    assert.equal(await lab.tcp('a3', '10.96.0.1', 80), 'refused');
    assert.match(await lab.tcp('a3', '10.96.0.2', 80), /^a1 /);
  });

  test('a Service that goes in the same moment as its node changes is given up', async () => {
    await lab.serve('web-1', {}, ['a1']);
    await lab.serve('web-2', {}, ['a1']);
    const node = lab.nodes.get('n1') ?? assert.fail();
    // whatever changes of the node itself makes everything be decided anew
    lab.nodes.set({ ...node, metadata: { ...node.metadata, labels: { ...node.metadata?.labels, rack: 'r1' } } });
    lab.services.delete('ns/web-1');
    await lab.settled();
    assert.equal(await lab.tcp('a3', '10.96.0.1', 80, { timeoutMs: 150 }), 'timeout');
    assert.match(await lab.tcp('a3', '10.96.0.2', 80), /^a1 /);
    lab.nodes.set(node);
    await lab.settled();
  });

  describe('endpoints that answer on two ports', () => {
    let close: () => void;
    before(async () => {
      close = await startBackends(lab);
    });
    after(() => close());

    test('B4, D4: a named port that has another number in each slice leads each pod to its own', async () => {
      await lab.serve('web-1', { ports: [{ name: 'http', port: 80 }] }, []);
      for (const [pod, port] of [
        ['a1', 8081],
        ['b1', 8082],
      ] as const) {
        lab.slices.set(
          slice(`of-${pod}`, { ports: [{ name: 'http', protocol: 'TCP', port }], endpoints: [{ addresses: [at(pod)] }] }),
        );
      }
      await lab.settled();
      const seen = new Set<string>();
      for (let index = 0; index < 30; index++) {
        const socket = await lab.thread.connectTcp(lab.place('a3').namespace, { address: '10.96.0.1', port: 80 });
        const text = await new Promise<string>((resolve) => socket.once('data', (data: Buffer) => resolve(data.toString())));
        seen.add(servedIn(text, 'IPv4')?.endpoint ?? '');
        socket.destroy();
      }
      assert.deepEqual([...seen].sort(), [`${at('a1')} 8081`, `${at('b1')} 8082`]);
    });

    test('D42: a megabyte comes back whole through a cluster IP and a node port, in both families', async () => {
      const ports = [{ name: 'tcp', port: 80, nodePort: 30_001 }];
      await lab.serve('web-1', { type: 'NodePort', ports }, []);
      for (const family of ['IPv4', 'IPv6'] as const) {
        const endpoints = [{ addresses: [podAddress('b1', family)] }];
        const port = [{ name: 'tcp', protocol: 'TCP', port: 8081 }];
        lab.slices.set(slice(`of-${family}`, { addressType: family, ports: port, endpoints }));
      }
      await lab.settled();
      const payload = Buffer.alloc(1_000_000, 'abcdefghij');
      for (const [from, address, port] of [
        ['a3', '10.96.0.1', 80],
        ['a3', 'fd00:10:96::1', 80],
        ['outside', clientAddress('n1', 'IPv4', 0), 30_001],
        ['outside', clientAddress('n1', 'IPv6', 0), 30_001],
      ] as const) {
        const socket = await lab.thread.connectTcp(lab.place(from).namespace, { address, port }, { timeoutMs: 2000 });
        socket.end(payload);
        const chunks: Buffer[] = [];
        for await (const chunk of socket) chunks.push(chunk as Buffer);
        const [, echoed = ''] = /^b1 8081 \S+\n(.*)$/s.exec(Buffer.concat(chunks).toString()) ?? [];
        assert.ok(payload.equals(Buffer.from(echoed)), `${from} to ${address}: ${echoed.length} bytes`);
      }
    });
  });

  test('D35: hints for zones keep traffic in the zone of the client, and one endpoint without a hint ends that', async () => {
    await lab.serve('web-1', { trafficDistribution: 'PreferSameZone', ports: [{ name: 'tcp', port: 80 }] }, []);
    const zone = (pod: string, name?: string) => ({
      addresses: [at(pod)],
      ...(name === undefined ? {} : { hints: { forZones: [{ name }] } }),
    });
    const set = async (...endpoints: NonNullable<EndpointSlice['endpoints']>): Promise<void> => {
      lab.slices.set(slice('x', { endpoints }));
      await lab.settled();
    };
    const seen = async (from: string): Promise<string[]> => await who(16, () => lab.tcp(from, '10.96.0.1', 80));
    await set(zone('a1', 'zone-1'), zone('a2', 'zone-1'), zone('b1', 'zone-2'));
    assert.deepEqual([await seen('a3'), await seen('b1')], [['a1', 'a2'], ['b1']]);
    await set(zone('a1', 'zone-1'), zone('a2'), zone('b1', 'zone-2'));
    assert.deepEqual(await seen('b1'), ['a1', 'a2', 'b1']);
  });

  test('D29: externalTrafficPolicy Local on three kinds of nodes: with an endpoint, of the client, and without', async () => {
    const ports = [{ name: 'tcp', port: 80, nodePort: 30_002 }];
    const ask = async (from: string, node: string): Promise<string> =>
      (await lab.tcp(from, node, 30_002, { timeoutMs: 200 })).replace('::ffff:', '');
    await lab.serve('web-1', { type: 'NodePort', ports, externalTrafficPolicy: 'Local' }, ['a1']);
    assert.equal(await ask('outside', '10.0.1.1'), 'a1 10.0.9.1');
    assert.equal(await ask('n2', '10.0.1.2'), 'a1 10.0.1.2', 'a process of the node takes the short cut');
    assert.equal(await ask('n2', '10.0.1.1'), 'a1 10.0.1.2', 'and is outside at another node');
    assert.equal(await ask('outside', '10.0.1.2'), 'timeout');
    await lab.serve('web-1', { type: 'NodePort', ports, externalTrafficPolicy: 'Cluster' }, ['a1']);
    assert.equal(await ask('outside', '10.0.1.1'), 'a1 10.0.1.1');
    assert.equal(await ask('outside', '10.0.1.2'), 'a1 10.0.1.2');
  });

  test('D19: addresses and prefixes with leading zeros in old objects are read as decimal', async () => {
    await lab.serve(
      'web-1',
      {
        type: 'LoadBalancer',
        clusterIP: '10.96.0.010',
        clusterIPs: ['10.96.0.010'],
        externalIPs: ['010.0.08.011'],
        loadBalancerSourceRanges: ['010.000.009.004/031'],
        ports: [{ name: 'tcp', port: 80 }],
      },
      [],
      ['10.0.8.012'],
    );
    lab.slices.set(slice('x', { endpoints: [{ addresses: [at('a1').replace('.11', '.011')] }] }));
    await lab.settled();
    assert.match(await lab.tcp('a3', '10.96.0.10', 80), /^a1 /);
    assert.match(await lab.tcp('outside', '10.0.8.11', 80), /^a1 /);
    assert.match(await lab.tcp('outside', '10.0.8.12', 80, { bind: '10.0.9.5' }), /^a1 /);
    assert.equal(await lab.tcp('outside', '10.0.8.12', 80, { bind: '10.0.9.6', timeoutMs: 150 }), 'timeout');
  });

  test('of two Services that claim one address the oldest is served, the other is told and has it when the first goes', async () => {
    const claiming = { type: 'LoadBalancer', ports: [{ name: 'tcp', port: 80 }] };
    await lab.serve('web-1', claiming, ['a1'], ['10.0.8.1']);
    await lab.serve('web-2', claiming, ['a2'], ['10.0.8.1']);
    const first = lab.services.get('ns/web-1') ?? assert.fail();
    told.length = 0;
    // the younger one is put first in every list, and comes first by name
    lab.services.set({ ...first, metadata: { ...first.metadata, creationTimestamp: '2026-02-01T00:00:00Z' } });
    await lab.settled();
    assert.deepEqual(await who(6, () => lab.tcp('outside', '10.0.8.1', 80)), ['a2']);
    assert.deepEqual(
      new Set(told),
      new Set(['web-1 Warning FrontendClaimed: 10.0.8.1:80/TCP is served for Service ns/web-2, which comes first']),
    );
    assert.equal(told.length, 2, 'by each node once');
    lab.setEndpoints('web-1', ['a3'], [{ name: 'tcp' }]);
    await lab.settled();
    assert.equal(told.length, 2, 'and not with every sync');
    assert.deepEqual(await who(2, () => lab.tcp('a2', '10.96.0.1', 80)), ['a3'], 'its other frontends are served');
    lab.services.delete('ns/web-2');
    await lab.settled();
    assert.deepEqual(await who(6, () => lab.tcp('outside', '10.0.8.1', 80)), ['a3']);
  });

  test('an endpoint whose slice does not say its node reaches itself through the Service', async () => {
    await lab.serve('web-1', { ports: [{ name: 'tcp', port: 80 }] }, []);
    lab.slices.set(slice('by-hand', { endpoints: [{ addresses: [at('a1')] }] }));
    await lab.settled();
    assert.equal((await lab.tcp('a1', '10.96.0.1', 80)).replace('::ffff:', ''), 'a1 10.0.1.1');
    lab.slices.set(slice('by-hand', { endpoints: [{ addresses: [at('b1')] }] }));
    await lab.settled();
    assert.equal((await lab.tcp('b1', '10.96.0.1', 80)).replace('::ffff:', ''), 'b1 10.0.1.2');
  });

  test(
    'a refused connection is told by a reset, which is heard where ICMP is filtered; a refused datagram by ICMP',
    hasProgram('nft') ? {} : { skip: 'nft is not installed' },
    async () => {
      await lab.serve('web-1', { type: 'NodePort', ports: [{ name: 'tcp', port: 80, nodePort: 30_001 }] }, []);
      const nft = (...words: readonly string[]): void => {
        run('nsenter', `--net=${lab.place('a3').namespace.path}`, 'nft', ...words);
      };
      assert.equal(await lab.udp('a3', '10.96.0.1', 81), 'refused');
      nft('add table inet filter');
      nft('add chain inet filter input { type filter hook input priority 0; }');
      nft('add rule inet filter input icmp type destination-unreachable drop');
      nft('add rule inet filter input icmpv6 type destination-unreachable drop');
      for (const address of ['10.96.0.1', 'fd00:10:96::1']) {
        assert.equal(await lab.tcp('a3', address, 80), 'refused', 'no endpoint');
        assert.equal(await lab.tcp('a3', address, 81), 'refused', 'no such port');
      }
      assert.equal(await lab.tcp('a3', '10.0.1.1', 30_001), 'refused');
      assert.equal(await lab.udp('a3', '10.96.0.1', 81, { timeoutMs: 200 }), 'timeout');
      nft('delete table inet filter');
    },
  );
}
