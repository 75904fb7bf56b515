import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EndpointSlice, Namespace, Service } from '../api/index.ts';
import { formatIp, isIpv4Mapped, mustParseIp } from '../net/index.ts';
import { mustEncodeName } from './wire-name.ts';
import { NameIndex } from './name-index.ts';
import type { NameTable } from './name-table.ts';
import { dashedLabel, parseDashedLabel } from './pod-label.ts';
import { recordTexts } from './rrset.ts';
import { headlessOf, namespaceOf, sampleIndex, serviceOf, sliceOf } from './sample-objects.ts';
import { formatName } from './wire-name.ts';

test('the serial moves with what a client can see and with nothing else', () => {
  let now = 1000;
  const index = sampleIndex({ nowSeconds: () => now });
  assert.equal(index.serial, 1000);
  const service = serviceOf('web', {
    clusterIPs: ['10.96.0.5'],
    ports: [
      { name: 'http', port: 80, protocol: 'TCP' },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ],
  });
  const unseen: readonly (() => void)[] = [
    () => index.applyService({ ...service, metadata: { ...service.metadata, labels: { a: 'b' } } }),
    () => index.applyService({ ...service, spec: { ...service.spec, sessionAffinity: 'ClientIP', type: 'NodePort' } }),
    () => index.applyEndpointSlice(sliceOf('nobody', [{ addresses: ['10.9.9.9'], conditions: { ready: false } }])),
    () => index.applyNamespace(namespaceOf('default')),
    () => index.removeService(serviceOf('never', {})),
  ];
  for (const [at, change] of unseen.entries()) {
    now++;
    change();
    assert.equal(index.serial, 1000, `change ${at}`);
  }
  const seen: readonly (() => void)[] = [
    () => index.applyService({ ...service, spec: { ...service.spec, clusterIPs: ['10.96.0.55'] } }),
    () => index.applyService({ ...service, spec: { ...service.spec, ports: [] } }),
    () => index.removeService(service),
    () => index.applyEndpointSlice(sliceOf('db', ['10.9.9.9'])),
    () => index.applyNamespace(namespaceOf('new')),
    () => index.removeNamespace(namespaceOf('new')),
  ];
  for (const [at, change] of seen.entries()) {
    now++;
    change();
    assert.equal(index.serial, now, `change ${at}`);
  }
  now = 5;
  index.applyNamespace(namespaceOf('later'));
  assert.ok(index.serial > 5, 'a clock that goes back does not take the serial with it');
});

test('an endpoint that is in two slices while it moves counts once', () => {
  const index = sampleIndex();
  index.applyService(headlessOf('moving', { ports: [{ name: 'x', port: 1 }] }));
  const ports = [{ name: 'x', port: 1, protocol: 'TCP' }];
  index.applyEndpointSlice(sliceOf('moving', ['10.1.1.1', '10.1.1.2'], ports, 'a'));
  index.applyEndpointSlice(sliceOf('moving', ['10.1.1.1'], ports, 'b'));
  const texts = textsOf(index.forward, index.zone);
  assert.deepEqual(texts.get('moving.default.svc'), [
    'A 10.1.1.1',
    'A 10.1.1.2',
    'SRV 0 50 1 10-1-1-1.moving.default.svc.cluster.local.',
    'SRV 0 50 1 10-1-1-2.moving.default.svc.cluster.local.',
  ]);
  assert.deepEqual(textsOf(index.reverse, index.zone).get('1.1.1.10.in-addr'), [
    'PTR 10-1-1-1.moving.default.svc.cluster.local.',
  ]);
});

test('the options of CoreDNS name endpoints after pods, hide empty Services and restrict namespaces', () => {
  const index = sampleIndex({ endpointPodNames: true, ignoreEmptyServices: true, namespaces: ['default'] });
  index.applyService(serviceOf('web', { clusterIPs: ['10.96.0.5'] }));
  index.applyEndpointSlice(sliceOf('web', [{ addresses: ['10.1.1.1'], targetRef: { kind: 'Pod', name: 'web-abc' } }]));
  index.applyService(serviceOf('kube-system/x', { clusterIPs: ['10.96.0.50'] }));
  const names = textsOf(index.forward, index.zone);
  assert.ok(names.has('web-abc.web.default.svc'));
  assert.ok(!names.has('dual.default.svc'), 'without endpoints it is ignored');
  assert.ok(!names.has('x.kube-system.svc'));
  assert.ok(!names.has('kube-system.svc'));
});

test('zonal names give the endpoints of a zone', () => {
  const index = sampleIndex({ zonalNames: true });
  index.applyService(headlessOf('z'));
  index.applyEndpointSlice(
    sliceOf('z', [
      { addresses: ['10.1.1.1'], zone: 'zone-a' },
      { addresses: ['10.1.1.2'], zone: 'zone-b' },
    ]),
  );
  const texts = textsOf(index.forward, index.zone);
  assert.deepEqual(texts.get('zone-a.pin._zone.z.default.svc'), ['A 10.1.1.1']);
  assert.deepEqual(texts.get('zone-a.prefer._zone.z.default.svc'), ['A 10.1.1.1']);
  const preferred = (name: string): number | undefined => {
    const bytes = Uint8Array.from(mustEncodeName(name), (character) => character.charCodeAt(0));
    return index.findPreferred(bytes, 0, bytes.length)?.rrsets[0]?.count;
  };
  assert.equal(preferred('zone-c.Prefer._zone.z.default.svc'), 2, 'a zone without endpoints gets all');
  for (const name of ['zone-c.pin._zone.z.default.svc', 'x.zone-c.prefer._zone.z.default.svc', 'prefer._zone.z.default.svc', ''])
    assert.equal(preferred(name), undefined, name);
});

