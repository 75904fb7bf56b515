import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceSpec } from '../../api/index.ts';
import { ipFamilyOf } from '../../net/index.ts';
import type { Harness } from './service-harness.ts';
import { dualStack, harness, http, invalidWeb, refusal } from './service-harness.ts';

test('A1: a minimal Service gets one address of the primary family from the dynamic band', () => {
  const h = harness();
  const spec = h.create('web', { ports: [http] });
  assert.equal(spec.ipFamilyPolicy, 'SingleStack');
  assert.deepEqual(spec.ipFamilies, ['IPv4']);
  assert.deepEqual(spec.clusterIPs, [spec.clusterIP]);
  const [, , third = 0, fourth = 0] = (spec.clusterIP ?? '').split('.').map(Number);
  assert.ok(third * 256 + fourth > 256, `${spec.clusterIP} lies above the static band of 256`);
  assert.deepEqual(h.live.get('web')?.status, { loadBalancer: {} });
  assert.deepEqual(h.addresses.get(spec.clusterIP ?? ''), {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: {
      name: spec.clusterIP,
      labels: { 'ipaddress.kubernetes.io/ip-family': 'IPv4', 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' },
    },
    spec: { parentRef: { group: '', resource: 'services', namespace: 'demo', name: 'web' } },
  });
});

test('A13: a cluster IP is for life; ExternalName may become a ClusterIP with a chosen one', () => {
  const h = harness();
  const { clusterIP } = h.create('web', { clusterIP: '10.96.0.8', ports: [http] });
  assert.equal(clusterIP, '10.96.0.8');
  assert.equal(
    refusal(() => h.change('web', { clusterIP: '10.96.0.9' })),
    invalidWeb('spec.clusterIPs[0]: Invalid value: ["10.96.0.9"]: may not change once set'),
  );
  assert.equal(
    refusal(() => h.put('web', { clusterIP: '10.96.0.9', ports: [http] })),
    invalidWeb('spec.clusterIPs[0]: Invalid value: ["10.96.0.9"]: may not change once set'),
    'without the plural as well',
  );
  h.create('name', { type: 'ExternalName', externalName: 'a.example' });
  assert.deepEqual(h.change('name', { type: 'ClusterIP', clusterIP: '10.96.0.9', ports: [http] }).clusterIPs, ['10.96.0.9']);
  assert.deepEqual(h.held().addresses, ['10.96.0.8 demo/web', '10.96.0.9 demo/name']);
});

test('A27: single stack to dual and back: the first address stays, only the second comes and goes', () => {
  const h = harness({ cidrs: dualStack });
  const { clusterIP, clusterIPs: before } = h.create('web', { ports: [http] });
  assert.equal(before?.length, 1);
  const { clusterIPs: both = [], ipFamilies } = h.change('web', { ipFamilyPolicy: 'PreferDualStack' });
  assert.deepEqual(ipFamilies, ['IPv4', 'IPv6']);
  assert.equal(both[0], clusterIP);
  assert.equal(ipFamilyOf(both[1] ?? ''), 'IPv6');
  assert.equal(
    refusal(() => h.change('web', { clusterIPs: both.slice(0, 1), ipFamilies: ['IPv4'], ipFamilyPolicy: 'RequireDualStack' })),
    invalidWeb(
      '[spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be \'SingleStack\' to release the secondary cluster IP, spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be \'SingleStack\' to release the secondary IP family]',
    ),
  );
  const single = h.change('web', { ipFamilyPolicy: 'SingleStack' });
  assert.deepEqual([single.clusterIPs, single.ipFamilies], [[clusterIP], ['IPv4']]);
  assert.deepEqual(h.held().addresses, [`${clusterIP} demo/web`]);
  const chosen = h.change('web', { ipFamilyPolicy: 'RequireDualStack', clusterIPs: [clusterIP ?? '', 'fd00:10:96::99'] });
  assert.deepEqual(chosen.clusterIPs, [clusterIP, 'fd00:10:96::99']);
});

test('a PreferDualStack Service does not change by itself when the cluster becomes dual-stack', () => {
  const single = harness();
  single.create('web', { ports: [http], ipFamilyPolicy: 'PreferDualStack' });
  const stored = single.live.get('web') ?? {};
  const dual = harness({ cidrs: dualStack });
  dual.live.set('web', stored);
  dual.strategy.repair(dual.live.values());
  assert.equal(dual.change('web', { sessionAffinity: 'ClientIP' }).clusterIPs?.length, 1);
  assert.equal(dual.change('web', { ipFamilyPolicy: 'RequireDualStack' }).clusterIPs?.length, 2);
});

test('A28, M30, M31, M32: what a cluster cannot give is refused before anything is taken', () => {
  const single = harness();
  const dual = harness({ cidrs: dualStack });
  const table: readonly (readonly [Harness, ServiceSpec, string])[] = [
    [
      single,
      { ipFamilyPolicy: 'RequireDualStack' },
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    ],
    [single, { ipFamilies: ['IPv6'] }, 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
    [single, { clusterIP: 'fd00::9' }, 'spec.clusterIPs[0]: Invalid value: ["fd00::9"]: IPv6 is not configured on this cluster'],
    [
      dual,
      { ipFamilyPolicy: 'SingleStack', clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9', 'fd00:10:96::9'] },
      "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified",
    ],
    [
      dual,
      { ipFamilies: ['IPv6', 'IPv4'] },
      "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
    ],
  ];
  for (const [h, spec, text] of table) {
    assert.equal(
      refusal(() => h.create('web', { ports: [http], ...spec })),
      invalidWeb(text),
    );
    assert.deepEqual(h.held().addresses, []);
  }
  const spec = single.create('web', { ports: [http], ipFamilyPolicy: 'PreferDualStack' });
  assert.deepEqual([spec.ipFamilies, spec.clusterIPs?.length], [['IPv4'], 1]);
});

test('headless without selector may name both families on any cluster; with selector it is as any other', () => {
  const h = harness();
  const free = h.create('free', { clusterIP: 'None', ports: [http] });
  assert.deepEqual([free.ipFamilies, free.ipFamilyPolicy, free.clusterIPs], [['IPv4', 'IPv6'], 'RequireDualStack', ['None']]);
  const bound = h.create('bound', { clusterIP: 'None', selector: { app: 'web' }, ports: [http] });
  assert.deepEqual([bound.ipFamilies, bound.ipFamilyPolicy], [['IPv4'], 'SingleStack']);
});

test('A29, M23: the singular fills the plural; the plural alone is refused', () => {
  const h = harness();
  assert.deepEqual(h.create('a', { clusterIP: '10.96.0.9', ports: [http] }).clusterIPs, ['10.96.0.9']);
  assert.equal(
    refusal(() => h.create('web', { clusterIPs: ['10.96.0.8'], ports: [http] })),
    invalidWeb('spec.clusterIPs: Invalid value: ["10.96.0.8"]: must be empty when `clusterIP` is not specified'),
  );
});

test('A29: an update that clears the singular keeps the address, unless the plural is cleared with it on purpose', () => {
  const h = harness();
  const { clusterIP } = h.create('web', { ports: [http] });
  assert.equal(h.change('web', { clusterIP: '' }).clusterIP, clusterIP);
  assert.equal(h.change('web', { clusterIP: undefined, clusterIPs: undefined }).clusterIP, clusterIP);
});

test('M47: `None` and lists cannot stand in for the address', () => {
  const h = harness();
  h.create('web', { ports: [http] });
  assert.match(
    refusal(() => h.change('web', { clusterIP: 'None' })),
    /spec\.clusterIPs\[0\]: Invalid value: \["None"\]: may not change once set/,
  );
});

test('A30, M22: an address is given once, and again after the deletion', () => {
  const h = harness();
  const ask = (name: string): ServiceSpec => h.create(name, { clusterIP: '10.96.0.9', ports: [http] });
  ask('first');
  assert.equal(
    refusal(() => ask('web')),
    invalidWeb(
      'spec.clusterIPs: Invalid value: ["10.96.0.9"]: failed to allocate IP 10.96.0.9: provided IP is already allocated (by Service demo/first)',
    ),
  );
  h.remove('first');
  assert.equal(ask('web').clusterIP, '10.96.0.9');
});

test('M21: an address outside every range, or at the end of one, is refused', () => {
  const h = harness();
  const ask = (clusterIP: string): string => refusal(() => h.create('web', { clusterIP, ports: [http] }));
  assert.equal(
    ask('10.97.0.1'),
    invalidWeb(
      'spec.clusterIPs: Invalid value: ["10.97.0.1"]: failed to allocate IP 10.97.0.1: the provided network does not match the current range',
    ),
  );
  for (const end of ['10.96.0.0', '10.96.255.255'])
    assert.equal(
      ask(end),
      invalidWeb(
        `spec.clusterIPs: Invalid value: ["${end}"]: failed to allocate IP ${end}: the provided IP (${end}) is not in the valid range. The range of valid IPs is 10.96.0.0/16`,
      ),
    );
});

test('A34: another ServiceCIDR gives addresses, asked for or not, and no more when it goes', () => {
  const h = harness({ cidrs: ['10.96.0.0/30'] });
  const [first, second] = ['a', 'b'].map((name) => h.create(name, { ports: [http] }).clusterIP);
  assert.deepEqual(new Set([first, second]), new Set(['10.96.0.1', '10.96.0.2']));
  assert.equal(
    refusal(() => h.create('web', { ports: [http] })),
    '500 Internal error occurred: failed to allocate a serviceIP: range is full',
  );
  h.serviceCidrs.push({ metadata: { name: 'more' }, spec: { cidrs: ['10.97.0.0/28'] } });
  assert.equal(h.create('c', { clusterIP: '10.97.0.14', ports: [http] }).clusterIP, '10.97.0.14');
  assert.match(h.create('d', { ports: [http] }).clusterIP ?? '', /^10\.97\.0\./);
  h.serviceCidrs[1] = {
    metadata: { name: 'more', deletionTimestamp: '2026-01-01T00:00:00Z' },
    spec: { cidrs: ['10.97.0.0/28'] },
  };
  assert.match(
    refusal(() => h.create('web', { ports: [http] })),
    /range is full/,
  );
  h.serviceCidrs[1] = {
    metadata: { name: 'more' },
    spec: { cidrs: ['10.97.0.0/28'] },
    status: { conditions: [{ type: 'Ready', status: 'False', reason: '', message: '', lastTransitionTime: '' }] },
  };
  assert.match(
    refusal(() => h.create('web', { ports: [http] })),
    /range is full/,
  );
});
