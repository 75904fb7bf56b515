import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pods } from '../kinds/index.ts';
import { labelText, subdomainText, testFaults, updateFaultsOf } from './faults.case.test.ts';

const container = { name: 'c', image: 'i' };
const modeText = 'must be a number between 0 and 0777 (octal), both inclusive';

testFaults([
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
      `spec.containers[2].name: Invalid value: "C": ${labelText}`,
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
    'files that stand outside of their volume, or have a mode that no file has',
    pods,
    {
      spec: {
        containers: [
          {
            ...container,
            volumeMounts: ['/x', 'a/../b', 'a..b/..c'].map((subPath, at) => ({ name: 'v', mountPath: `/${at}`, subPath })),
          },
        ],
        volumes: [
          {
            name: 'v',
            configMap: {
              name: 'm',
              defaultMode: 0o1000,
              items: [
                { key: 'a', path: '../x', mode: -1 },
                { key: 'a', path: 'x/..y', mode: 0o777 },
              ],
            },
          },
          {
            name: 's',
            secret: {
              secretName: 'm',
              items: [
                { key: 'a', path: '/x' },
                { key: 'a', path: '' },
              ],
            },
          },
          { name: 'd', downwardAPI: { items: [{ path: '..', fieldRef: { fieldPath: 'metadata.name' }, mode: 0o1777 }] } },
          {
            name: 'p',
            projected: {
              defaultMode: -1,
              sources: [
                { configMap: { name: 'm', items: [{ key: 'a', path: '..data' }] } },
                { serviceAccountToken: { path: 'a/..' } },
              ],
            },
          },
        ],
      },
    },
    [
      `spec.volumes[0].configMap.defaultMode: Invalid value: 512: ${modeText}`,
      'spec.volumes[0].configMap.items[0].path: Invalid value: "../x": must not contain \'..\'',
      `spec.volumes[0].configMap.items[0].mode: Invalid value: -1: ${modeText}`,
      'spec.volumes[1].secret.items[0].path: Invalid value: "/x": must be a relative path',
      'spec.volumes[1].secret.items[1].path: Required value',
      'spec.volumes[2].downwardAPI.items[0].path: Invalid value: "..": must not contain \'..\'',
      'spec.volumes[2].downwardAPI.items[0].path: Invalid value: "..": must not start with \'..\'',
      `spec.volumes[2].downwardAPI.items[0].mode: Invalid value: 1023: ${modeText}`,
      `spec.volumes[3].projected.defaultMode: Invalid value: -1: ${modeText}`,
      'spec.volumes[3].projected.sources[0].configMap.items[0].path: Invalid value: "..data": must not start with \'..\'',
      'spec.volumes[3].projected.sources[1].serviceAccountToken.path: Invalid value: "a/..": must not contain \'..\'',
      'spec.containers[0].volumeMounts[0].subPath: Invalid value: "/x": must be a relative path',
      'spec.containers[0].volumeMounts[1].subPath: Invalid value: "a/../b": must not contain \'..\'',
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
      `spec.nodeName: Invalid value: "N": ${subdomainText}`,
      'spec.hostname: Invalid value: "a.b": must not contain dots',
      `spec.subdomain: Invalid value: "X": ${labelText}`,
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
