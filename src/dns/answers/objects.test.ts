/** What objects of each kind give: the data model and the forward names that the one sample cluster does not show. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Service } from '../../api/index.ts';
import type { NameIndexOptions } from '../../names/index.ts';
import { NameIndex } from '../../names/index.ts';
import { headlessOf, namespaceOf, serviceOf, sliceOf } from '../../names/sample-objects.ts';
import { ask, sampleResponder, textOf } from '../forwarding/asking.ts';

const domain = 'default.svc.cluster.local';
const soa = 'auth: cluster.local SOA ns.dns.cluster.local hostmaster.cluster.local 1000 7200 1800 86400 5';
const nodata = `NOERROR\n${soa}`;
const nxdomain = `NXDOMAIN\n${soa}`;
const http = { name: 'http', port: 80, protocol: 'TCP' };
const pg = [{ name: 'pg', port: 5432, protocol: 'TCP' }];
const pod = (name: string) => ({ kind: 'Pod', name, namespace: 'default' });

interface Case {
  readonly rule: string;
  readonly services: readonly Service[];
  readonly slices?: readonly EndpointSlice[];
  readonly options?: Partial<NameIndexOptions>;
  /** Questions and answers: `name type` below the domain unless it ends in a dot. */
  readonly asked: Readonly<Record<string, string>>;
}

const db = headlessOf('db', { ports: [{ name: 'pg', port: 5432 }] });
const A = (name: string, ...addresses: readonly string[]): string =>
  ['NOERROR', ...addresses.map((address) => `${name}.${domain} A ${address}`)].join('\n');

