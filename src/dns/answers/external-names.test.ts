import { nxdomain, soa, testRules } from './rule.case.test.ts';

testRules([
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
]);
