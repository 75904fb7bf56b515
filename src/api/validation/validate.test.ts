import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setDefaults } from '../defaults/defaults.ts';
import { printFieldError } from '../field-errors.ts';
import {
  configMaps,
  daemonSets,
  deployments,
  endpoints,
  endpointSlices,
  events,
  ipAddresses,
  leases,
  namespaces,
  nodes,
  pods,
  replicaSets,
  secrets,
  serviceCidrs,
  services,
  statefulSets,
} from '../kinds/index.ts';
import type { Resource } from '../resource.ts';
import { validateCreate, validateUpdate } from './validate.ts';

const metadata = { name: 'a', namespace: 'n' };
const clusterMetadata = { name: 'a' };

function faultsOf<T>(resource: Resource<T>, object: object): string[] {
  const meta = resource.namespaced ? metadata : clusterMetadata;
  return validateCreate(resource, setDefaults(resource, { metadata: meta, ...object } as T)).map(printFieldError);
}

function updateFaultsOf<T>(resource: Resource<T>, next: object, previous: object): string[] {
  const complete = (object: object): T => setDefaults(resource, { metadata, ...object } as T);
  return validateUpdate(resource, complete(next), complete(previous)).map(printFieldError);
}

const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const qualified =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const value =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

type Case = readonly [name: string, resource: Resource, object: object, want: readonly string[]];

function table(cases: readonly Case[]): void {
  for (const [name, resource, object, want] of cases)
    test(`${resource.kind}: ${name}`, () => {
      assert.deepEqual(faultsOf(resource, object), want);
    });
}

