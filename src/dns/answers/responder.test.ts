import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headlessOf, namespaceOf, podOf, sampleIndex, serviceOf, sliceOf } from '../../names/sample-objects.ts';
import { ask, sampleResponder, textOf } from '../forwarding/asking.ts';
import { headerFlags } from '../wire/protocol.ts';

const soa = 'auth: cluster.local SOA ns.dns.cluster.local hostmaster.cluster.local 1000 7200 1800 86400 5';
const nodata = `NOERROR\n${soa}`;
const nxdomain = `NXDOMAIN\n${soa}`;
const reverseSoa = (zone: string): string =>
  `auth: ${zone} SOA ns.dns.cluster.local hostmaster.cluster.local 1000 7200 1800 86400 5`;

interface Case {
  readonly rule: string;
  readonly name: string;
  readonly type: string;
  readonly want: string;
}

const forward: readonly Case[] = [
  // Section 2: forward names
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
  // ExternalName
  {
    rule: 'ExternalName outside gives its CNAME',
    name: 'outside.default.svc.cluster.local',
    type: 'CNAME',
    want: 'NOERROR\noutside.default.svc.cluster.local CNAME www.example.com',
  },
  {
    rule: 'ExternalName outside, without an upstream, gives the bare CNAME to an address question',
    name: 'outside.default.svc.cluster.local',
    type: 'A',
    want: 'NOERROR\noutside.default.svc.cluster.local CNAME www.example.com',
  },
  {
    rule: 'a final dot in externalName is legal',
    name: 'dotted.default.svc.cluster.local',
    type: 'CNAME',
    want: 'NOERROR\ndotted.default.svc.cluster.local CNAME www.example.com',
  },
  {
    rule: 'a CNAME question is never chased',
    name: 'inside.default.svc.cluster.local',
    type: 'CNAME',
    want: 'NOERROR\ninside.default.svc.cluster.local CNAME web.default.svc.cluster.local',
  },
  {
    rule: 'ExternalName inside is resolved here, CNAME first',
    name: 'inside.default.svc.cluster.local',
    type: 'A',
    want: 'NOERROR\ninside.default.svc.cluster.local CNAME web.default.svc.cluster.local\nweb.default.svc.cluster.local A 10.96.0.5',
  },
  {
    rule: 'ExternalName to ExternalName is followed',
    name: 'to.default.svc.cluster.local',
    type: 'A',
    want: 'NOERROR\nto.default.svc.cluster.local CNAME inside.default.svc.cluster.local\ninside.default.svc.cluster.local CNAME web.default.svc.cluster.local\nweb.default.svc.cluster.local A 10.96.0.5',
  },
  {
    rule: 'ExternalName to a headless Service gives its endpoints',
    name: 'to-db.default.svc.cluster.local',
    type: 'A',
    want: 'NOERROR\nto-db.default.svc.cluster.local CNAME db.default.svc.cluster.local\ndb.default.svc.cluster.local A 10.244.1.10\ndb.default.svc.cluster.local A 10.244.1.11',
  },
  {
    rule: 'a dangling target inside gives CNAME and NXDOMAIN with SOA',
    name: 'dangling.default.svc.cluster.local',
    type: 'A',
    want: `NXDOMAIN\ndangling.default.svc.cluster.local CNAME gone.default.svc.cluster.local\n${soa}`,
  },
  {
    rule: 'a target without the asked family gives CNAME and NODATA with SOA',
    name: 'inside.default.svc.cluster.local',
    type: 'AAAA',
    want: `NOERROR\ninside.default.svc.cluster.local CNAME web.default.svc.cluster.local\n${soa}`,
  },
  {
    rule: 'types other than addresses get the CNAME too',
    name: 'inside.default.svc.cluster.local',
    type: 'TXT',
    want: `NOERROR\ninside.default.svc.cluster.local CNAME web.default.svc.cluster.local\n${soa}`,
  },
  {
    rule: 'a loop ends with the aliases seen',
    name: 'loop-a.default.svc.cluster.local',
    type: 'A',
    want: 'NOERROR\nloop-a.default.svc.cluster.local CNAME loop-b.default.svc.cluster.local\nloop-b.default.svc.cluster.local CNAME loop-a.default.svc.cluster.local',
  },
  {
    rule: 'an alias to itself ends at once',
    name: 'self.default.svc.cluster.local',
    type: 'A',
    want: 'NOERROR\nself.default.svc.cluster.local CNAME self.default.svc.cluster.local',
  },
  {
    rule: 'nothing exists below an ExternalName Service',
    name: 'x.outside.default.svc.cluster.local',
    type: 'A',
    want: nxdomain,
  },
  { rule: 'nor has it ports', name: '_http._tcp.outside.default.svc.cluster.local', type: 'SRV', want: nxdomain },
  {
    rule: 'an externalName that is an address gives nothing',
    name: 'address.default.svc.cluster.local',
    type: 'A',
    want: nxdomain,
  },
  // Section 4: apex, NODATA, NXDOMAIN
  {
    rule: 'SOA at the apex',
    name: 'cluster.local',
    type: 'SOA',
    want: 'NOERROR\ncluster.local SOA ns.dns.cluster.local hostmaster.cluster.local 1000 7200 1800 86400 5',
  },
  { rule: 'SOA below the apex is NODATA', name: 'web.default.svc.cluster.local', type: 'SOA', want: nodata },
  {
    rule: 'NS at the apex is ns.dns while no Service leads here',
    name: 'cluster.local',
    type: 'NS',
    want: 'NOERROR\ncluster.local NS ns.dns.cluster.local',
  },
  { rule: 'A at the apex is NODATA', name: 'cluster.local', type: 'A', want: nodata },
  { rule: 'TXT at the apex is NODATA', name: 'cluster.local', type: 'TXT', want: nodata },
  { rule: 'svc exists', name: 'svc.cluster.local', type: 'TXT', want: nodata },
  { rule: 'pod exists', name: 'pod.cluster.local', type: 'A', want: nodata },
  { rule: 'dns is an empty non-terminal', name: 'dns.cluster.local', type: 'A', want: nodata },
  { rule: 'ns.dns exists', name: 'ns.dns.cluster.local', type: 'TXT', want: nodata },
  { rule: 'a namespace exists below svc', name: 'empty.svc.cluster.local', type: 'A', want: nodata },
  { rule: 'TXT at a namespace is NODATA', name: 'empty.svc.cluster.local', type: 'TXT', want: nodata },
  { rule: 'a namespace that is not there does not exist', name: 'nowhere.svc.cluster.local', type: 'A', want: nxdomain },
  { rule: 'an existing name has no HINFO', name: 'web.default.svc.cluster.local', type: 'HINFO', want: nodata },
  { rule: 'ANY is not expanded', name: 'web.default.svc.cluster.local', type: 'ANY', want: nodata },
  { rule: 'another label next to the zone does not exist', name: 'bogus.cluster.local', type: 'A', want: nxdomain },
  { rule: 'a name outside every zone is REFUSED without an upstream', name: 'www.example.com', type: 'A', want: 'REFUSED' },
  { rule: 'a name that merely ends in the same letters is outside', name: 'xcluster.local', type: 'A', want: 'REFUSED' },
  { rule: 'AXFR over UDP is REFUSED', name: 'cluster.local', type: 'AXFR', want: 'REFUSED' },
  {
    rule: "names are compared without regard to case and owners keep the query's",
    name: 'WeB.Default.SVC.Cluster.LOCAL',
    type: 'A',
    want: 'NOERROR\nWeB.Default.SVC.Cluster.LOCAL A 10.96.0.5',
  },
  {
    rule: "names made here carry the zone in the query's case",
    name: '_http._tcp.WEB.default.svc.CLUSTER.local',
    type: 'SRV',
    want: 'NOERROR\n_http._tcp.WEB.default.svc.CLUSTER.local SRV 0 100 80 web.default.svc.CLUSTER.local\nadd: web.default.svc.CLUSTER.local A 10.96.0.5',
  },
  {
    rule: "SOA carries the zone in the query's case",
    name: 'x.CLUSTER.Local',
    type: 'A',
    want: `NXDOMAIN\n${soa.replaceAll('cluster.local', 'CLUSTER.Local')}`,
  },
  // Section 3: reverse
  {
    rule: 'a cluster IP points to its Service',
    name: '5.0.96.10.in-addr.arpa',
    type: 'PTR',
    want: 'NOERROR\n5.0.96.10.in-addr.arpa PTR web.default.svc.cluster.local',
  },
  {
    rule: 'a cluster IP of the other family too',
    name: '6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa',
    type: 'PTR',
    want: 'NOERROR\n6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.1.0.0.0.0.d.f.ip6.arpa PTR dual.default.svc.cluster.local',
  },
  {
    rule: 'an endpoint points to one name for each Service, those with a hostname first',
    name: '10.1.244.10.in-addr.arpa',
    type: 'PTR',
    want: 'NOERROR\n10.1.244.10.in-addr.arpa PTR db-0.db.default.svc.cluster.local\n10.1.244.10.in-addr.arpa PTR 10-244-1-10.portless.default.svc.cluster.local',
  },
  {
    rule: 'an endpoint that is not ready has no PTR',
    name: '12.1.244.10.in-addr.arpa',
    type: 'PTR',
    want: `NXDOMAIN\n${reverseSoa('in-addr.arpa')}`,
  },
  {
    rule: 'another type at a name with PTR is NODATA',
    name: '5.0.96.10.in-addr.arpa',
    type: 'A',
    want: `NOERROR\n${reverseSoa('in-addr.arpa')}`,
  },
  {
    rule: 'partial reverse names are empty non-terminals',
    name: '96.10.in-addr.arpa',
    type: 'PTR',
    want: `NOERROR\n${reverseSoa('in-addr.arpa')}`,
  },
  {
    rule: 'malformed reverse names do not exist',
    name: 'x.0.96.10.in-addr.arpa',
    type: 'PTR',
    want: `NXDOMAIN\n${reverseSoa('in-addr.arpa')}`,
  },
  {
    rule: 'NS at a reverse apex is answered',
    name: 'in-addr.arpa',
    type: 'NS',
    want: 'NOERROR\nin-addr.arpa NS ns.dns.cluster.local',
  },
  // Section 5: pods, mode disabled
  { rule: 'pod names do not exist when disabled', name: '10-0-0-1.default.pod.cluster.local', type: 'A', want: nxdomain },
  { rule: 'nor does a namespace below pod', name: 'default.pod.cluster.local', type: 'A', want: nxdomain },
];

