/** `fairlead dns` as a user starts it, in front of the embedded API, asked with dig. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { endpointSlices, namespaces, services } from '../../src/api/index.ts';
import { startApiServer } from '../../src/apiserver/index.ts';
import type { ApiServer } from '../../src/apiserver/index.ts';
import { createClient, parseKubeconfig } from '../../src/client/index.ts';
import { startDnsServer } from '../../src/dns/index.ts';
import type { DnsServer } from '../../src/dns/index.ts';
import { headlessOf, namespaceOf, serviceOf, sliceOf } from '../../src/names/sample-objects.ts';
import { silentLogger } from '../../src/observe/index.ts';
import { dig, digSkip, handInformers, headerOf } from './dns-harness.ts';

const skip = digSkip;
const root = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'fairlead-dns-command-'));
const kubeconfig = join(folder, 'kubeconfig');
let api: ApiServer;
let client: ReturnType<typeof createClient>;
let elsewhere: DnsServer;
const started: Command[] = [];

before(async () => {
  if (skip !== false) return;
  api = await startApiServer({ port: 0, serviceCidrs: ['10.96.0.0/16'] }, { logger: silentLogger });
  writeFileSync(kubeconfig, api.kubeconfigText);
  client = createClient(parseKubeconfig(api.kubeconfigText), { logger: silentLogger });
  const ports = [{ name: 'http', port: 80, protocol: 'TCP' }];
  for (const service of [serviceOf('web', { clusterIP: '10.96.0.50', ports }), headlessOf('db', { ports })])
    await client.create(services, service, { namespace: 'default' });
  const ports8080 = [{ name: 'http', port: 8080, protocol: 'TCP' }];
  await client.create(endpointSlices, sliceOf('db', ['10.244.1.10'], ports8080), { namespace: 'default' });
  const informers = handInformers();
  informers.namespaces.apply(namespaceOf('www'));
  informers.services.apply(serviceOf('www/shop', { clusterIPs: ['192.0.2.80'] }));
  for (const informer of Object.values(informers)) informer.finishSync();
  elsewhere = await startDnsServer(
    { source: { informers }, clusterDomain: 'example.com', listen: { address: '127.0.0.1', port: 0 } },
    { logger: silentLogger },
  );
});

after(async () => {
  for (const command of started) command.kill();
  if (skip === false) {
    await elsewhere.close();
    client.close();
    await api.close();
  }
  rmSync(folder, { recursive: true });
});

test('with flags alone it answers names of the cluster, and asks elsewhere for the others', { skip }, async () => {
  const upstream = elsewhere.addresses[0] ?? assert.fail('no upstream');
  const command = start('--listen', '127.0.0.1:0', '--forward', `${upstream.address}:${upstream.port}`);
  const at = await command.place();
  await command.line(/^ready: /);
  assert.equal(await dig(at, '+short', 'web.default.svc.cluster.local'), '10.96.0.50\n');
  assert.equal(await dig(at, '+short', '+tcp', 'db.default.svc.cluster.local'), '10.244.1.10\n');
  assert.equal(await dig(at, '+short', 'shop.www.svc.example.com'), '192.0.2.80\n');
  assert.match(headerOf(await dig(at, 'gone.default.svc.cluster.local')), /^NXDOMAIN qr aa/);
  const web = await client.get(services, 'web', { namespace: 'default' });
  await client.create(services, serviceOf('late', { ...web.spec, clusterIP: '10.96.0.51', clusterIPs: ['10.96.0.51'] }), {
    namespace: 'default',
  });
  await eventually(async () => assert.equal(await dig(at, '+short', 'late.default.svc.cluster.local'), '10.96.0.51\n'));
  command.kill('SIGTERM');
  assert.equal(await command.status, 0);
});

test(
  'with a Corefile it has the domain and the endpoints that the file says; after SIGTERM it answers for a while',
  { skip },
  async () => {
    const file = join(folder, 'Corefile');
    writeFileSync(
      file,
      '.:53 {\n  kubernetes example.org in-addr.arpa\n  health 127.0.0.1:0 {\n    lameduck 1s\n  }\n  ready 127.0.0.1:0\n}\n',
    );
    const command = start('--config', file, '--listen', '127.0.0.1:0');
    const at = await command.place();
    const readyUrl = (await command.line(/^HTTP at .*\/ready$/)).replace('HTTP at ', '');
    await command.line(/^ready: /);
    assert.equal((await fetch(readyUrl)).status, 200);
    assert.equal(await dig(at, '+short', 'web.default.svc.example.org'), '10.96.0.50\n');
    assert.match(headerOf(await dig(at, 'web.default.svc.cluster.local')), /^REFUSED/);
    command.kill('SIGTERM');
    await eventually(async () => assert.equal((await fetch(readyUrl)).status, 503));
    assert.equal(await dig(at, '+short', 'web.default.svc.example.org'), '10.96.0.50\n');
    assert.equal(await command.status, 0);
  },
);

test('a Corefile that changes is taken in while it answers, and one that is wrong changes nothing', { skip }, async () => {
  const file = join(folder, 'Changing');
  const corefile = (domain: string, extra = ''): string => `.:53 {\n  kubernetes ${domain}\n  reload 200ms\n${extra}}\n`;
  writeFileSync(file, corefile('example.org'));
  const command = start('--config', file, '--listen', '127.0.0.1:0', '--udp-workers', '1');
  const at = await command.place();
  await command.line(/^ready: /);
  assert.equal(await dig(at, '+short', 'web.default.svc.example.org'), '10.96.0.50\n');
  writeFileSync(file, corefile('example.net', '  nonsense\n'));
  await command.line(/plugin nonsense is not supported/);
  assert.equal(await dig(at, '+short', 'web.default.svc.example.org'), '10.96.0.50\n');
  writeFileSync(file, corefile('example.net'));
  await eventually(async () => {
    // one or the other, and never nothing: dig fails when no answer comes
    const [before, after] = [
      await dig(at, 'web.default.svc.example.org'),
      await dig(at, '+short', 'web.default.svc.example.net'),
    ];
    assert.doesNotMatch(before, /SERVFAIL/);
    assert.equal(after, '10.96.0.50\n');
    assert.match(before, /REFUSED/);
  });
  for (let count = 0; count < 5; count++) {
    assert.equal(await dig(at, '+short', 'web.default.svc.example.net'), '10.96.0.50\n');
    assert.equal(await dig(at, '+short', '+tcp', 'web.default.svc.example.net'), '10.96.0.50\n');
  }
  command.kill('SIGTERM');
  assert.equal(await command.status, 0);
});

test(
  'imports, fixed names from a file and a log of queries, as k3s configures them; counters outlive a reload',
  { skip },
  async () => {
    const custom = join(folder, 'custom');
    // one that stays: the next server must take it over
    const metricsPort = await freePort();
    mkdirSync(custom);
    const [file, hosts] = [join(folder, 'K3s'), join(folder, 'NodeHosts')];
    writeFileSync(hosts, '192.0.2.7 node-a\n');
    writeFileSync(
      file,
      `.:53 {
    errors
    kubernetes cluster.local in-addr.arpa {
      fallthrough in-addr.arpa
    }
    hosts ${hosts} {
      ttl 60
      reload 100ms
      fallthrough
    }
    prometheus 127.0.0.1:${metricsPort}
    reload 200ms
    import ${custom}/*.override
}
import ${custom}/*.server
`,
    );
    const command = start('--config', file, '--listen', '127.0.0.1:0', '--udp-workers', '1');
    const at = await command.place();
    const metricsUrl = (await command.line(/^HTTP at .*\/metrics$/)).replace('HTTP at ', '');
    await command.line(/^ready: /);
    const requests = async (): Promise<number> => {
      const text = await (await fetch(metricsUrl)).text();
      return [...text.matchAll(/^coredns_dns_requests_total\{.*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
    };
    assert.equal(await dig(at, '+short', 'node-a'), '192.0.2.7\n');
    assert.equal(await dig(at, '+short', '-x', '192.0.2.7'), 'node-a.\n');
    writeFileSync(hosts, '192.0.2.77 node-a\n192.0.2.8 node-b\n');
    await eventually(async () => assert.equal(await dig(at, '+short', 'node-b'), '192.0.2.8\n'));
    assert.equal(await dig(at, '+short', 'node-a'), '192.0.2.77\n');
    const before = await requests();
    assert.ok(before >= 4, `${before} counted`);
    writeFileSync(join(custom, 'log.override'), 'log {\n  class denial\n}\n');
    await eventually(async () => {
      await dig(at, 'gone.default.svc.cluster.local');
      assert.match(
        command.output,
        /"name":"gone\.default\.svc\.cluster\.local".*"rcode":"NXDOMAIN".*"client":"127\.0\.0\.1".*"msg":"query"/,
      );
    });
    await dig(at, 'web.default.svc.cluster.local');
    assert.doesNotMatch(command.output, /"name":"web/, 'an answer is no denial');
    assert.ok((await requests()) > before, 'the counters went on');
    command.kill('SIGTERM');
    assert.equal(await command.status, 0);
  },
);

test('labels and namespace_labels choose what has a name, in the reverse zones too, and follow changes', { skip }, async () => {
  const inTeam = { team: 'a' };
  for (const [name, labels] of [
    ['mine', inTeam],
    ['theirs', { team: 'b' }],
  ] as const) {
    await client.create(namespaces, { metadata: { name, labels } });
    for (const [service, clusterIP, app] of [
      ['shown', name === 'mine' ? '10.96.0.61' : '10.96.0.62', 'x'],
      ['hidden', name === 'mine' ? '10.96.0.63' : '10.96.0.64', 'y'],
    ] as const) {
      const { metadata, spec } = serviceOf(`${name}/${service}`, { clusterIP, ports: [{ port: 80 }] });
      await client.create(services, { metadata: { ...metadata, labels: { app } }, spec: spec ?? {} }, { namespace: name });
    }
  }
  const file = join(folder, 'Chosen');
  writeFileSync(
    file,
    '.:53 {\n  kubernetes cluster.local in-addr.arpa {\n    labels app in (x, z)\n    namespace_labels team=a\n  }\n}\n',
  );
  const command = start('--config', file, '--listen', '127.0.0.1:0');
  const at = await command.place();
  await command.line(/^ready: /);
  const found = async (...words: readonly string[]): Promise<string> => (await dig(at, '+short', ...words)).trim();
  assert.equal(await found('shown.mine.svc.cluster.local'), '10.96.0.61');
  assert.equal(await found('hidden.mine.svc.cluster.local'), '');
  assert.match(headerOf(await dig(at, 'hidden.mine.svc.cluster.local')), /^NXDOMAIN/);
  assert.match(headerOf(await dig(at, 'theirs.svc.cluster.local')), /^NXDOMAIN/);
  assert.equal(await found('-x', '10.96.0.61'), 'shown.mine.svc.cluster.local.');
  for (const address of ['10.96.0.62', '10.96.0.63']) assert.equal(await found('-x', address), '');
  await client.patch(namespaces, 'theirs', 'merge', { metadata: { labels: inTeam } }, {});
  await eventually(async () => assert.equal(await found('shown.theirs.svc.cluster.local'), '10.96.0.62'));
  await client.patch(services, 'shown', 'merge', { metadata: { labels: { app: 'y' } } }, { namespace: 'mine' });
  await eventually(async () => assert.equal(await found('shown.mine.svc.cluster.local'), ''));
  command.kill('SIGTERM');
  assert.equal(await command.status, 0);
});

test('what it cannot do it says in one sentence', { skip }, async () => {
  const file = join(folder, 'bad');
  writeFileSync(file, '.:53 {\n  kubernetes cluster.local\n  rewrite name a b\n}\n');
  const taken = `127.0.0.1:${elsewhere.addresses[0]?.port ?? 0}`;
  const cases: readonly (readonly [args: readonly string[], sentence: RegExp])[] = [
    [['--config', file], /^fairlead: .*bad:3:3: plugin rewrite is not supported/m],
    [['--config', join(folder, 'missing')], /^fairlead: cannot read the configuration: ENOENT/m],
    [['--config', file, '--forward', '192.0.2.1'], /^fairlead: --forward does not go with --config/m],
    [['--listen', 'here'], /^fairlead: not a place to listen at: here/m],
    [['--listen', taken], /^fairlead: cannot listen: .*another program listens there/m],
    [['--forward', 'dns.example'], /not a server: dns.example/m],
  ];
  await Promise.all(
    cases.map(async ([args, sentence]) => {
      const command = start(...args);
      assert.equal(await command.status, 1, args.join(' '));
      assert.match(command.output, sentence);
      assert.doesNotMatch(command.output, /^ +at /m);
    }),
  );
});

function start(...args: readonly string[]): Command {
  const command = new Command(args);
  started.push(command);
  return command;
}

/** A running `fairlead dns` and what it says. */
class Command {
  readonly #child: ChildProcess;
  readonly status: Promise<number>;
  output = '';

  constructor(args: readonly string[]) {
    this.#child = spawn(
      process.execPath,
      [join(root, 'bin', 'fairlead.js'), 'dns', '--kubeconfig', kubeconfig, '--log-level', 'error', ...args],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    createInterface({ input: this.#child.stderr ?? assert.fail('no stderr') }).on('line', (line) => {
      this.output += `${line}\n`;
    });
    this.status = once(this.#child, 'close').then(([code]) => (typeof code === 'number' ? code : -1));
  }

  /** The first line like this, now or later. */
  async line(pattern: RegExp): Promise<string> {
    let found: string | undefined;
    await eventually(async () => {
      found = this.output.split('\n').find((line) => pattern.test(line));
      assert.ok(found !== undefined, `no line ${pattern.source} in:\n${this.output}`);
    });
    return found ?? '';
  }

  async place(): Promise<{ readonly address: string; readonly port: number }> {
    const line = await this.line(/^DNS at /);
    return { address: '127.0.0.1', port: Number(/:([0-9]+),/.exec(line)?.[1]) };
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#child.kill(signal);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

/** Tries until it holds, for ten seconds. */
async function eventually(check: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