const owner = { apiVersion: 'v1', kind: 'Pod', name: 'o', uid: 'u' };
table([
  ['good metadata', configMaps, {}, []],
  ['no name', configMaps, { metadata: { namespace: 'n' } }, ['metadata.name: Required value: name or generateName is required']],
  ['no namespace', configMaps, { metadata: { name: 'a' } }, ['metadata.namespace: Required value']],
  [
    'a namespace where there is none',
    nodes,
    { metadata: { name: 'a', namespace: 'n' } },
    ['metadata.namespace: Forbidden: not allowed on this type'],
  ],
  ['a bad name', configMaps, { metadata: { ...metadata, name: 'A_b' } }, [`metadata.name: Invalid value: "A_b": ${subdomain}`]],
  ['dots in a label', namespaces, { metadata: { name: 'a.b' } }, ['metadata.name: Invalid value: "a.b": must not contain dots']],
  ['a bad label', namespaces, { metadata: { name: 'A_b' } }, [`metadata.name: Invalid value: "A_b": ${label}`]],
  ['a prefix that ends in a dash', configMaps, { metadata: { ...metadata, generateName: 'web-' } }, []],
  [
    'bad labels',
    configMaps,
    { metadata: { ...metadata, labels: { '': 'x', 'a/b/c': 'x', ok: '-' } } },
    [
      'metadata.labels: Invalid value: "": name part must be non-empty',
      `metadata.labels: Invalid value: "": ${qualified}`,
      `metadata.labels: Invalid value: "a/b/c": a qualified name ${qualified.slice('name part '.length)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
      `metadata.labels: Invalid value: "-": ${value}`,
    ],
  ],
  [
    'large annotations',
    configMaps,
    { metadata: { ...metadata, annotations: { 'Example.com/A': 'x'.repeat(262_144) } } },
    ['metadata.annotations: Too long: may not be more than 262144 bytes'],
  ],
  [
    'large data',
    configMaps,
    { metadata, data: { key: 'x'.repeat(1_048_577) } },
    ['[]: Too long: may not be more than 1048576 bytes'],
  ],
  [
    'owners',
    configMaps,
    {
      metadata: {
        ...metadata,
        ownerReferences: [
          { ...owner, controller: true },
          { ...owner, name: '', controller: true },
        ],
      },
    },
    [
      'metadata.ownerReferences.name: Invalid value: "": must not be empty',
      `metadata.ownerReferences: Invalid value: ${JSON.stringify([
        { ...owner, controller: true },
        { ...owner, name: '', controller: true },
      ])}: Only one reference can have Controller set to true. Found "true" in references for o and `,
    ],
  ],
  [
    'finalizers',
    configMaps,
    { metadata: { ...metadata, finalizers: ['orphan', 'example.com/x', 'mine'] } },
    ['metadata.finalizers[2]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified'],
  ],
  [
    'the metadata of a Service, not its name',
    services,
    { metadata: { ...metadata, name: 'A', labels: { a: '-' } } },
    [`metadata.labels: Invalid value: "-": ${value}`],
  ],
]);

test('metadata that identifies an object stays', () => {
  assert.deepEqual(updateFaultsOf(configMaps, { metadata: { ...metadata, name: 'b' } }, {}), [
    'metadata.name: Invalid value: "b": field is immutable',
  ]);
});

const endpoint = { addresses: ['10.0.0.1'] };
table([
  ['a good slice', endpointSlices, { addressType: 'IPv4', endpoints: [endpoint], ports: [{ port: 80 }, { name: 'x' }] }, []],
  ['no address type', endpointSlices, { addressType: '' }, ['addressType: Required value']],
  [
    'an unknown address type',
    endpointSlices,
    { addressType: 'IP', endpoints: [endpoint] },
    ['addressType: Unsupported value: "IP": supported values: "FQDN", "IPv4", "IPv6"'],
  ],
  [
    'no addresses',
    endpointSlices,
    { addressType: 'IPv4', endpoints: [{ addresses: [] }] },
    ['endpoints[0].addresses: Required value: must contain at least 1 address'],
  ],
  [
    'bad addresses',
    endpointSlices,
    { addressType: 'IPv4', endpoints: [{ addresses: ['fd00::1', '127.0.0.1', '0.0.0.0', '169.254.1.1', '224.0.0.1', 'x'] }] },
    [
      'endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address',
      'endpoints[0].addresses[1]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'endpoints[0].addresses[2]: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)',
      'endpoints[0].addresses[3]: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
      'endpoints[0].addresses[4]: Invalid value: "224.0.0.1": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
      'endpoints[0].addresses[5]: Invalid value: "x": must be a valid IPv4 address',
    ],
  ],
  [
    'IPv6 that is not canonical',
    endpointSlices,
    { addressType: 'IPv6', endpoints: [{ addresses: ['FD00::1'] }] },
    ['endpoints[0].addresses[0]: Invalid value: "FD00::1": must be in canonical form ("fd00::1")'],
  ],
  [
    'names that are none',
    endpointSlices,
    { addressType: 'FQDN', endpoints: [{ addresses: ['db.example.com', 'db'] }] },
    ['endpoints[0].addresses[1]: Invalid value: "db": should be a domain with at least two segments separated by dots'],
  ],
  [
    'hostname, node and hints',
    endpointSlices,
    {
      addressType: 'IPv4',
      endpoints: [
        { ...endpoint, hostname: 'a.b', nodeName: 'N', hints: { forZones: [{ name: 'z' }, { name: 'z' }] } },
        { ...endpoint, hints: { forNodes: Array.from({ length: 9 }, (_, index) => ({ name: `n${index}` })) } },
      ],
    },
    [
      `endpoints[0].nodeName: Invalid value: "N": ${subdomain}`,
      'endpoints[0].hostname: Invalid value: "a.b": must not contain dots',
      'endpoints[0].hints.forZones[1].name: Duplicate value: "z"',
      'endpoints[1].hints.forNodes: Too many: 9: must have at most 8 items',
    ],
  ],
  [
    'too many endpoints',
    endpointSlices,
    { addressType: 'IPv4', endpoints: Array.from({ length: 1001 }, () => endpoint) },
    ['endpoints: Too many: 1001: must have at most 1000 items'],
  ],
  [
    'bad ports',
    endpointSlices,
    {
      addressType: 'IPv4',
      ports: [
        { name: 'a', port: 0 },
        { name: 'a', protocol: 'HTTP' },
        { name: 'B', appProtocol: '/' },
      ],
    },
    [
      'ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
      'ports[1].name: Duplicate value: "a"',
      'ports[1].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"',
      `ports[2].name: Invalid value: "B": ${label}`,
      'ports[2].appProtocol: Invalid value: "/": prefix part must be non-empty',
      'ports[2].appProtocol: Invalid value: "/": name part must be non-empty',
      `ports[2].appProtocol: Invalid value: "/": ${qualified}`,
    ],
  ],
  ['good Endpoints', endpoints, { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] }, []],
  [
    'bad Endpoints',
    endpoints,
    {
      subsets: [
        {},
        {
          notReadyAddresses: [{ ip: '::1' }, { ip: '010.0.0.1', hostname: 'A' }],
          ports: [{ port: 1 }, { name: 'b', port: 70_000, protocol: 'X' }],
        },
      ],
    },
    [
      'subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`',
      'subsets[1].notReadyAddresses[0].ip: Invalid value: "::1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'subsets[1].notReadyAddresses[1].ip: Invalid value: "010.0.0.1": must not have leading 0s',
      `subsets[1].notReadyAddresses[1].hostname: Invalid value: "A": ${label}`,
      'subsets[1].ports[0].name: Required value',
      'subsets[1].ports[1].port: Invalid value: 70000: must be between 1 and 65535, inclusive',
      'subsets[1].ports[1].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
    ],
  ],
]);