for (const { rule, name, type, want } of forward) {
  test(`${rule} (${name} ${type})`, () => {
    assert.equal(textOf(ask(sampleResponder(sampleIndex()), name, type, { udpBytes: 4096 })), want);
  });
}

const insecure: readonly Case[] = [
  {
    rule: 'any address has a name when insecure',
    name: '10-0-0-1.default.pod.cluster.local',
    type: 'A',
    want: 'NOERROR\n10-0-0-1.default.pod.cluster.local A 10.0.0.1',
  },
  { rule: 'the other family is NODATA', name: '10-0-0-1.default.pod.cluster.local', type: 'AAAA', want: nodata },
  {
    rule: 'dashes that are no IPv4 address are read as IPv6',
    name: '2001-db8--1.default.pod.cluster.local',
    type: 'AAAA',
    want: 'NOERROR\n2001-db8--1.default.pod.cluster.local AAAA 2001:db8::1',
  },
  {
    rule: 'a full IPv6 address is read too',
    name: '1-2-3-4-5-6-7-8.default.pod.cluster.local',
    type: 'AAAA',
    want: 'NOERROR\n1-2-3-4-5-6-7-8.default.pod.cluster.local AAAA 1:2:3:4:5:6:7:8',
  },
  { rule: 'a label that is no address does not exist', name: '10-0-0-256.default.pod.cluster.local', type: 'A', want: nxdomain },
  { rule: 'leading zeros are no address', name: '10-0-0-01.default.pod.cluster.local', type: 'A', want: nxdomain },
  { rule: 'the namespace must exist', name: '10-0-0-1.nowhere.pod.cluster.local', type: 'A', want: nxdomain },
  { rule: 'a namespace exists below pod', name: 'default.pod.cluster.local', type: 'A', want: nodata },
  { rule: 'labels before the address do not count', name: 'x.y.10-0-0-1.default.pod.cluster.local', type: 'A', want: nxdomain },
];

