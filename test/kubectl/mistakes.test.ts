/** Wrong manifests: what kubectl prints is upstream's text, and ours only where it says more. The whole table is in src/api/service. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { withEachKubectl } from './each-kubectl.ts';

interface Mistake {
  readonly name: string;
  /** Of a Service, in JSON's flow style. */
  readonly spec: string;
  readonly says: string;
}

/** After `The Service "wrong" is invalid: `. */
const invalid: readonly Mistake[] = [
  {
    name: 'Local on a ClusterIP Service',
    spec: '{ ports: [{ port: 80 }], externalTrafficPolicy: Local }',
    says: 'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
  },
  {
    name: '* that is not last',
    spec: '{ ports: [{ port: 80 }], topologyKeys: ["*", kubernetes.io/hostname] }',
    says: 'spec.topologyKeys[0]: Invalid value: "*": "*" must be the last value specified',
  },
  {
    name: 'topologyKeys with Local',
    spec: '{ type: NodePort, ports: [{ port: 80 }], externalTrafficPolicy: Local, topologyKeys: ["*"] }',
    says: 'spec.topologyKeys: Forbidden: may not be specified when `externalTrafficPolicy=Local`',
  },
  { name: 'no ports', spec: '{ selector: { a: b } }', says: 'spec.ports: Required value' },
  {
    name: 'two ports without names',
    spec: '{ ports: [{ port: 80 }, { port: 81 }] }',
    says: '\n* spec.ports[0].name: Required value\n* spec.ports[1].name: Required value',
  },
  {
    name: 'a port out of range',
    spec: '{ ports: [{ port: 70000, targetPort: 80 }] }',
    says: 'spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive',
  },
  {
    name: 'an unknown type',
    spec: '{ type: Nope, ports: [{ port: 80 }] }',
    says: 'spec.type: Unsupported value: "Nope": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"\n',
  },
  {
    name: 'an unknown protocol',
    spec: '{ ports: [{ port: 80, protocol: HTTP }] }',
    says: 'spec.ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"',
  },
  {
    name: 'a node port on a ClusterIP Service',
    spec: '{ ports: [{ port: 80, nodePort: 30500 }] }',
    says: "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
  },
  {
    name: 'a node port out of range',
    spec: '{ type: NodePort, ports: [{ port: 80, nodePort: 80 }] }',
    says: 'spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
  },
  {
    name: 'affinity of no time',
    spec: '{ ports: [{ port: 80 }], sessionAffinity: ClientIP, sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } }',
    says: 'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400',
  },
  { name: 'ExternalName without a name', spec: '{ type: ExternalName }', says: 'spec.externalName: Required value' },
];

const wrong = (spec: string, name = 'wrong'): string =>
  `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: ${spec}\n`;

