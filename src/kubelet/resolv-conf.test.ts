import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { PodSpec } from '../api/index.ts';
import { buildHosts, buildResolvConf, fqdnOf, hostnameOf, kernelHostnameOf } from './resolv-conf.ts';

const cluster = { nameservers: ['10.96.0.10'], domain: 'cluster.local', hostResolvConf: 'nameserver 9.9.9.9\noptions edns0\n' };

const cases: readonly { name: string; spec: Partial<PodSpec>; want: string }[] = [
  {
    name: 'the cluster first',
    spec: {},
    want: 'search ns.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n',
  },
  { name: 'Default takes the host file', spec: { dnsPolicy: 'Default' }, want: 'nameserver 9.9.9.9\noptions edns0\n' },
  { name: 'hostNetwork takes the host file', spec: { hostNetwork: true }, want: 'nameserver 9.9.9.9\noptions edns0\n' },
  {
    name: 'ClusterFirstWithHostNet stays with the cluster',
    spec: { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' },
    want: 'search ns.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n',
  },
  {
    name: 'None takes dnsConfig alone',
    spec: {
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['1.2.3.4'], searches: ['a.b'], options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }] },
    },
    want: 'search a.b\nnameserver 1.2.3.4\noptions ndots:2 edns0\n',
  },
  {
    name: 'dnsConfig is added and overrides options',
    spec: { dnsConfig: { searches: ['a.b'], options: [{ name: 'ndots', value: '1' }] } },
    want: 'search ns.svc.cluster.local svc.cluster.local cluster.local a.b\nnameserver 10.96.0.10\noptions ndots:1\n',
  },
];

for (const { name, spec, want } of cases) {
  test(`resolv.conf: ${name}`, () => {
    assert.equal(buildResolvConf({ containers: [], ...spec }, 'ns', cluster), want);
  });
}

test('hosts names the pod on each of its addresses, with its subdomain first', () => {
  const spec: PodSpec = { containers: [], hostname: 'busybox-1', subdomain: 'sub' };
  const hostname = hostnameOf({ name: 'p', spec, nodeName: 'n' });
  const fqdn = fqdnOf(hostname, spec, 'ns', 'cluster.local');
  const text = buildHosts({ addresses: ['10.0.0.5', 'fd00::5'], hostname, fqdn }, [{ ip: '1.1.1.1', hostnames: ['one', 'uno'] }]);
  assert.match(text, /^10\.0\.0\.5\tbusybox-1\.sub\.ns\.svc\.cluster\.local\tbusybox-1$/m);
  assert.match(text, /^fd00::5\tbusybox-1\.sub/m);
  assert.match(text, /^1\.1\.1\.1\tone\tuno$/m);
});

test('the kernel hears the whole name where the pod says so and it fits', () => {
  const spec: PodSpec = { containers: [], subdomain: 'sub', setHostnameAsFQDN: true };
  const fqdn = (hostname: string): string | undefined => fqdnOf(hostname, spec, 'ns', 'cluster.local');
  const longest = 'h'.repeat(64 - '.sub.ns.svc.cluster.local'.length);
  assert.equal(kernelHostnameOf('a', fqdn('a'), spec), 'a.sub.ns.svc.cluster.local');
  assert.equal(kernelHostnameOf(longest, fqdn(longest), spec), fqdn(longest));
  assert.equal(kernelHostnameOf(`${longest}h`, fqdn(`${longest}h`), spec), undefined);
  assert.equal(kernelHostnameOf('a', fqdn('a'), { ...spec, setHostnameAsFQDN: false }), 'a');
  assert.equal(kernelHostnameOf('a', undefined, { ...spec, subdomain: undefined }), 'a');
});