test('the address type of a slice stays', () => {
  assert.deepEqual(updateFaultsOf(endpointSlices, { addressType: 'IPv6' }, { addressType: 'IPv4' }), [
    'addressType: Invalid value: "IPv6": field is immutable',
  ]);
});

const container = { name: 'c', image: 'i' };
table([
  [
    'a good pod',
    pods,
    {
      spec: {
        containers: [
          {
            ...container,
            ports: [{ name: 'http', containerPort: 80 }],
            env: [{ name: 'A', value: 'b' }],
            readinessProbe: { httpGet: { port: 'http' } },
            volumeMounts: [{ name: 'v', mountPath: '/v' }],
          },
        ],
        volumes: [{ name: 'v' }],
        hostname: 'a',
        subdomain: 'b',
      },
    },
    [],
  ],
  ['no containers', pods, { spec: { containers: [] } }, ['spec.containers: Required value']],
  [
    'containers without names, images, or with the same name',
    pods,
    { spec: { containers: [{ name: '' }, container, { ...container, name: 'C' }, container] } },
    [
      'spec.containers[0].name: Required value',
      'spec.containers[0].image: Required value',
      `spec.containers[2].name: Invalid value: "C": ${label}`,
      'spec.containers[3].name: Duplicate value: "c"',
    ],
  ],
  [
    'ports',
    pods,
    {
      spec: {
        containers: [
          {
            ...container,
            ports: [
              { containerPort: 0, hostPort: 70_000 },
              { containerPort: 1, name: '1234', protocol: 'X' },
              { containerPort: 2, name: 'a', hostPort: 5 },
              { containerPort: 2, name: 'a', hostPort: 5 },
            ],
          },
        ],
      },
    },
    [
      'spec.containers[0].ports[0].containerPort: Required value',
      'spec.containers[0].ports[0].hostPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
      'spec.containers[0].ports[1].name: Invalid value: "1234": must contain at least one letter (a-z)',
      'spec.containers[0].ports[1].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
      'spec.containers[0].ports[3].name: Duplicate value: "a"',
      'spec.containers[0].ports[3].hostPort: Duplicate value: "TCP//5"',
    ],
  ],
  [
    'probes',
    pods,
    {
      spec: {
        containers: [
          {
            ...container,
            livenessProbe: { tcpSocket: { port: 1 }, exec: {}, successThreshold: 2 },
            readinessProbe: { periodSeconds: -1 },
          },
        ],
      },
    },
    [
      'spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type',
      'spec.containers[0].livenessProbe.exec.command: Required value',
      'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
      'spec.containers[0].readinessProbe: Required value: must specify a handler type',
      'spec.containers[0].readinessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0',
    ],
  ],
  [
    'mounts and volumes',
    pods,
    {
      spec: {
        containers: [{ ...container, volumeMounts: [{ name: 'x', mountPath: '' }] }],
        volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '' } }, { name: 'v' }],
      },
    },
    [
      'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
      'spec.volumes[0].hostPath.path: Required value',
      'spec.volumes[1].name: Duplicate value: "v"',
      'spec.containers[0].volumeMounts[0].name: Not found: "x"',
      'spec.containers[0].volumeMounts[0].mountPath: Required value',
    ],
  ],
  [
    'policies and names',
    pods,
    {
      spec: {
        containers: [container],
        restartPolicy: 'Sometimes',
        dnsPolicy: 'None',
        hostname: 'a.b',
        subdomain: 'X',
        nodeName: 'N',
        tolerations: [{ operator: 'Equal' }],
      },
    },
    [
      'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"',
      'spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None',
      `spec.nodeName: Invalid value: "N": ${subdomain}`,
      'spec.hostname: Invalid value: "a.b": must not contain dots',
      `spec.subdomain: Invalid value: "X": ${label}`,
      'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    ],
  ],
  [
    'requests above limits',
    pods,
    { spec: { containers: [{ ...container, resources: { limits: { cpu: '1' }, requests: { cpu: '1500m' } } }] } },
    ['spec.containers[0].resources.requests: Invalid value: "1500m": must be less than or equal to cpu limit of 1'],
  ],
]);

