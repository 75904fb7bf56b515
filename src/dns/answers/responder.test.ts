import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headlessOf, namespaceOf, sampleIndex, sliceOf } from '../../names/sample-objects.ts';
import { ask, sampleResponder, textOf } from '../forwarding/asking.ts';
import { headerFlags } from '../wire/protocol.ts';
import { nodata, nxdomain, soa, testRules } from './rule.case.test.ts';

testRules([
  {
    rule: 'dns-version says 1.1.0 for 8 hours',
    name: 'dns-version.cluster.local',
    type: 'TXT',
    want: 'NOERROR\ndns-version.cluster.local 28800 TXT "1.1.0"',
  },
  { rule: 'dns-version has no other type but exists', name: 'dns-version.cluster.local', type: 'A', want: nodata },
  {
    rule: 'a Service has its cluster IP',
    name: 'web.default.svc.cluster.local',
    type: 'A',
    want: 'NOERROR\nweb.default.svc.cluster.local A 10.96.0.5',
  },
  {
    rule: 'a Service without endpoints has its cluster IP all the same',
    name: 'dual.default.svc.cluster.local',
    type: 'AAAA',
    want: 'NOERROR\ndual.default.svc.cluster.local AAAA fd00:10:96::6',
  },
  {
    rule: 'AAAA of an IPv4-only Service is NODATA, never NXDOMAIN',
    name: 'web.default.svc.cluster.local',
    type: 'AAAA',
    want: nodata,
  },
  {
    rule: 'a headless Service has each ready endpoint and no other',
    name: 'db.default.svc.cluster.local',
    type: 'A',
    want: 'NOERROR\ndb.default.svc.cluster.local A 10.244.1.10\ndb.default.svc.cluster.local A 10.244.1.11',
  },
  {
    rule: 'a headless Service has endpoints of the other family from its other slice',
    name: 'db.default.svc.cluster.local',
    type: 'AAAA',
    want: 'NOERROR\ndb.default.svc.cluster.local AAAA fd00:10:244::10\ndb.default.svc.cluster.local AAAA 2001:db8::',
  },
  {
    rule: 'a headless Service needs no ports for its addresses',
    name: 'portless.default.svc.cluster.local',
    type: 'A',
    want: 'NOERROR\nportless.default.svc.cluster.local A 10.244.1.10',
  },
  { rule: 'a headless Service without ports has no SRV', name: 'portless.default.svc.cluster.local', type: 'SRV', want: nodata },
  {
    rule: 'an endpoint with a hostname has that name',
    name: 'db-0.db.default.svc.cluster.local',
    type: 'A',
    want: 'NOERROR\ndb-0.db.default.svc.cluster.local A 10.244.1.10',
  },
  {
    rule: 'one hostname on two addresses of two families has both',
    name: 'db-0.db.default.svc.cluster.local',
    type: 'AAAA',
    want: 'NOERROR\ndb-0.db.default.svc.cluster.local AAAA fd00:10:244::10',
  },
  {
    rule: 'an endpoint with a hostname has no dashed alias',
    name: '10-244-1-10.db.default.svc.cluster.local',
    type: 'A',
    want: nxdomain,
  },
  {
    rule: 'an endpoint without a hostname is named after its address',
    name: '10-244-1-11.db.default.svc.cluster.local',
    type: 'A',
    want: 'NOERROR\n10-244-1-11.db.default.svc.cluster.local A 10.244.1.11',
  },
  {
    rule: 'an address label never ends in a dash',
    name: '2001-db8--0.db.default.svc.cluster.local',
    type: 'AAAA',
    want: 'NOERROR\n2001-db8--0.db.default.svc.cluster.local AAAA 2001:db8::',
  },
  {
    rule: 'an endpoint that is not ready has no name',
    name: '10-244-1-12.db.default.svc.cluster.local',
    type: 'A',
    want: nxdomain,
  },
  {
    rule: 'endpoints of a cluster IP Service have names too',
    name: '10-244-1-5.web.default.svc.cluster.local',
    type: 'A',
    want: 'NOERROR\n10-244-1-5.web.default.svc.cluster.local A 10.244.1.5',
  },
  {
    rule: 'a named port of a cluster IP Service gives SRV with the Service port',
    name: '_http._tcp.web.default.svc.cluster.local',
    type: 'SRV',
    want: 'NOERROR\n_http._tcp.web.default.svc.cluster.local SRV 0 100 80 web.default.svc.cluster.local\nadd: web.default.svc.cluster.local A 10.96.0.5',
  },
  {
    rule: 'a dual-stack Service shows weight 50 and both addresses beside',
    name: '_http._tcp.dual.default.svc.cluster.local',
    type: 'SRV',
    want: 'NOERROR\n_http._tcp.dual.default.svc.cluster.local SRV 0 50 80 dual.default.svc.cluster.local\nadd: dual.default.svc.cluster.local A 10.96.0.6\nadd: dual.default.svc.cluster.local AAAA fd00:10:96::6',
  },
  {
    rule: 'a named port of a headless Service gives one SRV for each endpoint with the target port',
    name: '_pg._tcp.db.default.svc.cluster.local',
    type: 'SRV',
    want: [
      'NOERROR',
      '_pg._tcp.db.default.svc.cluster.local SRV 0 25 15432 db-0.db.default.svc.cluster.local',
      '_pg._tcp.db.default.svc.cluster.local SRV 0 25 15432 10-244-1-11.db.default.svc.cluster.local',
      '_pg._tcp.db.default.svc.cluster.local SRV 0 25 15432 2001-db8--0.db.default.svc.cluster.local',
      'add: db-0.db.default.svc.cluster.local A 10.244.1.10',
      'add: db-0.db.default.svc.cluster.local AAAA fd00:10:244::10',
      'add: 10-244-1-11.db.default.svc.cluster.local A 10.244.1.11',
      'add: 2001-db8--0.db.default.svc.cluster.local AAAA 2001:db8::',
    ].join('\n'),
  },
  {
    rule: 'SRV at the bare name gives all ports',
    name: 'web.default.svc.cluster.local',
    type: 'SRV',
    want: 'NOERROR\nweb.default.svc.cluster.local SRV 0 50 80 web.default.svc.cluster.local\nweb.default.svc.cluster.local SRV 0 50 53 web.default.svc.cluster.local\nadd: web.default.svc.cluster.local A 10.96.0.5',
  },
  {
    rule: 'SRV at the bare name gives ports without a name too',
    name: 'nameless.default.svc.cluster.local',
    type: 'SRV',
    want: 'NOERROR\nnameless.default.svc.cluster.local SRV 0 100 80 nameless.default.svc.cluster.local\nadd: nameless.default.svc.cluster.local A 10.96.0.7',
  },
  {
    rule: 'SRV at an endpoint gives its ports and itself',
    name: '10-244-1-5.web.default.svc.cluster.local',
    type: 'SRV',
    want: 'NOERROR\n10-244-1-5.web.default.svc.cluster.local SRV 0 100 8080 10-244-1-5.web.default.svc.cluster.local\nadd: 10-244-1-5.web.default.svc.cluster.local A 10.244.1.5',
  },
  {
    rule: 'a port without a name has no SRV owner',
    name: '_http._tcp.nameless.default.svc.cluster.local',
    type: 'SRV',
    want: nxdomain,
  },
  {
    rule: 'name and protocol of a port must both match',
    name: '_dns._tcp.web.default.svc.cluster.local',
    type: 'SRV',
    want: nxdomain,
  },
  {
    rule: 'a UDP port is below _udp',
    name: '_dns._udp.web.default.svc.cluster.local',
    type: 'SRV',
    want: 'NOERROR\n_dns._udp.web.default.svc.cluster.local SRV 0 100 53 web.default.svc.cluster.local\nadd: web.default.svc.cluster.local A 10.96.0.5',
  },
  { rule: 'underscores are not optional', name: 'http.tcp.web.default.svc.cluster.local', type: 'SRV', want: nxdomain },
  { rule: 'an empty port label matches nothing', name: '_._tcp.web.default.svc.cluster.local', type: 'SRV', want: nxdomain },
  {
    rule: 'A at an SRV owner is NODATA, not the Service address',
    name: '_http._tcp.web.default.svc.cluster.local',
    type: 'A',
    want: nodata,
  },
  {
    rule: 'the protocol label above SRV owners is an empty non-terminal',
    name: '_tcp.web.default.svc.cluster.local',
    type: 'SRV',
    want: nodata,
  },
  {
    rule: 'a protocol label without ports below does not exist',
    name: '_sctp.web.default.svc.cluster.local',
    type: 'SRV',
    want: nxdomain,
  },
  {
    rule: 'three labels before a Service never exist',
    name: 'a._http._tcp.web.default.svc.cluster.local',
    type: 'SRV',
    want: nxdomain,
  },
  {
    rule: 'a headless Service with no ready endpoint does not exist',
    name: 'nobody.default.svc.cluster.local',
    type: 'A',
    want: nxdomain,
  },
  { rule: 'nor do its ports', name: '_http._tcp.nobody.default.svc.cluster.local', type: 'SRV', want: nxdomain },
  { rule: 'slices without their Service give nothing', name: 'no-service.default.svc.cluster.local', type: 'A', want: nxdomain },
  {
    rule: 'a Service in a missing namespace does not exist',
    name: 'orphan.nowhere.svc.cluster.local',
    type: 'A',
    want: nxdomain,
  },
  { rule: 'there are no wildcards', name: '*.default.svc.cluster.local', type: 'A', want: nxdomain },
  { rule: 'nor the word any', name: 'any.default.svc.cluster.local', type: 'A', want: nxdomain },
  { rule: 'a Service that is not there does not exist', name: 'gone.default.svc.cluster.local', type: 'A', want: nxdomain },
]);

