/** Names of `outside` seen whole: from a pod through the C library (glibc, and musl where it is installed), and from outside. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { startDnsServer } from '../../src/dns/index.ts';
import { headlessOf, namespaceOf, serviceOf, sliceOf } from '../../src/names/sample-objects.ts';
import { silentLogger } from '../../src/observe/index.ts';
import { echoPod, useCluster } from './cluster-harness.ts';
import { handInformers } from './dns-harness.ts';
import { hasProgram, isInside } from './linux-harness.ts';
import { buildLookupProgram, needsMusl } from './lookup-program.ts';
import { execInPod } from './pod-exec.ts';

const manifests = `${echoPod('client', { node: 'node-1' })}
apiVersion: v1
kind: Service
metadata: {name: virtual}
spec: {clusterIP: 10.96.0.77, ports: [{name: http, port: 80, targetPort: 9376}]}
---
apiVersion: v1
kind: Service
metadata: {name: sample-externalname}
spec: {type: ExternalName, externalName: thisis.externalname.com}
---
apiVersion: v1
kind: Service
metadata: {name: chain}
spec: {type: ExternalName, externalName: sample-externalname.default.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: beyond}
spec: {type: ExternalName, externalName: shop.www.svc.example.com}
`;

if (isInside(import.meta.url)) {
  const informers = handInformers();
  informers.namespaces.apply(namespaceOf('www'));
  informers.services.apply(serviceOf('www/shop', { clusterIPs: ['192.0.2.80'] }), headlessOf('www/many'));
  informers.endpointSlices.apply(
    sliceOf(
      'www/many',
      Array.from({ length: 40 }, (_, at) => `192.0.2.${at + 1}`),
    ),
  );
  for (const informer of Object.values(informers)) informer.finishSync();
  const beyond = await startDnsServer(
    { source: { informers }, clusterDomain: 'example.com', listen: { address: '127.0.0.1', port: 15_353 } },
    { logger: silentLogger },
  );
  const cluster = useCluster({ forward: ['127.0.0.1:15353'] }, manifests);
  after(async () => {
    await beyond.close();
  });

  const inPod = (...command: readonly string[]): Promise<string> => execInPod(cluster(), 'client', command);
  /** The IPv4 addresses that the C library of this machine finds. */
  const glibc = async (name: string): Promise<string[]> =>
    [...(await inPod('getent', 'ahostsv4', name)).matchAll(/^(\S+) +STREAM/gm)].map(([, address = '']) => address);

  const cases: readonly (readonly [name: string, addresses: readonly string[]])[] = [
    ['virtual', ['10.96.0.77']],
    ['virtual.default', ['10.96.0.77']],
    ['virtual.default.svc', ['10.96.0.77']],
    ['sample-externalname', ['10.0.9.1']],
    ['chain', ['10.0.9.1']],
    ['www.outside.example', ['10.0.9.1']],
    ['beyond', ['192.0.2.80']],
    ['shop.www.svc.example.com', ['192.0.2.80']],
    ['no-such-name.www.svc.example.com', []],
    ['no-such-name.outside.example', []],
  ];

  for (const [name, addresses] of cases) {
    test(`a pod's C library finds ${addresses.length === 0 ? 'nothing' : addresses.join()} at ${name}`, async () => {
      assert.deepEqual(await glibc(name), addresses);
    });
  }

  test("a pod's C library gets all addresses of an answer that does not fit into a datagram", async () => {
    assert.equal((await glibc('many.www.svc.example.com')).length, 40);
  });

  test('musl, the other C library, finds the same', needsMusl, async () => {
    const program = buildLookupProgram();
    const lookUp = 'cat > /tmp/lookup && chmod 755 /tmp/lookup && /tmp/lookup "$1"';
    for (const [name, addresses] of cases) {
      const output = await execInPod(cluster(), 'client', ['sh', '-c', lookUp, 'sh', name], program);
      if (addresses.length > 0) assert.equal(output, `${addresses.join('\n')}\n`, name);
      else assert.match(output, /does not resolve/, name);
    }
  });

  const execute = promisify(execFile);
  test(
    'outside has a name server of its own, which knows the world and not the cluster',
    hasProgram('dig') ? {} : { skip: 'dig is not installed; Debian: apt-get install dnsutils' },
    async () => {
      const { namespacePath } = cluster().lab.place('outside');
      const dig = async (...words: readonly string[]): Promise<string> =>
        (await execute('nsenter', [`--net=${namespacePath}`, 'dig', '@10.0.9.1', '+time=2', '+tries=1', ...words])).stdout;
      for (const protocol of ['+notcp', '+tcp']) assert.equal(await dig(protocol, '+short', 'www.outside.example'), '10.0.9.1\n');
      assert.match(await dig('+short', '-x', '10.0.9.1'), /^www\.outside\.example\.$/m);
      assert.match(
        await dig('gone.outside.example'),
        /status: NXDOMAIN[^]*SOA\toutside\.example\. hostmaster\.outside\.example\. 1 /,
      );
      assert.equal(await dig('+short', 'shop.www.svc.example.com'), '192.0.2.80\n');
      assert.match(await dig('virtual.default.svc.cluster.local'), /status: (REFUSED|NXDOMAIN)/);
    },
  );

  test(
    'an alias that leads out is answered with its whole chain',
    hasProgram('dig') ? {} : { skip: 'dig is not installed; Debian: apt-get install dnsutils' },
    async () => {
      const { namespacePath } = cluster().lab.place('pod/default/client');
      const { stdout } = await execute('nsenter', [
        `--net=${namespacePath}`,
        'dig',
        '@10.96.0.10',
        '+noall',
        '+answer',
        'chain.default.svc.cluster.local',
      ]);
      const lines = stdout
        .trim()
        .split('\n')
        .map((line) =>
          line
            .split(/\s+/)
            .filter((_, at) => at !== 1)
            .join(' '),
        );
      assert.deepEqual(lines, [
        'chain.default.svc.cluster.local. IN CNAME sample-externalname.default.svc.cluster.local.',
        'sample-externalname.default.svc.cluster.local. IN CNAME thisis.externalname.com.',
        'thisis.externalname.com. IN A 10.0.9.1',
      ]);
    },
  );
}