test('of a pod, images and little else may change', () => {
  const pod = { spec: { containers: [container], tolerations: [{ key: 'k', operator: 'Exists' }] } };
  assert.deepEqual(
    updateFaultsOf(
      pods,
      { spec: { ...pod.spec, containers: [{ ...container, image: 'j' }] } },
      {
        spec: { ...pod.spec, containers: [{ ...container, image: 'i', imagePullPolicy: 'Always' }] },
      },
    ),
    [],
  );
  assert.deepEqual(updateFaultsOf(pods, { spec: { ...pod.spec, nodeName: 'node-1' } }, pod), []);
  assert.match(
    String(updateFaultsOf(pods, { spec: { ...pod.spec, hostNetwork: true } }, pod)),
    /^spec: Forbidden: pod updates may not change/,
  );
  assert.match(String(updateFaultsOf(pods, { spec: { containers: [container] } }, pod)), /^spec.tolerations: Forbidden/);
});

const selector = { matchLabels: { app: 'a' } };
const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [container] } };
const claimed = (...claims: string[]) => ({
  selector,
  template: { ...template, spec: { containers: [{ ...container, volumeMounts: [{ name: 'data', mountPath: '/data' }] }] } },
  volumeClaimTemplates: claims.map((name) => ({ metadata: { name }, spec: { accessModes: ['ReadWriteOnce'] } })),
});
table([
  ['mounts what it claims', statefulSets, { spec: claimed('data') }, []],
  [
    'mounts nothing that it does not claim',
    statefulSets,
    { spec: claimed('other') },
    ['spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"'],
  ],
]);

for (const resource of [deployments, replicaSets, statefulSets, daemonSets] as readonly Resource[]) {
  table([
    ['is good', resource, { spec: { selector, template } }, []],
    ['needs a selector', resource, { spec: { template } }, ['spec.selector: Required value']],
    [
      'needs a selector that matches its template',
      resource,
      { spec: { selector: { matchLabels: { app: 'b' } }, template } },
      ['spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`'],
    ],
    [
      'needs pods that are restarted',
      resource,
      { spec: { selector, template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } } },
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
  ]);
  test(`${resource.kind}: the selector stays`, () => {
    const labels = { app: 'a', tier: 'x' };
    const next = { spec: { selector: { matchLabels: { tier: 'x' } }, template: { ...template, metadata: { labels } } } };
    const faults = updateFaultsOf(resource, next, { spec: { selector, template } });
    assert.equal(faults.length, 1);
    if (resource.kind === 'StatefulSet') assert.match(faults[0] ?? '', /^spec: Forbidden: updates to statefulset spec/);
    else assert.equal(faults[0], 'spec.selector: Invalid value: {"matchLabels":{"tier":"x"}}: field is immutable');
  });
}