test('before the objects are here a missing name is SERVFAIL with SOA and AA, and a known one is answered', () => {
  const responder = sampleResponder(sampleIndex(), { isSynced: () => false });
  const missing = ask(responder, 'gone.default.svc.cluster.local', 'A');
  assert.equal(textOf(missing), `SERVFAIL\n${soa}`);
  assert.ok(typeof missing !== 'number' && (missing.flags & headerFlags.AA) !== 0);
  assert.equal(textOf(ask(responder, 'web.default.svc.cluster.local', 'AAAA')), nodata);
  assert.equal(textOf(ask(responder, 'svc.cluster.local', 'A')), nodata);
  assert.match(textOf(ask(responder, 'dns-version.cluster.local', 'TXT')), /1\.1\.0/);
});

test('with an upstream, names outside, unknown addresses and chains that lead out are left to it', () => {
  const responder = sampleResponder(sampleIndex(), { hasUpstream: true });
  assert.equal(ask(responder, 'www.example.com', 'A'), -1);
  assert.equal(ask(responder, '1.2.0.192.in-addr.arpa', 'PTR'), -1);
  assert.equal(ask(responder, '96.10.in-addr.arpa', 'PTR'), -1);
  assert.match(textOf(ask(responder, '5.0.96.10.in-addr.arpa', 'PTR')), /^NOERROR\n5/);
  assert.equal(ask(responder, 'outside.default.svc.cluster.local', 'A'), -2);
  assert.equal(responder.chaseTarget, '\x03www\x07example\x03com\0');
  assert.match(textOf(ask(responder, 'outside.default.svc.cluster.local', 'CNAME')), /CNAME www/);
  assert.equal(textOf(ask(responder, 'gone.default.svc.cluster.local', 'A')), nxdomain);
  const open = sampleResponder(sampleIndex(), { hasUpstream: true, fallthrough: ['cluster.local'] });
  assert.equal(ask(open, 'gone.default.svc.cluster.local', 'A'), -1);
  assert.match(textOf(ask(open, 'web.default.svc.cluster.local', 'AAAA')), /^NOERROR/, 'a name of ours is ours');
  assert.match(textOf(ask(open, '1.2.0.192.in-addr.arpa', 'PTR')), /^NXDOMAIN/);
});

test('a name appears when Service, slice and namespace are all there, in any order, and goes with any of them', () => {
  const index = sampleIndex();
  const responder = sampleResponder(index);
  const rcode = (): string => textOf(ask(responder, 'late.later.svc.cluster.local', 'A')).split('\n')[0] ?? '';
  const steps = [
    () => index.applyEndpointSlice(sliceOf('later/late', ['10.1.1.1'])),
    () => index.applyService(headlessOf('later/late')),
    () => index.applyNamespace(namespaceOf('later')),
  ];
  for (const step of steps) {
    assert.equal(rcode(), 'NXDOMAIN');
    step();
  }
  assert.equal(rcode(), 'NOERROR');
  index.removeEndpointSlice(sliceOf('later/late', []));
  assert.equal(rcode(), 'NXDOMAIN');
  index.applyEndpointSlice(sliceOf('later/late', ['10.1.1.1']));
  assert.equal(rcode(), 'NOERROR');
  index.removeNamespace(namespaceOf('later'));
  assert.equal(rcode(), 'NXDOMAIN');
  assert.equal(textOf(ask(responder, '1.1.1.10.in-addr.arpa', 'PTR')).split('\n')[0], 'NXDOMAIN');
});
