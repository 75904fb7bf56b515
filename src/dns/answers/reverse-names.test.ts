import { testRules } from './rule.case.test.ts';

const reverseSoa = (zone: string): string =>
  `auth: ${zone} SOA ns.dns.cluster.local hostmaster.cluster.local 1000 7200 1800 86400 5`;

testRules([
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
]);
