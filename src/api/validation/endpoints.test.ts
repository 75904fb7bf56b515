import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoints, endpointSlices } from '../kinds/index.ts';
import { labelText, qualifiedText, subdomainText, testFaults, updateFaultsOf } from './faults.case.test.ts';

const endpoint = { addresses: ['10.0.0.1'] };
testFaults([
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
      `endpoints[0].nodeName: Invalid value: "N": ${subdomainText}`,
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
      `ports[2].name: Invalid value: "B": ${labelText}`,
      'ports[2].appProtocol: Invalid value: "/": prefix part must be non-empty',
      'ports[2].appProtocol: Invalid value: "/": name part must be non-empty',
      `ports[2].appProtocol: Invalid value: "/": ${qualifiedText}`,
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
      `subsets[1].notReadyAddresses[1].hostname: Invalid value: "A": ${labelText}`,
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
