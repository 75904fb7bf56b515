/** Every name that the examples give, asked with dig over UDP and TCP, and looked up by the C libraries from a pod. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { endpointSlices, namespaces, pods, services } from '../../src/api/index.ts';
import { parseManifest } from '../../src/manifest/index.ts';
import { dashedLabel, explainName, NameIndex } from '../../src/names/index.ts';
import { echoPod, until, useCluster } from './cluster-harness.ts';
import { hasProgram, isInside } from './linux-harness.ts';
import { buildLookupProgram, needsMusl } from './lookup-program.ts';
import { execInPod } from './pod-exec.ts';

const examples = join(import.meta.dirname, '../../examples');
const zone = 'cluster.local';

if (isInside(import.meta.url)) {
  const cluster = useCluster({}, '');
  /** Made of the objects of the API, as it should be; the server has one of its own. */
  const index = new NameIndex({ zone, podMode: 'verified', nowSeconds: () => 0 });
  const names = new Set<string>();
  const addresses = new Set<string>();

  test('the examples come up', async () => {
    for (const file of globSync('*.yaml', { cwd: examples }).sort())
      await cluster().apply(parseManifest(readFileSync(join(examples, file), 'utf8'), file));
    await cluster().apply(parseManifest(echoPod('asking', { node: 'node-1' }), 'test'));
    await until('everything is there', async () => (await cluster().settled({ timeoutMs: 1_000 })).length === 0, 60_000);
    const { client } = cluster();
    for (const namespace of (await client.list(namespaces, {})).items) index.applyNamespace(namespace);
    for (const slice of (await client.list(endpointSlices, {})).items) {
      index.applyEndpointSlice(slice);
      const { namespace = '', labels } = slice.metadata ?? {};
      const service = `${labels?.['kubernetes.io/service-name'] ?? ''}.${namespace}.svc.${zone}`;
      for (const endpoint of slice.endpoints ?? [])
        for (const address of endpoint.addresses) {
          addresses.add(address);
          names.add(`${endpoint.hostname ?? dashedLabel(address)}.${service}`);
        }
      for (const { name, protocol } of slice.ports ?? [])
        if ((name ?? '') !== '') names.add(`_${name}._${protocol}.${service}`.toLowerCase());
    }
    for (const service of (await client.list(services, {})).items) {
      index.applyService(service);
      const { name = '', namespace = '' } = service.metadata ?? {};
      names.add(`${name}.${namespace}.svc.${zone}`);
      for (const address of service.spec?.clusterIPs ?? []) if (address !== 'None') addresses.add(address);
    }
    for (const pod of (await client.list(pods, {})).items) {
      index.applyPod(pod);
      const address = pod.status?.podIP ?? '';
      if (address !== '') names.add(`${dashedLabel(address)}.${pod.metadata?.namespace ?? ''}.pod.${zone}`);
      // what people try, and what is no name
      names.add(`${pod.metadata?.name ?? ''}.${pod.metadata?.namespace ?? ''}.pod.${zone}`);
    }
    for (const address of addresses) names.add(`${address.split('.').reverse().join('.')}.in-addr.arpa`);
    assert.ok(names.size > 100, `${names.size} names`);
  });

  test(
    'dig gets the records of every name, and the code of every missing one',
    hasProgram('dig') ? {} : { skip: 'dig is not installed; Debian: apt-get install dnsutils' },
    async () => {
      const questions = [...names].flatMap((name) =>
        name.endsWith('.arpa') ? [`${name} PTR`] : ['A', 'AAAA', 'SRV'].map((type) => `${name} ${type}`),
      );
      for (const transport of ['+notcp', '+tcp']) {
        const batch = new TextEncoder().encode(questions.map((question) => `${question}\n`).join(''));
        const command = `cat > /tmp/questions && dig ${transport} +tries=2 +time=5 +noall +comments +question +answer -f /tmp/questions`;
        const output = await execInPod(cluster(), 'asking', ['sh', '-c', command], batch);
        const answers = output.split(/^;; Got answer:$/m).slice(1);
        assert.equal(answers.length, questions.length, output.slice(-300));
        let found = 0;
        for (const [at, question] of questions.entries()) {
          const [name = '', type = ''] = question.split(' ');
          const text = answers[at] ?? '';
          const want = explainName(index, name, type);
          assert.equal(/status: ([A-Z]+)/.exec(text)?.[1], want.rcode, `${transport} ${question}\n${text}`);
          const records = text
            .split('\n')
            .filter((line) => /^[^;\s]/.test(line))
            .map((line) => line.split(/\s+/))
            // what an alias leads to outside, an outside server knows
            .filter(([owner = '']) => owner.endsWith(`${zone}.`) || owner.endsWith('.arpa.'))
            .map(([, , , own, ...data]) => `${own} ${data.join(' ')}`);
          found += records.length;
          assert.deepEqual(
            records.sort(),
            want.answers.map(({ type: own, data }) => `${own} ${data}`).sort(),
            `${transport} ${question}`,
          );
        }
        assert.ok(found > 100, `${found} records`);
      }
    },
  );

  const looked = (): string[] => [...names].filter((name) => name.endsWith(`.svc.${zone}`) && !name.startsWith('_'));
  const wantOf = (name: string): string[] | undefined => {
    const { answers, reason } = explainName(index, name, 'A');
    if (reason?.code === 'alias-leaves-zone') return undefined;
    return answers
      .filter(({ type }) => type === 'A')
      .map(({ data }) => data)
      .sort();
  };
  const compare = (output: string): void => {
    const sections = output.split('= ').slice(1);
    assert.equal(sections.length, looked().length);
    for (const [at, name] of looked().entries()) {
      const want = wantOf(name);
      const found = [...(sections[at] ?? '').matchAll(/^(\d+\.\d+\.\d+\.\d+)(?:$| +STREAM)/gm)]
        .map(([, address = '']) => address)
        .sort();
      if (want === undefined) assert.deepEqual(found, ['10.0.9.1'], name);
      else assert.deepEqual(found, want, `${name}: ${sections[at]}`);
    }
  };

  test('glibc finds the addresses of every Service and endpoint, and of no other name', async () => {
    const lookUp = 'for name in "$@"; do echo "= $name"; getent ahostsv4 "$name"; done';
    compare(await execInPod(cluster(), 'asking', ['sh', '-c', lookUp, 'sh', ...looked()]));
  });

  test('musl does too', needsMusl, async () => {
    const program = buildLookupProgram();
    const lookUp = 'cat > /tmp/lookup && chmod 755 /tmp/lookup && for name in "$@"; do echo "= $name"; /tmp/lookup "$name"; done';
    compare(await execInPod(cluster(), 'asking', ['sh', '-c', lookUp, 'sh', ...looked()], program));
  });
}