for (const { rule, name, type, want } of insecure) {
  test(`pods insecure: ${rule} (${name} ${type})`, () => {
    assert.equal(textOf(ask(sampleResponder(sampleIndex({ podMode: 'insecure' })), name, type)), want);
  });
}

test('pods verified: both families of a live pod of the namespace, compared by value, until it terminates', () => {
  const index = sampleIndex({ podMode: 'verified' });
  const responder = sampleResponder(index);
  const first = (name: string, type: string): string => textOf(ask(responder, name, type)).split('\n')[0] ?? '';
  const v4 = '10-244-1-65.default.pod.cluster.local';
  const v6 = 'fd00-10-0-0--41.default.pod.cluster.local';
  assert.equal(first(v4, 'A'), 'NXDOMAIN');
  index.applyPod(podOf('a', '10.244.1.65', 'fd00:10::41'));
  index.applyPod(podOf('b', '10.244.1.65'));
  assert.equal(textOf(ask(responder, v4, 'A')), `NOERROR\n${v4} A 10.244.1.65`);
  assert.equal(textOf(ask(responder, v6, 'AAAA')), `NOERROR\n${v6} AAAA fd00:10::41`);
  assert.equal(first(v4.replace('default', 'empty'), 'A'), 'NXDOMAIN');
  assert.equal(first('10-244-1-97.default.pod.cluster.local', 'A'), 'NXDOMAIN', 'bytes are compared exactly, not as letters');
  const pod = podOf('a', '10.244.1.65', 'fd00:10::41');
  index.applyPod({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } });
  assert.equal(first(v6, 'AAAA'), 'NXDOMAIN');
  assert.equal(first(v4, 'A'), 'NOERROR', 'the other pod still has the address');
  index.removePod(podOf('b'));
  assert.equal(first(v4, 'A'), 'NXDOMAIN');
});

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