test('an index that lived through any history equals one made of what is left', () => {
  const namespace = fc.constantFrom('one', 'two');
  const serviceName = fc.constantFrom('x', 'y', 'z');
  const address = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3');
  const hostname = fc.constantFrom(undefined, 'h-0', 'h-1');
  const endpoint = fc.record({ addresses: address.map((ip) => [ip]), hostname, conditions: fc.record({ ready: fc.boolean() }) });
  const spec = fc.oneof(
    fc.constant({ clusterIPs: ['None'] }),
    fc.record({
      clusterIPs: fc.constantFrom(['10.96.0.1'], ['10.96.0.2', 'fd00::2'], ['10.0.0.1']),
      ports: fc.constantFrom([], [{ name: 'http', port: 80 }]),
    }),
    fc.constantFrom('a.example', 'x.one.svc.cluster.local').map((externalName) => ({ type: 'ExternalName', externalName })),
  );
  type Event =
    | { readonly kind: 'namespace'; readonly isGone: boolean; readonly object: Namespace }
    | { readonly kind: 'service'; readonly isGone: boolean; readonly object: Service }
    | { readonly kind: 'slice'; readonly isGone: boolean; readonly object: EndpointSlice };
  const isGone = fc.boolean();
  const event: fc.Arbitrary<Event> = fc.oneof(
    fc.record({ kind: fc.constant('namespace' as const), isGone, object: namespace.map(namespaceOf) }),
    fc.record({
      kind: fc.constant('service' as const),
      isGone,
      object: fc.tuple(namespace, serviceName, spec).map(([ns, name, spec]) => serviceOf(`${ns}/${name}`, spec)),
    }),
    fc.record({
      kind: fc.constant('slice' as const),
      isGone,
      object: fc
        .tuple(namespace, serviceName, fc.array(endpoint, { maxLength: 3 }), fc.constantFrom('a', 'b'))
        .map(([ns, name, endpoints, suffix]) => sliceOf(`${ns}/${name}`, endpoints, [{ name: 'p', port: 8080 }], suffix)),
    }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const options = { zone: 'cluster.local', nowSeconds: () => 1, podMode: 'insecure', ownAddresses: ['10.0.0.1'] } as const;
      const lived = new NameIndex(options);
      const left = new Map<string, Event>();
      for (const event of events) {
        play(lived, event);
        const key = `${event.kind} ${event.object.metadata?.namespace ?? ''}/${event.object.metadata?.name ?? ''}`;
        left.delete(key);
        if (!event.isGone) left.set(key, event);
      }
      const fresh = new NameIndex(options);
      for (const event of [...left.values()].reverse()) play(fresh, event);
      assert.deepEqual(textsOf(lived.forward, 'z'), textsOf(fresh.forward, 'z'));
      assert.deepEqual(sorted(textsOf(lived.reverse, 'z')), sorted(textsOf(fresh.reverse, 'z')));
      assert.deepEqual(lived.nameServers, fresh.nameServers);
      assert.equal(lived.forward.size, fresh.forward.size);
      assert.equal(lived.reverse.size, fresh.reverse.size);
    }),
    { numRuns: 300 },
  );

  function play(index: NameIndex, event: Event): void {
    if (event.kind === 'namespace') {
      if (event.isGone) index.removeNamespace(event.object);
      else index.applyNamespace(event.object);
    } else if (event.kind === 'service') {
      if (event.isGone) index.removeService(event.object);
      else index.applyService(event.object);
    } else if (event.isGone) index.removeEndpointSlice(event.object);
    else index.applyEndpointSlice(event.object);
  }
});

test('the dashed label of any address reads back as that address', () => {
  const out = new Uint8Array(16);
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (written) => {
      const ip = mustParseIp(written);
      fc.pre(!isIpv4Mapped(ip));
      const bytes = new TextEncoder().encode(dashedLabel(formatIp(ip)));
      const length = parseDashedLabel(bytes, 0, bytes.length, out);
      assert.deepEqual(out.slice(0, length), ip.bytes);
    }),
  );
});

/** Every name that was put, with its records as `TYPE data`. */
function textsOf(table: NameTable, zone: string): Map<string, string[]> {
  const names: Record<number, string> = { 1: 'A', 5: 'CNAME', 12: 'PTR', 16: 'TXT', 28: 'AAAA', 33: 'SRV' };
  const entries = [...table.entries()].map(({ key, rrsets }): [string, string[]] => [
    formatName(key),
    rrsets.flatMap((rrset) => recordTexts(rrset, zone).map((text) => `${names[rrset.type] ?? rrset.type} ${text}`)),
  ]);
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function sorted(map: Map<string, string[]>): Map<string, string[]> {
  return new Map([...map].map(([key, texts]) => [key, texts.toSorted()]));
}

test('a Service of 40,000 endpoints has its names in a moment once its namespace is there', () => {
  const index = new NameIndex({ zone: 'cluster.local', nowSeconds: () => 0 });
  index.applyService(headlessOf('big', { ports: [{ name: 'http', port: 80 }] }));
  const start = process.cpuUsage();
  for (let slice = 0; slice < 400; slice++) {
    const addresses = Array.from({ length: 100 }, (_, at) => `10.${slice >> 8}.${slice & 255}.${at}`);
    const object = sliceOf('big', addresses, [{ name: 'http', port: 80 }]);
    index.applyEndpointSlice({ ...object, metadata: { ...object.metadata, name: `big-${slice}` } });
  }
  index.applyNamespace(namespaceOf('default'));
  const { user, system } = process.cpuUsage(start);
  assert.equal(index.forward.size > 40_000, true);
  // one to two seconds; with each of them looked for among all others sixteen, with all names made for each slice two minutes
  assert.ok(user + system < 8_000_000, `${(user + system) / 1000} ms of processor time`);
});
