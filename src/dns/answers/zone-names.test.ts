import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headlessOf, sampleIndex, serviceOf, sliceOf } from '../../names/sample-objects.ts';
import { ask, sampleResponder, textOf } from '../forwarding/asking.ts';
import { nodata, nxdomain, soa, testRules } from './rule.case.test.ts';

testRules([
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
]);

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
