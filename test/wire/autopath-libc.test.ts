/** autopath as the C libraries of a pod see it: one question where there were four, and the same addresses. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createHostsForwarder, emptyAnswer, rcodes, startDnsServer } from '../../src/dns/index.ts';
import type { DnsServer } from '../../src/dns/index.ts';
import { silentLogger } from '../../src/observe/index.ts';
import { useCluster } from './cluster-harness.ts';
import { isInside } from './linux-harness.ts';
import { buildLookupProgram, needsMusl } from './lookup-program.ts';
import { execInPod } from './pod-exec.ts';

const resolver = '10.0.1.1';
const search = ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local'];
const manifests = `
apiVersion: v1
kind: Pod
metadata: {name: auto}
spec:
  nodeName: node-2
  dnsPolicy: None
  dnsConfig: {nameservers: [${resolver}], searches: [${search.join(', ')}], options: [{name: ndots, value: "5"}]}
  containers: [{name: c, image: echo}]
---
apiVersion: v1
kind: Service
metadata: {name: virtual}
spec: {clusterIP: 10.96.0.77, ports: [{port: 80}]}
`;

/** What is asked for, the addresses, and the questions that it takes where each name is asked for one type. */
const cases: readonly (readonly [name: string, addresses: readonly string[], questions: readonly string[]])[] = [
  ['virtual', ['10.96.0.77'], ['virtual.default.svc.cluster.local']],
  ['virtual.default', ['10.96.0.77'], ['virtual.default.default.svc.cluster.local']],
  ['www.outside.example', ['10.0.9.1'], ['www.outside.example.default.svc.cluster.local']],
  ['gone.outside.example', [], [...search, ''].map((suffix) => `gone.outside.example${suffix === '' ? '' : '.'}${suffix}`)],
];

if (isInside(import.meta.url)) {
  const cluster = useCluster({}, manifests);
  let server: DnsServer | undefined;
  let asked: string[] = [];

  test('a server with autopath comes up on a node', async () => {
    const place = cluster().lab.place('node/node-1');
    const at = { address: resolver, port: 53 };
    const logger = {
      ...silentLogger,
      info: (facts: object) => {
        if ('name' in facts && 'type' in facts && facts.type === 'A') asked.push(String(facts.name));
      },
    };
    server = await startDnsServer(
      {
        source: { client: cluster().client },
        listen: { udpFds: [await place.openDatagrams(at)], tcpFds: [await place.openListener(at)] },
        podMode: 'verified',
        autopath: { search: [] },
        queryLog: { zones: ['.'], classes: ['success', 'denial', 'error'], logger },
        forwarder: createHostsForwarder([{ address: '10.0.9.1', names: ['www.outside.example'] }], {
          forward: async (query) => emptyAnswer(query, rcodes.NXDOMAIN),
          close: async () => undefined,
        }),
      },
      { logger: silentLogger },
    );
    await server.ready;
  });
  after(async () => {
    await server?.close();
  });

  for (const [name, addresses, questions] of cases) {
    test(`glibc finds ${addresses.length === 0 ? 'nothing' : addresses.join()} at ${name} in ${questions.length} question(s)`, async () => {
      asked = [];
      const output = await execInPod(cluster(), 'auto', ['getent', 'ahostsv4', name]);
      assert.deepEqual(
        [...output.matchAll(/^(\S+) +STREAM/gm)].map(([, address = '']) => address),
        addresses,
      );
      assert.deepEqual(asked, questions);
    });
  }

  test('musl finds the same', needsMusl, async () => {
    const program = buildLookupProgram();
    const lookUp = 'cat > /tmp/lookup && chmod 755 /tmp/lookup && /tmp/lookup "$1"';
    for (const [name, addresses] of cases) {
      const output = await execInPod(cluster(), 'auto', ['sh', '-c', lookUp, 'sh', name], program);
      if (addresses.length > 0) assert.equal(output, `${addresses.join('\n')}\n`, name);
      else assert.match(output, /does not resolve/, name);
    }
  });
}
