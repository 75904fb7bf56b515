import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseJsonStrict } from './json-text.ts';
import { deploymentSchema, nodeSchema, secretSchema, serviceSchema, podSchema, leaseSchema } from './kinds/index.ts';
import { normalize } from './normal-form.ts';
import { StatusError } from './status.ts';
import { assertTypes, checkFields, findTypeMismatch, strictDecodingText } from './strict.ts';

for (const [name, text, want] of [
  ['none', '{"a":{"b":1},"c":[{"b":1},{"b":2}]}', []],
  ['at the top', '{"a":1,"a":2}', ['duplicate field "a"']],
  ['below', '{"spec":{"type":"x","ports":[{"port":1},{"port":1,"port":2}]}}', ['duplicate field "spec.ports[1].port"']],
  ['three times, told once', '{"a":1,"a":2,"a":3}', ['duplicate field "a"']],
  ['under an escape', String.raw`{"a":1,"\u0061":2}`, ['duplicate field "a"']],
  ['with colons and braces in texts', '{"a":"{:\\"b\\":","b":":","b":1}', ['duplicate field "b"']],
  ['in lists of lists', '[[{"x":1,"x":2}],{"y":[]}]', ['duplicate field "[0][0].x"']],
] as const)
  test(`duplicate members: ${name}`, () => {
    assert.deepEqual(parseJsonStrict(text).duplicates, want);
    assert.deepEqual(parseJsonStrict(text).value, JSON.parse(text));
  });

test('JSON without duplicates has none, whatever it is', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.deepEqual(parseJsonStrict(JSON.stringify(value)).duplicates, []);
    }),
  );
});

test('malformed JSON is a 400', () => {
  assert.throws(
    () => parseJsonStrict('{"a":'),
    (error) => error instanceof StatusError && error.httpStatus === 400,
  );
});

test('unknown fields are named by their path, other cases of a name included', () => {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'a', labels: { anything: 'goes' } },
    spec: { Type: 'ClusterIP', ports: [{ port: 80 }, { prot: 'TCP' }], selector: { app: 'x' } },
    toString: 1,
  };
  assert.deepEqual(checkFields(serviceSchema, service), [
    'unknown field "spec.Type"',
    'unknown field "spec.ports[1].prot"',
    'unknown field "toString"',
  ]);
  assert.equal(
    strictDecodingText(['unknown field "a"', 'duplicate field "b"']),
    'strict decoding error: unknown field "a", duplicate field "b"',
  );
});

for (const [name, schema, value, message, hint] of [
  [
    'a mapping for a list',
    serviceSchema,
    { spec: { ports: { name: 'hoge', protocol: 'TCP', port: 80, targetPort: 80 } } },
    'json: cannot unmarshal object into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort',
    'spec.ports is a list, so each entry starts with a dash; write it as:\n  ports:\n  - name: hoge\n    protocol: TCP\n    port: 80\n    targetPort: 80',
  ],
  [
    'a scalar for a list',
    serviceSchema,
    { spec: { externalIPs: '10.0.0.1' } },
    'json: cannot unmarshal string into Go struct field ServiceSpec.spec.externalIPs of type []string',
    'spec.externalIPs is a list; write it as:\n  externalIPs:\n  - "10.0.0.1"',
  ],
  [
    'a text for a number',
    serviceSchema,
    { spec: { ports: [{ port: '80' }] } },
    'json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32',
    'spec.ports[0].port is a number: write 80 without quotes',
  ],
  [
    'a number for a label',
    serviceSchema,
    { metadata: { labels: { version: 1 } } },
    'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    'metadata.labels.version is a text: write it in quotes, "1"',
  ],
  [
    'a bare y for a label',
    serviceSchema,
    { metadata: { labels: { x: true } } },
    'json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string',
    'metadata.labels.x is a text: write it in quotes, "true" (or "y", "yes", "on": bare words that YAML takes for true)',
  ],
  [
    'a number for a named text',
    serviceSchema,
    { spec: { type: 5 } },
    'json: cannot unmarshal number into Go struct field ServiceSpec.spec.type of type v1.ServiceType',
    'spec.type is a text: write it in quotes, "5"',
  ],
  [
    'a fraction for a whole number',
    deploymentSchema,
    { spec: { replicas: 1.5 } },
    'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
    'spec.replicas is a whole number of at most 32 bits',
  ],
  [
    'a text for a boolean',
    podSchema,
    { spec: { hostNetwork: 'true' } },
    'json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool',
    'spec.hostNetwork is true or false: write true without quotes',
  ],
  [
    'a list for a mapping',
    serviceSchema,
    { spec: { selector: [{ app: 'x' }] } },
    'json: cannot unmarshal array into Go struct field ServiceSpec.spec.selector of type map[string]string',
    'spec.selector is a mapping, not a list: write its members below "selector:" without dashes',
  ],
  [
    'a text for a mapping',
    serviceSchema,
    { spec: 'x' },
    'json: cannot unmarshal string into Go struct field Service.spec of type v1.ServiceSpec',
    'spec is a mapping: write its members below "spec:", one "name: value" to a line',
  ],
  ['a list for the object', serviceSchema, [], 'json: cannot unmarshal array into Go value of type v1.Service', ''],
  [
    'a mapping for a port that may be a text',
    serviceSchema,
    { spec: { ports: [{ targetPort: {} }] } },
    'json: cannot unmarshal object into Go struct field ServicePort.spec.ports.targetPort of type int32',
    'spec.ports[0].targetPort is a whole number or a text',
  ],
  [
    'no quantity',
    nodeSchema,
    { status: { capacity: { cpu: 'two' } } },
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    'status.capacity.cpu is a quantity such as 500m or 64Mi',
  ],
  ['no base64', secretSchema, { data: { a: 'a b' } }, 'illegal base64 data at input byte 1', 'data.a holds bytes as base64 text'],
  [
    'no time',
    leaseSchema,
    { spec: { renewTime: 'now' } },
    'parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"',
    'spec.renewTime is a time: write it as 2006-01-02T15:04:05Z',
  ],
] as const)
  test(`type mismatch: ${name}`, () => {
    const mismatch = findTypeMismatch(schema, value);
    assert.equal(mismatch?.message, message);
    assert.equal(mismatch.hint, hint);
  });

