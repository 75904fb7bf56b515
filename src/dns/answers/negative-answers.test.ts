/** Apexes, empty names, missing names and times to live: what is said where there is nothing to say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podOf, sampleIndex } from '../../names/sample-objects.ts';
import { ask, sampleResponder, textOf } from '../forwarding/asking.ts';
import { headerFlags } from '../wire/protocol.ts';

const soaOf = (zone: string, ttl = ''): string =>
  `auth: ${zone} ${ttl}SOA ns.dns.cluster.local hostmaster.cluster.local 1000 7200 1800 86400 5`;
const soa = soaOf('cluster.local');
const types = 'A AAAA SRV PTR CNAME HINFO MX TXT CAA HTTPS SVCB NS SOA DS DNSKEY NAPTR ANY TYPE65280'.split(' ');
const domain = 'default.svc.cluster.local';

/** Names that exist, and the types that they have data of. */
const existing: readonly (readonly [name: string, has: string, zone?: string])[] = [
  ['cluster.local', 'NS SOA'],
  ['svc.cluster.local', ''],
  ['pod.cluster.local', ''],
  ['dns.cluster.local', ''],
  ['ns.dns.cluster.local', 'A'],
  ['dns-version.cluster.local', 'TXT'],
  ['empty.svc.cluster.local', ''],
  ['empty.pod.cluster.local', ''],
  [domain, ''],
  [`web.${domain}`, 'A SRV'],
  [`_tcp.web.${domain}`, ''],
  [`_http._tcp.web.${domain}`, 'SRV'],
  [`db.${domain}`, 'A AAAA SRV'],
  [`db-0.db.${domain}`, 'A AAAA SRV'],
  [`_tcp.db.${domain}`, ''],
  ['10-0-0-1.default.pod.cluster.local', 'A'],
  ['2001-db8--1.default.pod.cluster.local', 'AAAA'],
  ['in-addr.arpa', 'NS SOA', 'in-addr.arpa'],
  ['ip6.arpa', 'NS SOA', 'ip6.arpa'],
  ['10.in-addr.arpa', '', 'in-addr.arpa'],
  ['0.96.10.in-addr.arpa', '', 'in-addr.arpa'],
  ['5.0.96.10.in-addr.arpa', 'PTR', 'in-addr.arpa'],
  ['d.f.ip6.arpa', '', 'ip6.arpa'],
];

for (const [name, has, zone = 'cluster.local'] of existing) {
  test(`${name} exists: ${has === '' ? 'every type' : `every type but ${has}`} is NODATA, with AA and the SOA of its zone`, () => {
    const responder = sampleResponder(sampleIndex({ podMode: 'insecure', ownAddresses: ['10.0.0.10'] }));
    for (const type of types) {
      const answer = ask(responder, name, type, { udpBytes: 4096 });
      assert.ok(typeof answer !== 'number' && (answer.flags & headerFlags.AA) !== 0, type);
      if (has.split(' ').includes(type)) assert.match(textOf(answer), /^NOERROR\n(?!auth)/, type);
      else assert.equal(textOf(answer), `NOERROR\n${soaOf(zone)}`, type);
    }
  });
}

const missing: readonly (readonly [name: string, zone?: string])[] = [
  ['bogus.cluster.local'],
  ['x.dns.cluster.local'],
  ['x.dns-version.cluster.local'],
  ['nowhere.svc.cluster.local'],
  ['web.nowhere.svc.cluster.local'],
  [`gone.${domain}`],
  [`x.web.${domain}`],
  [`x.y.web.${domain}`],
  [`a._http._tcp.web.${domain}`],
  [`_udp.db.${domain}`],
  [`nobody.${domain}`],
  [`_tcp.nobody.${domain}`],
  [`address.${domain}`],
  [`x.outside.${domain}`],
  ['default.pods.cluster.local'],
  ['10-0-0-1.nowhere.pod.cluster.local'],
  ['x.10-0-0-1.default.pod.cluster.local'],
  ['10-0-0.default.pod.cluster.local'],
  ['1-2-3-4-5-6-7-8-9.default.pod.cluster.local'],
  ['1--2--3.default.pod.cluster.local'],
  ['9.9.96.10.in-addr.arpa', 'in-addr.arpa'],
  ['05.0.96.10.in-addr.arpa', 'in-addr.arpa'],
  ['5.0.96.10.1.in-addr.arpa', 'in-addr.arpa'],
  ['x.5.0.96.10.in-addr.arpa', 'in-addr.arpa'],
  ['12.1.244.10.in-addr.arpa', 'in-addr.arpa'],
  ['0.6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa', 'ip6.arpa'],
];