table([
  [
    'an empty selector',
    deployments,
    { spec: { selector: {}, template } },
    ['spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
  ],
  [
    'numbers and strategies',
    deployments,
    {
      spec: {
        selector,
        template,
        replicas: -1,
        progressDeadlineSeconds: 5,
        minReadySeconds: 5,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: '0%' } },
      },
    },
    [
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
      'spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds',
    ],
  ],
  [
    'a strategy that contradicts itself',
    deployments,
    { spec: { selector, template, strategy: { type: 'Recreate', rollingUpdate: {} } } },
    ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
  ],
  [
    'a bad selector',
    daemonSets,
    { spec: { selector: { matchExpressions: [{ key: 'a', operator: 'In' }] }, template } },
    ["spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"],
  ],
  [
    'bad keys',
    configMaps,
    { data: { '..': 'x', b: '' }, binaryData: { b: '' } },
    ['data[..]: Invalid value: "..": must not be \'..\'', 'data[b]: Invalid value: "b": duplicate of key present in binaryData'],
  ],
  ['missing keys', secrets, { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }, ['data[tls.key]: Required value']],
  [
    'taints and pod ranges',
    nodes,
    { spec: { taints: [{ key: '', effect: 'Never' }], podCIDRs: ['10.0.0.0/24', '10.1.0.0/24'] } },
    [
      'spec.taints[0].key: Required value',
      'spec.taints[0].effect: Unsupported value: "Never": supported values: "NoExecute", "NoSchedule", "PreferNoSchedule"',
      'spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.1.0.0/24"]: may specify no more than one CIDR for each IP family',
    ],
  ],
  [
    'names that are no addresses, and no parent',
    ipAddresses,
    { metadata: { name: 'FD00::1' }, spec: {} },
    ['metadata.name: Invalid value: "FD00::1": must be in canonical form ("fd00::1")', 'spec.parentRef: Required value'],
  ],
  ['nothing', serviceCidrs, { spec: { cidrs: [] } }, ['spec.cidrs: Required value: at least one CIDR required']],
  [
    'ranges of one family, bits beyond the prefix',
    serviceCidrs,
    { spec: { cidrs: ['10.0.0.1/24', '10.1.0.0/24'] } },
    [
      'spec.cidrs: Invalid value: ["10.0.0.1/24","10.1.0.0/24"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96',
      'spec.cidrs[0]: Invalid value: "10.0.0.1/24": must be in canonical form ("10.0.0.0/24")',
    ],
  ],
  [
    'a duration of nothing',
    leases,
    { spec: { leaseDurationSeconds: 0 } },
    ['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0'],
  ],
  [
    'another namespace',
    events,
    { involvedObject: { namespace: 'other' } },
    ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
  ],
]);

test('what is frozen stays', () => {
  assert.deepEqual(updateFaultsOf(configMaps, { data: { a: '2' } }, { data: { a: '1' }, immutable: true }), [
    'immutable: Forbidden: field is immutable when `immutable` is set',
    'data: Forbidden: field is immutable when `immutable` is set',
  ]);
  assert.deepEqual(updateFaultsOf(secrets, { type: 'x' }, { type: 'y' }), ['type: Invalid value: "x": field is immutable']);
});

test('a range may gain its second family and lose none', () => {
  const single = { spec: { cidrs: ['10.0.0.0/24'] } };
  const dual = { spec: { cidrs: ['10.0.0.0/24', 'fd00::/112'] } };
  assert.deepEqual(updateFaultsOf(serviceCidrs, dual, single), []);
  assert.equal(updateFaultsOf(serviceCidrs, single, dual).length, 1);
});