test('null fits everywhere, and numbers fit texts that may be numbers', () => {
  const service = { metadata: null, spec: { ports: [{ port: null, targetPort: 80 }, null], type: null } };
  assert.equal(findTypeMismatch(serviceSchema, service), undefined);
  assert.equal(findTypeMismatch(nodeSchema, { status: { capacity: { cpu: 4, memory: '1Gi' } } }), undefined);
});

test('the ports of a Service written as a mapping are refused in upstream words, then ours', () => {
  const service = { apiVersion: 'v1', kind: 'Service', spec: { type: 'ClusterIP', ports: { name: 'hoge', port: 80 } } };
  assert.throws(
    () => {
      assertTypes(serviceSchema, service, { kind: 'Service', version: 'v1' });
    },
    (error) => {
      assert.ok(error instanceof StatusError);
      assert.equal(error.httpStatus, 400);
      assert.equal(
        error.message,
        'Service in version "v1" cannot be handled as a Service: json: cannot unmarshal object into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort. spec.ports is a list, so each entry starts with a dash; write it as:\n  ports:\n  - name: hoge\n    port: 80',
      );
      return true;
    },
  );
});

test('the normal form drops unknown members, nulls and zero values, and keeps pointers', () => {
  const deployment = {
    metadata: { name: 'a', creationTimestamp: null, labels: {}, generation: 0, bogus: 1 },
    spec: {
      replicas: 0,
      paused: false,
      selector: {},
      template: { spec: { containers: [{ name: '', resources: { limits: { cpu: '0.5', memory: 1024 } } }] } },
    },
  };
  assert.deepEqual(normalize(deploymentSchema, deployment as never), {
    metadata: { name: 'a' },
    spec: {
      replicas: 0,
      selector: {},
      template: { spec: { containers: [{ name: '', resources: { limits: { cpu: '500m', memory: '1024' } } }] } },
    },
  });
});

test('a value in normal form is returned as it is', () => {
  const service = { metadata: { name: 'a' }, spec: { ports: [{ port: 0, targetPort: 'http' }], selector: { a: '' } } };
  assert.equal(normalize(serviceSchema, service), service);
});

test('times are brought to UTC and to their precision', () => {
  const lease = {
    metadata: { creationTimestamp: '2026-01-02T03:04:05.678+01:00' },
    spec: { renewTime: '2026-01-02T03:04:05.1Z' },
  };
  assert.deepEqual(normalize(leaseSchema, lease), {
    metadata: { creationTimestamp: '2026-01-02T02:04:05Z' },
    spec: { renewTime: '2026-01-02T03:04:05.100000Z' },
  });
});