for (const [name, zone = 'cluster.local'] of missing) {
  test(`${name} does not exist: NXDOMAIN for every type, with AA and the SOA of its zone`, () => {
    const responder = sampleResponder(sampleIndex({ podMode: 'insecure' }));
    for (const type of types) {
      const answer = ask(responder, name, type);
      assert.ok(typeof answer !== 'number' && (answer.flags & headerFlags.AA) !== 0, type);
      assert.equal(textOf(answer), `NXDOMAIN\n${soaOf(zone)}`, type);
    }
  });
}

test('an address label with a double dash is IPv6, however many dashes it has', () => {
  const responder = sampleResponder(sampleIndex({ podMode: 'insecure' }));
  const name = '10-0-0--1.default.pod.cluster.local';
  assert.equal(textOf(ask(responder, name, 'AAAA')), `NOERROR\n${name} AAAA 10::1`);
  assert.equal(textOf(ask(responder, name, 'A')), `NOERROR\n${soa}`);
});

test('a bare pod has no reverse name', () => {
  const index = sampleIndex({ podMode: 'verified' });
  index.applyPod(podOf('bare', '10.244.9.9'));
  assert.match(textOf(ask(sampleResponder(index), '9.9.244.10.in-addr.arpa', 'PTR')), /^NXDOMAIN/);
});

test('pods that are over are no pods', () => {
  const index = sampleIndex({ podMode: 'verified' });
  const responder = sampleResponder(index);
  const name = '10-244-9-9.default.pod.cluster.local';
  for (const phase of ['Succeeded', 'Failed', 'Unknown'] as const) {
    index.applyPod({ ...podOf('a', '10.244.9.9'), status: { phase: 'Running', podIP: '10.244.9.9' } });
    assert.match(textOf(ask(responder, name, 'A')), /^NOERROR/);
    index.applyPod({ ...podOf('a', '10.244.9.9'), status: { phase, podIP: '10.244.9.9' } });
    assert.match(textOf(ask(responder, name, 'A')), /^NXDOMAIN/, phase);
  }
});

test('a negative answer has the SOA of the longest zone that the name is in', () => {
  const responder = sampleResponder(sampleIndex(), { reverseZones: ['in-addr.arpa', '10.in-addr.arpa', 'ip6.arpa'] });
  assert.equal(textOf(ask(responder, '9.9.96.10.in-addr.arpa', 'PTR')), `NXDOMAIN\n${soaOf('10.in-addr.arpa')}`);
  assert.equal(textOf(ask(responder, '1.2.0.192.in-addr.arpa', 'PTR')), `NXDOMAIN\n${soaOf('in-addr.arpa')}`);
  assert.match(textOf(ask(responder, '10.in-addr.arpa', 'SOA')), /^NOERROR\n10\.in-addr\.arpa SOA/);
  const narrow = sampleResponder(sampleIndex(), { reverseZones: ['96.10.in-addr.arpa'] });
  assert.equal(textOf(ask(narrow, '1.2.0.192.in-addr.arpa', 'PTR')), 'REFUSED');
  assert.match(textOf(ask(narrow, '5.0.96.10.in-addr.arpa', 'PTR')), /PTR web/);
});

test('records live as long as the option ttl says, the SOA and with it denials 5 minutes at most, dns-version 8 hours', () => {
  const ttlOf = (ttlSeconds: number, name: string, type: string): string => {
    const answer = ask(sampleResponder(sampleIndex({ ttlSeconds })), name, type, { udpBytes: 4096 });
    assert.ok(typeof answer !== 'number');
    const { answers, authorities, additionals } = answer;
    return [...new Set([...answers, ...authorities, ...additionals].map((record) => record.ttlSeconds))].join(' ');
  };
  const reverse = '5.0.96.10.in-addr.arpa';
  for (const [name, type] of [
    [`web.${domain}`, 'A'],
    [`_pg._tcp.db.${domain}`, 'SRV'],
    [`outside.${domain}`, 'CNAME'],
    [`to.${domain}`, 'A'],
    ['cluster.local', 'NS'],
    [reverse, 'PTR'],
  ] as const)
    for (const ttl of [0, 7, 3600]) assert.equal(ttlOf(ttl, name, type), String(ttl), `${name} ${type}`);
  assert.equal(ttlOf(0, `gone.${domain}`, 'A'), '0');
  assert.equal(ttlOf(3600, `gone.${domain}`, 'A'), '300');
  assert.equal(ttlOf(3600, `web.${domain}`, 'AAAA'), '300');
  assert.match(
    textOf(ask(sampleResponder(sampleIndex({ ttlSeconds: 3600 })), 'cluster.local', 'SOA')),
    / 300 SOA .* 86400 3600$/,
  );
  assert.equal(ttlOf(0, 'dns-version.cluster.local', 'TXT'), '28800');
});
