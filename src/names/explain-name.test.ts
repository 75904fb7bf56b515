import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainName } from './explain-name.ts';
import { headlessOf, podOf, sampleIndex, serviceOf, sliceOf } from './sample-objects.ts';

const table = [
  ['gone.default.svc.cluster.local', 'A', 'NXDOMAIN no-such-service'],
  ['web.nowhere.svc.cluster.local', 'A', 'NXDOMAIN no-such-namespace'],
  ['no-service.default.svc.cluster.local', 'A', 'NXDOMAIN slices-without-service'],
  ['nobody.default.svc.cluster.local', 'A', 'NXDOMAIN no-ready-endpoints'],
  ['_http._tcp.nobody.default.svc.cluster.local', 'SRV', 'NXDOMAIN no-ready-endpoints'],
  ['web.default.svc.cluster.local', 'AAAA', 'NOERROR wrong-family'],
  ['web.default.svc.cluster.local', 'MX', 'NOERROR no-data-of-type'],
  ['default.svc.cluster.local', 'A', 'NOERROR name-has-no-data'],
  ['10-244-1-12.db.default.svc.cluster.local', 'A', 'NXDOMAIN endpoint-not-ready'],
  ['10-244-1-10.db.default.svc.cluster.local', 'A', 'NXDOMAIN endpoint-has-other-name'],
  ['nobody-there.db.default.svc.cluster.local', 'A', 'NXDOMAIN no-such-endpoint'],
  ['_dns._tcp.web.default.svc.cluster.local', 'SRV', 'NXDOMAIN wrong-protocol'],
  ['_x._tcp.nameless.default.svc.cluster.local', 'SRV', 'NXDOMAIN port-has-no-name'],
  ['_x._tcp.web.default.svc.cluster.local', 'SRV', 'NXDOMAIN no-such-port'],
  ['http.tcp.web.default.svc.cluster.local', 'SRV', 'NXDOMAIN no-such-port'],
  ['a.b.c.web.default.svc.cluster.local', 'A', 'NXDOMAIN too-many-labels'],
  ['x.outside.default.svc.cluster.local', 'A', 'NXDOMAIN below-external-name'],
  ['address.default.svc.cluster.local', 'A', 'NXDOMAIN invalid-external-name'],
  ['outside.default.svc.cluster.local', 'A', 'NOERROR alias-leaves-zone'],
  ['loop-a.default.svc.cluster.local', 'A', 'NOERROR alias-loop'],
  ['dangling.default.svc.cluster.local', 'A', 'NXDOMAIN no-such-service'],
  ['*.default.svc.cluster.local', 'A', 'NXDOMAIN wildcard'],
  ['web.default.cluster.local', 'A', 'NXDOMAIN unknown-branch'],
  ['10-0-0-1.default.pod.cluster.local', 'A', 'NXDOMAIN pod-names-disabled'],
  ['1.2.3.10.in-addr.arpa', 'PTR', 'NXDOMAIN no-such-address'],
  ['www.example.com', 'A', 'REFUSED outside-zone'],
  ['a..b', 'A', 'REFUSED malformed-name'],
] as const;

for (const [name, type, want] of table) {
  test(`${name} ${type} is explained as ${want}`, () => {
    const { rcode, reason } = explainName(sampleIndex(), name, type);
    assert.equal(`${rcode} ${reason?.code ?? ''}`, want, reason?.message);
  });
}

test('a pod that the user takes for a name is told what would make it one', () => {
  const index = sampleIndex();
  index.applyService(headlessOf('default-subdomain'));
  index.applyEndpointSlice(
    sliceOf('default-subdomain', [
      { addresses: ['10.244.1.3'], hostname: 'busybox-1', targetRef: { kind: 'Pod', name: 'busybox1' } },
    ]),
  );
  const { reason } = explainName(index, 'busybox1.default-subdomain.default.svc.cluster.local', 'A');
  assert.match(reason?.message ?? '', /known here as busybox-1\.default-subdomain/);
  assert.match(reason?.message ?? '', /spec\.subdomain is default-subdomain/);
});

test('each record names the object that gave it', () => {
  const index = sampleIndex({ podMode: 'verified' });
  index.applyPod(podOf('a', '10.244.1.65'));
  const sources = (name: string, type: string): string[] =>
    explainName(index, name, type).answers.map(({ type, data, source }) => {
      const from =
        source.kind === 'zone' ? '' : source.kind === 'Pod' ? source.pods.join() : `${source.namespace}/${source.name}`;
      return `${type} ${data} ${source.kind} ${from}`.trim();
    });
  assert.deepEqual(sources('web.default.svc.cluster.local', 'A'), ['A 10.96.0.5 Service default/web']);
  assert.deepEqual(sources('db.default.svc.cluster.local', 'AAAA'), [
    'AAAA fd00:10:244::10 EndpointSlice default/db-b',
    'AAAA 2001:db8:: EndpointSlice default/db-b',
  ]);
  assert.deepEqual(sources('inside.default.svc.cluster.local', 'A'), [
    'CNAME web.default.svc.cluster.local. Service default/inside',
    'A 10.96.0.5 Service default/web',
  ]);
  assert.deepEqual(sources('10-244-1-65.default.pod.cluster.local', 'A'), ['A 10.244.1.65 Pod default/a']);
  assert.deepEqual(sources('10.1.244.10.in-addr.arpa', 'PTR'), [
    'PTR db-0.db.default.svc.cluster.local. EndpointSlice default/db-a',
    'PTR 10-244-1-10.portless.default.svc.cluster.local. EndpointSlice default/portless-a',
  ]);
  assert.deepEqual(sources('cluster.local', 'NS'), ['NS ns.dns.cluster.local. zone']);
});

test('endpoints that are not ready are listed as withheld', () => {
  const { answers, withheld } = explainName(sampleIndex(), 'db.default.svc.cluster.local', 'A');
  assert.equal(answers.length, 2);
  assert.deepEqual(
    withheld.map(({ address }) => address),
    ['10.244.1.12'],
  );
});

test('a Service of the same name in another namespace is hinted at', () => {
  const index = sampleIndex();
  index.applyService(serviceOf('kube-system/metrics', { clusterIPs: ['10.96.0.99'] }));
  assert.match(explainName(index, 'metrics.default.svc.cluster.local', 'A').reason?.message ?? '', /there is one in kube-system/);
});