withEachKubectl((cluster) => {
  before(async () => {
    const { ok } = cluster();
    await ok('create namespace wrong');
    await ok('config set-context --current --namespace=wrong');
    await ok('create service nodeport holder --tcp=80 --node-port=30444');
  });

  describe('a Service is invalid with', () => {
    for (const { name, spec, says } of invalid) {
      test(name, async () => {
        const { fails } = cluster();
        const said = await fails('apply -f -', { input: wrong(spec) });
        assert.ok(said.startsWith(`The Service "wrong" is invalid: ${says}`), said);
      });
    }
  });

  test('a wrong name, named in full', async () => {
    const { fails } = cluster();
    const said = await fails('create -f -', { input: wrong('{ ports: [{ port: 80 }] }', 'My_Service') });
    assert.match(
      said,
      /^The Service "My_Service" is invalid: metadata\.name: Invalid value: "My_Service": a DNS-1035 label must consist of|^The Service "My_Service" is invalid: metadata\.name: Invalid value: "My_Service": a lowercase RFC 1123 label must consist of/,
    );
  });

  test('a node port or a health-check port that another Service holds, and which', async () => {
    const { ok, fails } = cluster();
    assert.equal(
      await fails('apply -f -', { input: wrong('{ type: NodePort, ports: [{ port: 80, nodePort: 30444 }] }') }),
      'The Service "wrong" is invalid: spec.ports[0].nodePort: Invalid value: 30444: provided port is already allocated (by Service wrong/holder)\n',
    );
    const balanced = '{ type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 30088, ports: [{ port: 80 }] }';
    await ok('apply -f -', { input: wrong(balanced, 'first') });
    assert.equal(
      await fails('apply -f -', { input: wrong(balanced, 'second') }),
      'Error from server (InternalError): error when creating "STDIN": Internal error occurred: failed to allocate requested HealthCheck NodePort 30088: provided port is already allocated (by Service wrong/first)\n',
    );
  });

  test('fields that do not exist are refused, warned of, or passed over', async () => {
    const { fails, kubectl } = cluster();
    const input = wrong('{ portz: [], ports: [{ port: 80, nme: x }] }', 'unknown');
    assert.equal(
      await fails('create -f -', { input }),
      'Error from server (BadRequest): error when creating "STDIN": Service in version "v1" cannot be handled as a Service: strict decoding error: unknown field "spec.ports[0].nme", unknown field "spec.portz"\n',
    );
    const warned = await kubectl('create --validate=warn --dry-run=server -f -', { input });
    assert.deepEqual(warned, {
      status: 0,
      out: 'service/unknown created (server dry run)\n',
      err: 'Warning: unknown field "spec.ports[0].nme"\nWarning: unknown field "spec.portz"\n',
    });
    assert.equal((await kubectl('create --validate=ignore --dry-run=server -f -', { input })).err, '');
  });

  test('a key that is there twice is refused', async () => {
    const { fails, file } = cluster();
    const text =
      '{"apiVersion":"v1","kind":"Service","metadata":{"name":"twice"},"spec":{"type":"ClusterIP","type":"NodePort","ports":[{"port":80}]}}';
    // as it stands: kubectl itself would keep the last of the two
    const said = await fails(
      `create --raw /api/v1/namespaces/wrong/services?fieldValidation=Strict -f ${file('twice.json', text)}`,
    );
    assert.match(said, /strict decoding error: duplicate field "spec\.type"/);
  });

  test('a value of the wrong type, in the words of Go', async () => {
    const { fails } = cluster();
    assert.match(
      await fails('apply -f -', { input: wrong('{ ports: [{ port: eighty }] }') }),
      /Service in version "v1" cannot be handled as a Service: json: cannot unmarshal string into Go struct field ServicePort\.spec\.ports\.port of type int32/,
    );
  });

  test('a kind, a version or a name that is missing', async () => {
    const { fails } = cluster();
    assert.match(await fails('apply -f -', { input: 'kind: Service\nmetadata: { name: x }\n' }), /apiVersion not set/);
    assert.match(
      await fails('apply -f -', { input: 'apiVersion: v2\nkind: Service\nmetadata: { name: x }\n' }),
      /no matches for kind "Service" in version "v2"/,
    );
    for (const [kind, want] of [
      ['Servcie', /no matches for kind "Servcie" in version "v1"/],
      ['service', /service in version "v1" cannot be handled as a Service/],
    ] as const)
      assert.match(await fails('apply -f -', { input: `apiVersion: v1\nkind: ${kind}\nmetadata: { name: x }\n` }), want);
    assert.match(
      await fails('apply -f -', { input: 'apiVersion: v1\nkind: Service\nspec: { ports: [{ port: 80 }] }\n' }),
      /resource name may not be empty/,
    );
  });

  test('what may not change is refused by name', async () => {
    const { ok, fails } = cluster();
    await ok('create deployment web --image=echo');
    assert.match(
      await fails(['patch', 'deployment', 'web', '--type=merge', '-p', '{"spec":{"selector":{"matchLabels":{"app":"other"}}}}']),
      /^The Deployment "web" is invalid: .*(?:spec\.selector: Invalid value: [^]*field is immutable|selector` does not match template `labels`)/s,
    );
    assert.match(
      await fails(['patch', 'service', 'holder', '-p', '{"spec":{"clusterIP":"10.96.7.7","clusterIPs":["10.96.7.7"]}}']),
      /^The Service "holder" is invalid: spec\.clusterIPs\[0\]: Invalid value: .*may not change once set/,
    );
  });
});
