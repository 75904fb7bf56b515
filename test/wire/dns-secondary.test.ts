/** Other name servers as secondaries of ours: they fetch the zone, and fetch it again when they are told that it has changed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { PeerName } from '../../bench/dns-peers.ts';
import { askOnce, peerProblem } from '../../bench/dns-peers.ts';
import { createZoneTransfer, queryTypes, rcodes, startDnsServer } from '../../src/dns/index.ts';
import type { DnsServer } from '../../src/dns/index.ts';
import { rrTypes } from '../../src/names/index.ts';
import { headlessOf, namespaceOf, serviceOf, sliceOf } from '../../src/names/sample-objects.ts';
import { silentLogger } from '../../src/observe/index.ts';
import { dig, digSkip, handInformers } from './dns-harness.ts';
import { until } from './cluster-harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'fairlead-dns-secondary-'));
const domain = 'default.svc.cluster.local';
const informers = handInformers();
const secondaries: readonly PeerName[] = ['knot', 'nsd'];
const ports = new Map<PeerName, number>();
const databaseSlice = sliceOf(
  'db',
  [{ addresses: ['10.244.1.6'], hostname: 'db-0' }, '10.244.1.7'],
  [{ name: 'pg', port: 5432, protocol: 'TCP' }],
);
let ours: DnsServer;

before(async () => {
  for (const name of secondaries) ports.set(name, await freePort());
  informers.namespaces.apply(namespaceOf('default'));
  informers.services.apply(
    serviceOf('web', { clusterIPs: ['10.96.0.5', 'fd00:10:96::5'], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }),
    serviceOf('unnamed', { clusterIPs: ['10.96.0.6'], ports: [{ port: 80 }] }),
    headlessOf('db', { ports: [{ name: 'pg', port: 5432 }] }),
    serviceOf('shop', { type: 'ExternalName', externalName: 'www.example.com' }),
    headlessOf('nobody'),
  );
  // more than one message: 64 KiB hold some 2,000 records
  for (let count = 0; count < 3_000; count++)
    informers.services.apply(serviceOf(`s${count}`, { clusterIPs: [`10.97.${count >> 8}.${count & 255}`] }));
  informers.endpointSlices.apply(sliceOf('web', ['10.244.1.5'], [{ name: 'http', port: 8080, protocol: 'TCP' }]), databaseSlice);
  for (const informer of Object.values(informers)) informer.finishSync();
  ours = await startDnsServer(
    {
      source: { informers },
      listen: { address: '127.0.0.1', port: 0 },
      ownAddresses: ['10.0.0.10', '10.0.0.11'],
      transfer: (index) => createZoneTransfer(['127.0.0.1'], index),
      notify: [...ports.values()].map((port) => ({ address: '127.0.0.1', port })),
    },
    { logger: silentLogger },
  );
  await ours.ready;
});

after(async () => {
  await ours.close();
  rmSync(folder, { recursive: true });
});

for (const name of secondaries) {
  const skip = peerProblem(name);
  test(`${name} fetches the zone, and each change as soon as it is told`, skip === undefined ? {} : { skip }, async () => {
    const port = ports.get(name) ?? 0;
    informers.endpointSlices.apply(databaseSlice);
    const stop = startSecondary(name, port);
    try {
      const addresses = async (owner: string): Promise<string> =>
        ((await askOnce(port, owner, rrTypes.A))?.answers ?? [])
          .map(({ data }) => data.join('.'))
          .sort()
          .join(' ');
      await until(`${name} has the zone`, async () => (await addresses(`web.${domain}`)) === '10.96.0.5', 20_000);
      assert.equal(await addresses(`s2999.${domain}`), '10.97.11.183');
      assert.equal(await addresses(`db-0.db.${domain}`), '10.244.1.6');
      assert.equal(await addresses('ns.dns.cluster.local'), '10.0.0.10 10.0.0.11');
      assert.equal((await askOnce(port, `_http._tcp.web.${domain}`, rrTypes.SRV))?.answers.length, 1);
      // two changes in one second: what was fetched between them is not the last
      for (const last of [21, 22]) {
        informers.endpointSlices.apply(sliceOf('db', [{ addresses: [`10.244.1.${last}`], hostname: 'db-0' }]));
        await until(`${name} has change ${last}`, async () => (await addresses(`db.${domain}`)) === `10.244.1.${last}`, 10_000);
      }
    } finally {
      await stop();
    }
  });
}

test('who is not listed gets no zone, neither over TCP nor over UDP', { skip: digSkip }, async () => {
  const at = ours.addresses[0] ?? assert.fail('not bound');
  assert.match(await dig(at, '-b', '127.0.0.2', 'AXFR', 'cluster.local'), /Transfer failed/);
  assert.match(await dig(at, '-b', '127.0.0.1', 'AXFR', 'in-addr.arpa'), /Transfer failed/);
  assert.match(await dig(at, 'AXFR', 'default.svc.cluster.local'), /Transfer failed/);
  assert.equal((await askOnce(at.port, 'cluster.local', queryTypes.IXFR))?.rcode, rcodes.REFUSED);
});

test(
  'IXFR gives one SOA record to who has the zone as it is, and the whole zone to who has another',
  { skip: digSkip },
  async () => {
    const at = ours.addresses[0] ?? assert.fail('not bound');
    const count = async (serial: number): Promise<number> =>
      (await dig(at, '+short', `IXFR=${serial}`, 'cluster.local')).trim().split('\n').length;
    assert.equal(await count(ours.index.serial), 1);
    assert.ok((await count(1)) > 3_000);
  },
);

test('a transferred zone has what it should and nothing else, in the order of names, with TTLs', { skip: digSkip }, async () => {
  const at = ours.addresses[0] ?? assert.fail('not bound');
  const lines = (await dig(at, '+nocomments', '+nostats', '+nocmd', 'AXFR', 'cluster.local')).trim().split('\n');
  const records = lines.map((line) => line.split(/\s+/));
  const rows = records.map(([owner, , , type, ...data]) => `${owner} ${type} ${data.join(' ')}`);
  assert.ok(
    records.every(([, ttl]) => ttl === '30'),
    'every record has the TTL of the zone',
  );
  assert.equal(rows[0], rows.at(-1));
  const of = (service: string): string[] =>
    rows.filter((row) => new RegExp(`(^|\\.)${service}\\.default\\.svc\\.cluster\\.local\\. `).test(row)).sort();
  assert.deepEqual(of('web'), [
    '_http._tcp.web.default.svc.cluster.local. SRV 0 50 80 web.default.svc.cluster.local.',
    'web.default.svc.cluster.local. A 10.96.0.5',
    'web.default.svc.cluster.local. AAAA fd00:10:96::5',
    'web.default.svc.cluster.local. SRV 0 50 80 web.default.svc.cluster.local.',
  ]);
  assert.deepEqual(of('unnamed'), [
    'unnamed.default.svc.cluster.local. A 10.96.0.6',
    'unnamed.default.svc.cluster.local. SRV 0 100 80 unnamed.default.svc.cluster.local.',
  ]);
  assert.deepEqual(of('shop'), ['shop.default.svc.cluster.local. CNAME www.example.com.']);
  assert.deepEqual(of('nobody'), []);
  assert.equal(rows.filter((row) => row.includes(' NS ')).length, 1, 'one name for two addresses');
  assert.ok(!rows.some((row) => /in-addr|\.pod\.|dns-version|10-244-1-5/.test(row)));
  const services = records.map(([owner = '']) => /([^.]+)\.default\.svc/.exec(owner)?.[1] ?? '').filter((name) => name !== '');
  const distinct = services.filter((name, index) => name !== services[index - 1]);
  assert.deepEqual(distinct, [...distinct].sort(), 'Services by name');
});

/** Runs it until the returned function is called. */
function startSecondary(name: PeerName, port: number): () => Promise<void> {
  const own = join(folder, name);
  mkdirSync(own);
  const config = join(own, 'conf');
  const primary = ours.addresses[0]?.port ?? 0;
  writeFileSync(config, name === 'knot' ? knotConfig(own, port, primary) : nsdConfig(own, port, primary));
  const [program, ...words] = name === 'knot' ? ['knotd', '-c', config] : ['nsd', '-d', '-c', config];
  const child = spawn(program ?? '', words, {
    stdio: 'ignore',
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
  });
  return async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
}

function knotConfig(own: string, port: number, primary: number): string {
  return `server:
  rundir: "${own}"
  pidfile: "${join(own, 'pid')}"
  listen: 127.0.0.1@${port}
database:
  storage: "${own}"
log:
  - target: stderr
    any: error
remote:
  - id: primary
    address: 127.0.0.1@${primary}
acl:
  - id: primary
    address: 127.0.0.1
    action: notify
zone:
  - domain: cluster.local
    storage: "${own}"
    master: primary
    acl: primary
    zonefile-sync: -1
`;
}

function nsdConfig(own: string, port: number, primary: number): string {
  return `server:
  ip-address: 127.0.0.1
  port: ${port}
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "${own}"
  pidfile: "${join(own, 'pid')}"
  xfrdfile: "${join(own, 'xfrd')}"
  xfrdir: "${own}"
  zonelistfile: "${join(own, 'zonelist')}"
remote-control:
  control-enable: no
zone:
  name: cluster.local
  zonefile: "${join(own, 'zone')}"
  request-xfr: AXFR 127.0.0.1@${primary} NOKEY
  allow-notify: 127.0.0.1 NOKEY
`;
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}
