import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configMaps, namespaces, nodes, services } from '../kinds/index.ts';
import { labelText, metadata, qualifiedText, subdomainText, testFaults, updateFaultsOf, valueText } from './faults.case.test.ts';

const owner = { apiVersion: 'v1', kind: 'Pod', name: 'o', uid: 'u' };
testFaults([
  ['good metadata', configMaps, {}, []],
  ['no name', configMaps, { metadata: { namespace: 'n' } }, ['metadata.name: Required value: name or generateName is required']],
  ['no namespace', configMaps, { metadata: { name: 'a' } }, ['metadata.namespace: Required value']],
  [
    'a namespace where there is none',
    nodes,
    { metadata: { name: 'a', namespace: 'n' } },
    ['metadata.namespace: Forbidden: not allowed on this type'],
  ],
  [
    'a bad name',
    configMaps,
    { metadata: { ...metadata, name: 'A_b' } },
    [`metadata.name: Invalid value: "A_b": ${subdomainText}`],
  ],
  ['dots in a label', namespaces, { metadata: { name: 'a.b' } }, ['metadata.name: Invalid value: "a.b": must not contain dots']],
  ['a bad label', namespaces, { metadata: { name: 'A_b' } }, [`metadata.name: Invalid value: "A_b": ${labelText}`]],
  ['a prefix that ends in a dash', configMaps, { metadata: { ...metadata, generateName: 'web-' } }, []],
  [
    'bad labels',
    configMaps,
    { metadata: { ...metadata, labels: { '': 'x', 'a/b/c': 'x', ok: '-' } } },
    [
      'metadata.labels: Invalid value: "": name part must be non-empty',
      `metadata.labels: Invalid value: "": ${qualifiedText}`,
      `metadata.labels: Invalid value: "a/b/c": a qualified name ${qualifiedText.slice('name part '.length)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
      `metadata.labels: Invalid value: "-": ${valueText}`,
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
    [`metadata.labels: Invalid value: "-": ${valueText}`],
  ],
]);

test('metadata that identifies an object stays', () => {
  assert.deepEqual(updateFaultsOf(configMaps, { metadata: { ...metadata, name: 'b' } }, {}), [
    'metadata.name: Invalid value: "b": field is immutable',
  ]);
});
