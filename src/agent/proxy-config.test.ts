import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseBind, proxyConfigKind, readProxyConfig } from './proxy-config.ts';

/** What kubeadm 1.33 writes for a cluster with one pod range. */
const kubeadm = {
  ...proxyConfigKind,
  bindAddress: '0.0.0.0',
  bindAddressHardFail: false,
  clientConnection: {
    acceptContentTypes: '',
    burst: 0,
    contentType: '',
    kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf',
    qps: 0,
  },
  clusterCIDR: '10.244.0.0/16',
  configSyncPeriod: '0s',
  conntrack: {
    maxPerCore: null,
    min: null,
    tcpBeLiberal: false,
    tcpCloseWaitTimeout: null,
    tcpEstablishedTimeout: null,
    udpStreamTimeout: '0s',
    udpTimeout: '0s',
  },
  detectLocal: { bridgeInterface: '', interfaceNamePrefix: '' },
  detectLocalMode: '',
  enableProfiling: false,
  healthzBindAddress: '',
  hostnameOverride: '',
  iptables: { localhostNodePorts: null, masqueradeAll: false, masqueradeBit: null, minSyncPeriod: '0s', syncPeriod: '0s' },
  ipvs: { excludeCIDRs: null, scheduler: '', strictARP: false },
  logging: { flushFrequency: 0, options: { json: { infoBufferSize: '0' }, text: { infoBufferSize: '0' } }, verbosity: 0 },
  metricsBindAddress: '',
  mode: '',
  nftables: { masqueradeAll: false, masqueradeBit: null, minSyncPeriod: '0s', syncPeriod: '0s' },
  nodePortAddresses: null,
  oomScoreAdj: null,
  portRange: '',
  showHiddenMetricsForVersion: '',
  winkernel: { enableDSR: false, networkName: '' },
};

test("kubeadm's file is understood", () => {
  const { config, problems, notes } = readProxyConfig(kubeadm);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    notes.map(({ path }) => path),
    ['logging.options.json.infoBufferSize', 'logging.options.text.infoBufferSize'],
  );
  assert.deepEqual(config, {
    kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf',
    detector: { kind: 'cidrs', cidrs: ['10.244.0.0/16'] },
    conntrack: {},
  });
});

test('every field that has a meaning is read', () => {
  const { config, problems, notes } = readProxyConfig({
    ...proxyConfigKind,
    mode: 'nftables',
    bindAddress: '10.0.1.1',
    hostnameOverride: 'node-1',
    detectLocalMode: 'NodeCIDR',
    healthzBindAddress: '[::]:10256',
    metricsBindAddress: '127.0.0.1',
    nodePortAddresses: ['10.0.0.0/8', 'fd00::/8'],
    nftables: { masqueradeAll: true, minSyncPeriod: '1s' },
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '24h0m0s', udpTimeout: '1m30s', tcpBeLiberal: true },
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(notes, [
    { path: 'nftables.minSyncPeriod', message: 'nftables.minSyncPeriod has no effect: changes are programmed at once' },
  ]);
  assert.deepEqual(config, {
    nodeName: 'node-1',
    nodeAddress: '10.0.1.1',
    nodePortAddresses: ['10.0.0.0/8', 'fd00::/8'],
    detector: { kind: 'node-pod-cidrs' },
    masqueradeAll: true,
    healthz: { address: '::', port: 10_256 },
    metrics: { address: '127.0.0.1', port: 10_249 },
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeoutSeconds: 86_400, udpTimeoutSeconds: 90, tcpBeLiberal: true },
  });
});

describe('what cannot be done is named', () => {
  const cases: readonly (readonly [fields: Readonly<Record<string, unknown>>, want: readonly string[]])[] = [
    [{ mode: 'ipvs' }, ['mode: the agent works as mode nftables does; "ipvs" is not available']],
    [{ enableProfiling: true }, ['enableProfiling: not supported: there is no profiling endpoint']],
    [{ featureGates: { A: true } }, ['featureGates.A: not supported: there are no feature gates']],
    [{ noSuch: { field: 1 } }, ['noSuch.field: unknown field']],
    [{ nftables: { masqueradeAll: 'yes' } }, ['nftables.masqueradeAll: it must be true or false, not "yes"']],
    [{ nodePortAddresses: ['10.0.0.0/8', 'x'] }, ['nodePortAddresses[1]: not a prefix: x']],
    [{ clusterCIDR: '10.0.0.0/8,y' }, ['clusterCIDR: not a prefix: y']],
    [{ detectLocalMode: 'ClusterCIDR' }, ['detectLocalMode: ClusterCIDR needs clusterCIDR']],
    [
      { detectLocalMode: 'BridgeInterface', detectLocal: { bridgeInterface: 'br0' } },
      [
        'detectLocalMode: BridgeInterface is not supported; pods are told by their addresses: NodeCIDR or ClusterCIDR',
        'detectLocal.bridgeInterface: not supported: pods are told by their addresses; use detectLocalMode NodeCIDR or ClusterCIDR',
      ],
    ],
    [{ healthzBindAddress: 'here' }, ['healthzBindAddress: it must be address:port, not "here"']],
    [{ conntrack: { udpTimeout: '5 minutes' } }, ['conntrack.udpTimeout: it must be a duration such as 1h30m, not "5 minutes"']],
    [
      { kind: 'KubeletConfiguration' },
      [
        'it is a KubeletConfiguration of kubeproxy.config.k8s.io/v1alpha1; wanted KubeProxyConfiguration of kubeproxy.config.k8s.io/v1alpha1',
      ],
    ],
  ];
  for (const [fields, want] of cases) {
    test(JSON.stringify(fields), () => {
      const { problems } = readProxyConfig({ ...proxyConfigKind, ...fields });
      assert.deepEqual(
        problems.map(({ message }) => message),
        want,
      );
    });
  }
});

test('places to listen at', () => {
  assert.deepEqual(parseBind('0.0.0.0', 1), { address: '0.0.0.0', port: 1 });
  assert.deepEqual(parseBind('::1', 1), { address: '::1', port: 1 });
  assert.deepEqual(parseBind('[::1]:80', 1), { address: '::1', port: 80 });
  for (const text of ['', ':80', 'host:80', '1.2.3.4:0', '1.2.3.4:65536']) assert.equal(parseBind(text, 1), undefined, text);
});
