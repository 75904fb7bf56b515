/** Search paths that the server walks: over UDP in threads and on the main thread, and over TCP. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pods } from '../../src/api/index.ts';
import { createDnsMetrics, createForwarder, startDnsServer } from '../../src/dns/index.ts';
import type { DnsMetrics, DnsServer } from '../../src/dns/index.ts';
import { namespaceOf, podOf, serviceOf } from '../../src/names/sample-objects.ts';
import { silentLogger } from '../../src/observe/index.ts';
import { dig, digSkip, HandInformer, handInformers, headerOf } from './dns-harness.ts';

const loopback = { address: '127.0.0.1', port: 0 };
const skip = process.platform === 'linux' ? digSkip : 'needs Linux, where all of 127.0.0.0/8 is this machine';
const informers = { ...handInformers(), pods: new HandInformer(pods) };
const [client, stranger] = ['127.0.0.7', '127.0.0.8'];
let elsewhere: DnsServer;

before(async () => {
  if (skip !== false) return;
  const others = handInformers();
  others.namespaces.apply(namespaceOf('www'));
  others.services.apply(serviceOf('www/shop', { clusterIPs: ['192.0.2.80'] }));
  for (const informer of Object.values(others)) informer.finishSync();
  elsewhere = await startDnsServer(
    { source: { informers: others }, clusterDomain: 'example.com', listen: loopback },
    { logger: silentLogger },
  );
  informers.namespaces.apply(namespaceOf('default'), namespaceOf('other'));
  informers.services.apply(
    serviceOf('web', { clusterIPs: ['10.96.0.5'] }),
    serviceOf('other/api', { clusterIPs: ['10.96.0.6'] }),
  );
  informers.pods.apply(podOf('client', client));
  for (const informer of Object.values(informers)) informer.finishSync();
});

after(async () => {
  if (skip === false) await elsewhere.close();
});

for (const udpWorkers of [2, 0]) {
  const how = udpWorkers === 0 ? 'on the main thread' : 'in threads';
  test(`answers ${how} walk the search path of a pod that asks, and of nobody else`, { skip }, async () => {
    const [upstream] = elsewhere.addresses;
    const metrics: DnsMetrics = createDnsMetrics({ server: 'dns://:53', zone: 'cluster.local', nowSeconds: () => 0 });
    const server = await startDnsServer(
      {
        source: { informers },
        listen: loopback,
        udpWorkers,
        podMode: 'verified',
        autopath: { search: [] },
        observer: metrics,
        forwarder: createForwarder({ upstreams: [upstream ?? loopback] }, { logger: silentLogger }),
      },
      { logger: silentLogger },
    );
    try {
      await server.ready;
      const at = server.addresses[0] ?? loopback;
      const short = async (from: string, name: string, ...words: readonly string[]): Promise<string> =>
        (await dig(at, '-b', from, '+short', `${name}.default.svc.cluster.local`, ...words)).trim().replaceAll('\n', ' ');
      for (const transport of ['+notcp', '+tcp']) {
        assert.equal(await short(client, 'shop.www.svc.example.com', transport), 'shop.www.svc.example.com. 192.0.2.80');
        assert.equal(await short(client, 'api.other', transport), 'api.other.svc.cluster.local. 10.96.0.6');
        assert.equal(await short(client, 'web', transport), '10.96.0.5');
        assert.equal(await short(stranger, 'shop.www.svc.example.com', transport), '');
      }
      const gone = `gone.www.svc.example.com.default.svc.cluster.local`;
      for (const from of [client, stranger]) assert.match(headerOf(await dig(at, '-b', from, gone)), /^NXDOMAIN qr aa rd/);
      assert.match(metrics.render(), /^coredns_autopath_success_total\{server="dns:\/\/:53"\} 4$/m);
      if (udpWorkers === 0) return;
      await server.crashThreads();
      assert.equal(await short(client, 'api.other'), 'api.other.svc.cluster.local. 10.96.0.6');
      informers.pods.apply(podOf('other/client', client));
      const pod = podOf('client', client);
      informers.pods.apply({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } });
      assert.equal(await short(client, 'api.other'), '', 'the address is of another namespace now');
      informers.pods.apply(podOf('client', client));
    } finally {
      await server.close();
    }
  });
}