const cases: readonly Case[] = [
  // which endpoints count
  {
    rule: 'an endpoint without a word on readiness is ready',
    services: [db],
    slices: [sliceOf('db', [{ addresses: ['10.1.0.1'], conditions: {} }, { addresses: ['10.1.0.2'] }])],
    asked: { 'db A': A('db', '10.1.0.1', '10.1.0.2') },
  },
  {
    rule: 'ready alone decides: not serving, not terminating',
    services: [db],
    slices: [
      sliceOf('db', [
        { addresses: ['10.1.0.1'], conditions: { ready: true, serving: false, terminating: true } },
        { addresses: ['10.1.0.2'], conditions: { ready: false, serving: true, terminating: true } },
      ]),
    ],
    asked: { 'db A': A('db', '10.1.0.1') },
  },
  {
    rule: 'an address in two slices counts once, and its hostname has it once',
    services: [db],
    slices: [
      sliceOf('db', [{ addresses: ['10.1.0.1'], hostname: 'db-0' }], pg, 'a'),
      sliceOf('db', [{ addresses: ['10.1.0.1'], hostname: 'db-0' }], pg, 'b'),
    ],
    asked: {
      'db A': A('db', '10.1.0.1'),
      'db-0.db A': A('db-0.db', '10.1.0.1'),
      '_pg._tcp.db SRV': `NOERROR\n_pg._tcp.db.${domain} SRV 0 100 5432 db-0.db.${domain}\nadd: db-0.db.${domain} A 10.1.0.1`,
    },
  },
  {
    rule: 'a hostname on several addresses has all of them',
    services: [db],
    slices: [
      sliceOf('db', [
        { addresses: ['10.1.0.1'], hostname: 'db-0' },
        { addresses: ['10.1.0.2'], hostname: 'db-0' },
      ]),
    ],
    asked: { 'db-0.db A': A('db-0.db', '10.1.0.1', '10.1.0.2') },
  },
  {
    rule: 'an endpoint that was ready before its pod was (publishNotReadyAddresses) is in the slice as ready, and so here',
    services: [headlessOf('db', { publishNotReadyAddresses: true })],
    slices: [sliceOf('db', [{ addresses: ['10.1.0.1'], conditions: { ready: true, serving: false } }])],
    asked: { 'db A': A('db', '10.1.0.1') },
  },
  {
    rule: 'an endpoint is named after its pod only when asked for, and only when that is a label',
    services: [db],
    slices: [
      sliceOf('db', [
        { addresses: ['10.1.0.1'], targetRef: pod('some-pod') },
        { addresses: ['10.1.0.2'], targetRef: pod('x'.repeat(64)) },
        { addresses: ['10.1.0.3'], hostname: 'named', targetRef: pod('other') },
      ]),
    ],
    options: { endpointPodNames: true },
    asked: {
      'some-pod.db A': A('some-pod.db', '10.1.0.1'),
      '10-1-0-1.db A': nxdomain,
      '10-1-0-2.db A': A('10-1-0-2.db', '10.1.0.2'),
      'named.db A': A('named.db', '10.1.0.3'),
      'other.db A': nxdomain,
    },
  },
  {
    rule: 'without that option the name of a pod is no name',
    services: [db],
    slices: [sliceOf('db', [{ addresses: ['10.1.0.1'], targetRef: pod('some-pod') }])],
    asked: { 'some-pod.db A': nxdomain, '10-1-0-1.db A': A('10-1-0-1.db', '10.1.0.1') },
  },
  {
    rule: 'ports belong to the slice: an endpoint has those of its own',
    services: [db],
    slices: [
      sliceOf('db', ['10.1.0.1'], [{ name: 'pg', port: 1, protocol: 'TCP' }], 'a'),
      sliceOf('db', ['10.1.0.2'], [{ name: 'pg', port: 2, protocol: 'TCP' }], 'b'),
    ],
    asked: {
      '_pg._tcp.db SRV': [
        'NOERROR',
        `_pg._tcp.db.${domain} SRV 0 50 1 10-1-0-1.db.${domain}`,
        `_pg._tcp.db.${domain} SRV 0 50 2 10-1-0-2.db.${domain}`,
        `add: 10-1-0-1.db.${domain} A 10.1.0.1`,
        `add: 10-1-0-2.db.${domain} A 10.1.0.2`,
      ].join('\n'),
      '10-1-0-2.db SRV': `NOERROR\n10-1-0-2.db.${domain} SRV 0 100 2 10-1-0-2.db.${domain}\nadd: 10-1-0-2.db.${domain} A 10.1.0.2`,
    },
  },
  {
    rule: 'a slice of names instead of addresses gives nothing',
    services: [db],
    slices: [{ ...sliceOf('db', ['www.example.com']), addressType: 'FQDN' }],
    asked: { 'db A': nxdomain },
  },
  // Services
  {
    rule: 'every type with a cluster IP has just that: node ports, external and load-balancer addresses are no records',
    services: [
      serviceOf('np', { type: 'NodePort', clusterIPs: ['10.96.0.1'], ports: [{ ...http, nodePort: 30_000 }] }),
      {
        ...serviceOf('lb', { type: 'LoadBalancer', clusterIPs: ['10.96.0.2'], externalIPs: ['192.0.2.1'], ports: [http] }),
        status: { loadBalancer: { ingress: [{ ip: '192.0.2.2' }] } },
      },
    ],
    asked: {
      'np A': A('np', '10.96.0.1'),
      'lb A': A('lb', '10.96.0.2'),
      '1.2.0.192.in-addr.arpa. PTR': nxdomain.replaceAll('auth: cluster.local', 'auth: in-addr.arpa'),
      '2.2.0.192.in-addr.arpa. PTR': nxdomain.replaceAll('auth: cluster.local', 'auth: in-addr.arpa'),
    },
  },
  {
    rule: 'protocols have names of their own, SCTP too',
    services: [serviceOf('s', { clusterIPs: ['10.96.0.1'], ports: [{ name: 'sig', port: 2905, protocol: 'SCTP' }] })],
    asked: {
      '_sig._sctp.s SRV': `NOERROR\n_sig._sctp.s.${domain} SRV 0 100 2905 s.${domain}\nadd: s.${domain} A 10.96.0.1`,
      '_sig._tcp.s SRV': nxdomain,
    },
  },
  {
    rule: 'two endpoints with two ports are four records at the bare name, of a quarter each',
    services: [headlessOf('db')],
    slices: [
      sliceOf(
        'db',
        ['10.1.0.1', '10.1.0.2'],
        [
          { name: 'a', port: 1, protocol: 'TCP' },
          { port: 2, protocol: 'UDP' },
        ],
      ),
    ],
    asked: {
      'db SRV': [
        'NOERROR',
        `db.${domain} SRV 0 25 1 10-1-0-1.db.${domain}`,
        `db.${domain} SRV 0 25 2 10-1-0-1.db.${domain}`,
        `db.${domain} SRV 0 25 1 10-1-0-2.db.${domain}`,
        `db.${domain} SRV 0 25 2 10-1-0-2.db.${domain}`,
        `add: 10-1-0-1.db.${domain} A 10.1.0.1`,
        `add: 10-1-0-2.db.${domain} A 10.1.0.2`,
      ].join('\n'),
      '_a._tcp.db A': nodata,
      '_._udp.db SRV': nxdomain,
    },
  },
  {
    rule: 'a port without a number has no SRV',
    services: [db],
    slices: [sliceOf('db', ['10.1.0.1'], [{ name: 'pg', protocol: 'TCP' }])],
    asked: { 'db A': A('db', '10.1.0.1'), 'db SRV': nodata, '_pg._tcp.db SRV': nxdomain },
  },
  {
    rule: 'names are compared without regard to case, hostnames and ports too',
    services: [serviceOf('s', { clusterIPs: ['10.96.0.1'], ports: [{ name: 'Http', port: 80 }] }), db],
    slices: [sliceOf('db', [{ addresses: ['10.1.0.1'], hostname: 'DB-0' }])],
    asked: {
      '_hTTP._TCP.s SRV': `NOERROR\n_hTTP._TCP.s.${domain} SRV 0 100 80 s.${domain}\nadd: s.${domain} A 10.96.0.1`,
      'db-0.db A': A('db-0.db', '10.1.0.1'),
    },
  },
  {
    rule: 'a Service that has no cluster IP yet exists without data',
    services: [serviceOf('pending', { ports: [http] })],
    asked: { 'pending A': nodata, 'pending SRV': nodata },
  },
  {
    rule: 'ignore empty_service: a Service without a ready endpoint does not exist, and with one it does',
    services: [
      serviceOf('idle', { clusterIPs: ['10.96.0.1'], ports: [http] }),
      serviceOf('busy', { clusterIPs: ['10.96.0.2'], ports: [http] }),
    ],
    slices: [sliceOf('idle', [{ addresses: ['10.1.0.1'], conditions: { ready: false } }]), sliceOf('busy', ['10.1.0.2'])],
    options: { ignoreEmptyServices: true },
    asked: {
      'idle A': nxdomain,
      '_http._tcp.idle SRV': nxdomain,
      '1.0.96.10.in-addr.arpa. PTR': nxdomain.replaceAll('auth: cluster.local', 'auth: in-addr.arpa'),
      'busy A': A('busy', '10.96.0.2'),
    },
  },
  {
    rule: 'namespaces that are not listed do not exist, in the reverse zones neither',
    services: [serviceOf('s', { clusterIPs: ['10.96.0.1'] }), serviceOf('other/t', { clusterIPs: ['10.96.0.2'] })],
    options: { namespaces: ['default'] },
    asked: {
      's A': A('s', '10.96.0.1'),
      't.other.svc.cluster.local. A': nxdomain,
      'other.svc.cluster.local. A': nxdomain,
      '2.0.96.10.in-addr.arpa. PTR': nxdomain.replaceAll('auth: cluster.local', 'auth: in-addr.arpa'),
    },
  },
  // ExternalName
  {
    rule: 'an ExternalName is an address of neither family, whatever its form',
    services: ['192.0.2.1', '2001:db8::1', '', '.', 'a..b'].map((externalName, at) =>
      serviceOf(`e${at}`, { type: 'ExternalName', externalName }),
    ),
    asked: { 'e0 A': nxdomain, 'e1 AAAA': nxdomain, 'e2 A': nxdomain, 'e3 A': nxdomain, 'e4 A': nxdomain },
  },
  {
    rule: 'an ExternalName inside is found in any case, below a headless Service and at a pod',
    services: [
      db,
      serviceOf('up', { type: 'ExternalName', externalName: 'DB.Default.Svc.Cluster.Local' }),
      serviceOf('member', { type: 'ExternalName', externalName: `db-0.db.${domain}` }),
      serviceOf('pod', { type: 'ExternalName', externalName: '10-1-0-9.default.pod.cluster.local' }),
      serviceOf('apex', { type: 'ExternalName', externalName: 'cluster.local' }),
    ],
    slices: [sliceOf('db', [{ addresses: ['10.1.0.1'], hostname: 'db-0' }], pg)],
    options: { podMode: 'insecure' },
    asked: {
      'up A': `NOERROR\nup.${domain} CNAME db.${domain}\ndb.${domain} A 10.1.0.1`,
      'member A': `NOERROR\nmember.${domain} CNAME db-0.db.${domain}\ndb-0.db.${domain} A 10.1.0.1`,
      'up SRV': `NOERROR\nup.${domain} CNAME db.${domain}\ndb.${domain} SRV 0 100 5432 db-0.db.${domain}\nadd: db-0.db.${domain} A 10.1.0.1`,
      'pod A': `NOERROR\npod.${domain} CNAME 10-1-0-9.default.pod.cluster.local\n10-1-0-9.default.pod.cluster.local A 10.1.0.9`,
      'pod AAAA': `NOERROR\npod.${domain} CNAME 10-1-0-9.default.pod.cluster.local\n${soa}`,
      'apex A': `NOERROR\napex.${domain} CNAME cluster.local\n${soa}`,
    },
  },
  {
    rule: 'an ExternalName to a headless Service with nobody ready ends in NXDOMAIN',
    services: [db, serviceOf('to', { type: 'ExternalName', externalName: `db.${domain}` })],
    slices: [sliceOf('db', [{ addresses: ['10.1.0.1'], conditions: { ready: false } }])],
    asked: { 'to A': `NXDOMAIN\nto.${domain} CNAME db.${domain}\n${soa}` },
  },
  {
    rule: 'a chain is followed for ten links',
    services: Array.from({ length: 12 }, (_, at) =>
      serviceOf(`l${at}`, { type: 'ExternalName', externalName: `l${at + 1}.${domain}` }),
    ).concat(serviceOf('l12', { clusterIPs: ['10.96.0.1'] })),
    asked: {
      'l2 A': [
        'NOERROR',
        ...Array.from({ length: 10 }, (_, at) => `l${at + 2}.${domain} CNAME l${at + 3}.${domain}`),
        `l12.${domain} A 10.96.0.1`,
      ].join('\n'),
      'l1 A': ['NOERROR', ...Array.from({ length: 10 }, (_, at) => `l${at + 1}.${domain} CNAME l${at + 2}.${domain}`)].join('\n'),
    },
  },
  // zones
  {
    rule: 'zonal: pin gives the endpoints of a zone, prefer those of the zone or else all; a zone without endpoints has no pin',
    services: [db, serviceOf('s', { clusterIPs: ['10.96.0.1'] })],
    slices: [
      sliceOf('db', [
        { addresses: ['10.1.0.1'], zone: 'a' },
        { addresses: ['10.1.0.2'], zone: 'b' },
        { addresses: ['10.1.0.3'], zone: 'b', conditions: { ready: false } },
        { addresses: ['10.1.0.4'] },
      ]),
      sliceOf('db', [{ addresses: ['fd00::2'], zone: 'b' }], [], 'b'),
      sliceOf('s', [{ addresses: ['10.1.0.1'], zone: 'a' }]),
    ],
    options: { zonalNames: true },
    asked: {
      'a.pin._zone.db A': A('a.pin._zone.db', '10.1.0.1'),
      'B.pin._zone.db A': A('B.pin._zone.db', '10.1.0.2'),
      'b.pin._zone.db AAAA': `NOERROR\nb.pin._zone.db.${domain} AAAA fd00::2`,
      'a.pin._zone.db AAAA': nodata,
      'c.pin._zone.db A': nxdomain,
      'a.prefer._zone.db A': A('a.prefer._zone.db', '10.1.0.1'),
      'c.prefer._zone.db A': A('c.prefer._zone.db', '10.1.0.1', '10.1.0.2', '10.1.0.4'),
      'pin._zone.db A': nodata,
      '_zone.db A': nodata,
      'x.a.pin._zone.db A': nxdomain,
      'a.pin._zone.s A': nxdomain,
      'a.prefer._zone.s A': nxdomain,
    },
  },
  {
    rule: 'zonal names are off unless asked for',
    services: [db],
    slices: [sliceOf('db', [{ addresses: ['10.1.0.1'], zone: 'a' }])],
    asked: { 'a.pin._zone.db A': nxdomain, 'a.prefer._zone.db A': nxdomain, '_zone.db A': nxdomain },
  },
  // reverse
  {
    rule: 'ptr hostname: an address that a hostname claims points there alone, any other to its generated names as ever',
    services: [db, serviceOf('s', { clusterIPs: ['10.96.0.1'] })],
    slices: [sliceOf('db', [{ addresses: ['10.1.0.1'], hostname: 'db-0' }]), sliceOf('s', ['10.1.0.1', '10.1.0.2'])],
    options: { prefersHostnamePointers: true },
    asked: {
      '1.0.1.10.in-addr.arpa. PTR': `NOERROR\n1.0.1.10.in-addr.arpa PTR db-0.db.${domain}`,
      '2.0.1.10.in-addr.arpa. PTR': `NOERROR\n2.0.1.10.in-addr.arpa PTR 10-1-0-2.s.${domain}`,
      '1.0.96.10.in-addr.arpa. PTR': `NOERROR\n1.0.96.10.in-addr.arpa PTR s.${domain}`,
    },
  },
  {
    rule: 'a cluster IP points to its Service alone, whoever has it as an endpoint',
    services: [serviceOf('s', { clusterIPs: ['10.96.0.1'] }), db],
    slices: [sliceOf('db', ['10.96.0.1'])],
    asked: { '1.0.96.10.in-addr.arpa. PTR': `NOERROR\n1.0.96.10.in-addr.arpa PTR s.${domain}` },
  },
];