test('NS at the apex names the Services that lead to this server, with their addresses beside', () => {
  const index = sampleIndex({ ownAddresses: ['10.0.0.10'] });
  const responder = sampleResponder(index);
  assert.equal(
    textOf(ask(responder, 'cluster.local', 'NS')),
    'NOERROR\ncluster.local NS ns.dns.cluster.local\nadd: ns.dns.cluster.local A 10.0.0.10',
  );
  assert.match(textOf(ask(responder, 'ns.dns.cluster.local', 'A')), /A 10\.0\.0\.10$/);
  index.applyService(serviceOf('kube-system/kube-dns', { clusterIPs: ['10.96.0.10'], ports: [{ name: 'dns', port: 53 }] }));
  index.applyEndpointSlice(sliceOf('kube-system/kube-dns', ['10.0.0.10']));
  assert.equal(
    textOf(ask(responder, 'cluster.local', 'NS')),
    'NOERROR\ncluster.local NS kube-dns.kube-system.svc.cluster.local\nadd: kube-dns.kube-system.svc.cluster.local A 10.96.0.10',
  );
  assert.match(textOf(ask(responder, 'ns.dns.cluster.local', 'A')), /A 10\.96\.0\.10$/);
  assert.equal(textOf(ask(responder, '96.10.in-addr.arpa', 'NS')).split('\n')[0], 'NOERROR');
  index.applyService(headlessOf('kube-system/kube-dns'));
  assert.match(textOf(ask(responder, 'cluster.local', 'NS')), /NS 10-0-0-10\.kube-dns\.kube-system/);
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
