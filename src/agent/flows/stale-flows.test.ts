import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Service } from '../../api/index.ts';
import { decide } from '../../routing/index.ts';
import { compileDecision } from '../rows/compile.ts';
import { frontendText, packIp } from '../rows/row-bytes.ts';
import { suspectsOf, suspectsOfNewAddresses } from './stale-flows.ts';
import { TableState } from '../rows/table-state.ts';

/** A NodePort Service with one port, and what it leads to. */
interface Given {
  readonly pods: readonly string[];
  readonly protocol?: 'TCP' | 'UDP';
  readonly port?: number;
  readonly nodePort?: number;
  readonly targetPort?: number;
  readonly spec?: Service['spec'];
  /** Pods that are terminating and still serve. */
  readonly leaving?: readonly string[];
}

function set(
  state: TableState,
  { pods, protocol = 'UDP', port = 53, nodePort = 30_053, targetPort = 8053, spec, leaving = [] }: Given,
): void {
  const service: Service = {
    metadata: { name: 'dns', namespace: 'ns' },
    spec: { type: 'NodePort', clusterIP: '10.96.0.10', ports: [{ port, protocol, nodePort }], ...spec },
  };
  const endpoint = (pod: string, isLeaving: boolean) => ({
    addresses: [pod],
    nodeName: 'n1',
    conditions: { ready: !isLeaving, serving: true, terminating: isLeaving },
  });
  const slice: EndpointSlice = {
    metadata: { name: 'dns-1', namespace: 'ns', labels: { 'kubernetes.io/service-name': 'dns' } },
    addressType: 'IPv4',
    ports: [{ name: '', protocol, port: targetPort }],
    endpoints: [...pods.map((pod) => endpoint(pod, false)), ...leaving.map((pod) => endpoint(pod, true))],
  };
  const decision = decide({ service, slices: [slice], nodes: new Map(), nodeName: 'n1', family: 'IPv4' });
  state.setService('ns/dns', compileDecision(decision));
}

const [a, b] = ['10.244.1.1', '10.244.1.2'];
const clusterIp = '10.96.0.10:53/UDP';
const nodePort = 'node:30053/UDP';
const cases: readonly (readonly [name: string, before: Given | undefined, after: Given | undefined, want: readonly string[]])[] =
  [
    ['nothing changed', { pods: [a] }, { pods: [a] }, []],
    ['an endpoint more: flows to the others are healthy', { pods: [a] }, { pods: [a, b] }, []],
    ['an endpoint less', { pods: [a, b] }, { pods: [b] }, [clusterIp, nodePort]],
    ['an endpoint replaced', { pods: [a] }, { pods: [b] }, [clusterIp, nodePort]],
    ['an endpoint that is leaving goes on serving', { pods: [a, b] }, { pods: [b], leaving: [a] }, []],
    ['scaled to zero', { pods: [a] }, { pods: [] }, [clusterIp, nodePort]],
    ['from none to some', { pods: [] }, { pods: [a] }, [clusterIp, nodePort]],
    ['another target port', { pods: [a] }, { pods: [a], targetPort: 8054 }, [clusterIp, nodePort]],
    ['the Service come: somebody may have been sending', undefined, { pods: [a] }, [clusterIp, nodePort]],
    ['the Service gone', { pods: [a] }, undefined, [clusterIp, nodePort]],
    ['another port: the old one and the new one', { pods: [a] }, { pods: [a], port: 54 }, [clusterIp, '10.96.0.10:54/UDP']],
    [
      'another node port: the old one and the new one',
      { pods: [a] },
      { pods: [a], nodePort: 30_054 },
      [nodePort, 'node:30054/UDP'],
    ],
    ['an external IP more', { pods: [a] }, { pods: [a], spec: { externalIPs: ['192.0.2.1'] } }, ['192.0.2.1:53/UDP']],
    ['a policy alone', { pods: [a, b] }, { pods: [a, b], spec: { externalTrafficPolicy: 'Local' } }, []],
    ['affinity alone', { pods: [a] }, { pods: [a], spec: { sessionAffinity: 'ClientIP' } }, []],
    ['TCP is never looked at', { pods: [a], protocol: 'TCP' }, { pods: [b], protocol: 'TCP' }, []],
  ];
for (const [name, before, after, want] of cases) {
  test(`which flows may be stale: ${name}`, () => {
    const state = new TableState('IPv4');
    if (before !== undefined) set(state, before);
    state.takeChanges();
    if (after === undefined) state.setService('ns/dns', undefined);
    else set(state, after);
    const suspects = suspectsOf(state.takeChanges().touched).map((key) => frontendText(key, 'IPv4'));
    assert.deepEqual(suspects.sort(), [...want].sort());
  });
}

test('an address that comes to answer node ports makes the flows of all UDP node ports suspect, one that goes none', () => {
  const state = new TableState('IPv4');
  set(state, { pods: [a] });
  const [one, two] = [packIp('10.0.1.1'), packIp('10.0.1.2')];
  const suspects = (before: readonly string[], after: readonly string[]): string[] =>
    suspectsOfNewAddresses(before, after, state.frontends()).map((key) => frontendText(key, 'IPv4'));
  assert.deepEqual(suspects([one], [one, two]), [nodePort]);
  assert.deepEqual(suspects([], [one]), [nodePort]);
  assert.deepEqual(suspects([one, two], [two]), []);
  assert.deepEqual(suspects([one], [one]), []);
});