for (const { rule, services, slices = [], options, asked } of cases) {
  test(rule, () => {
    const index = new NameIndex({ zone: 'cluster.local', nowSeconds: () => 1000, ttlSeconds: 5, ...options });
    for (const name of ['default', 'other']) index.applyNamespace(namespaceOf(name));
    for (const service of services) index.applyService(service);
    for (const slice of slices) index.applyEndpointSlice(slice);
    const responder = sampleResponder(index);
    for (const [question, want] of Object.entries(asked)) {
      const [name = '', type = ''] = question.split(' ');
      const full = name.endsWith('.') ? name : `${name}.${domain}`;
      assert.equal(textOf(ask(responder, full, type, { udpBytes: 4096, isTcp: true })), want, question);
    }
  });
}

test('the weight of an SRV record is a share of 100, and never 0', () => {
  for (const [endpoints, weight] of [
    [1, 100],
    [3, 33],
    [100, 1],
    [150, 1],
  ] as const) {
    const index = new NameIndex({ zone: 'cluster.local', nowSeconds: () => 1000 });
    index.applyNamespace(namespaceOf('default'));
    index.applyService(db);
    const addresses = Array.from({ length: endpoints }, (_, at) => `10.1.0.${at + 1}`);
    index.applyEndpointSlice(sliceOf('db', addresses, pg));
    const text = textOf(ask(sampleResponder(index), `_pg._tcp.db.${domain}`, 'SRV', { isTcp: true }));
    const weights = new Set([...text.matchAll(/ SRV 0 (\d+) /g)].map(([, shown]) => Number(shown)));
    assert.deepEqual([...weights], [weight], `${endpoints} endpoints`);
  }
});
