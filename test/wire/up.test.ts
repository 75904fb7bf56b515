/** `fairlead up` from the host's side: its command, its flags, what it says when something is wrong, what it serves. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { configMaps, leases, nodes, services } from '../../src/api/index.ts';
import { findKubectl, noKubectl } from '../../tools/testing/kubectl.ts';
import { Desk, getText, needsLab, program, startProgram, until, webService } from './up-harness.ts';
import type { Running } from './up-harness.ts';
import { hasProgram } from './linux-harness.ts';

const kubectl = findKubectl() ?? '';
const kubectlNeeded = kubectl === '' ? { skip: noKubectl } : needsLab;

const desk = new Desk();
after(() => desk.close());

function file(name: string, text: string): string {
  const path = join(desk.folder, name);
  writeFileSync(path, text);
  return path;
}

/** Runs `body` beside a lab. */
async function beside(args: readonly string[], body: (lab: Running) => Promise<void>): Promise<void> {
  const lab = desk.start(['up', ...args]);
  try {
    await lab.printed(/Try, in another terminal/);
    await body(lab);
  } finally {
    lab.child.kill('SIGTERM');
    await lab.ended;
  }
}

test('the command gets KUBECONFIG once everything is ready, and its status is the exit status', needsLab, async () => {
  const manifest = file('web.yaml', webService('web'));
  const script = `
    const { readFileSync } = require('node:fs');
    const text = readFileSync(process.env.KUBECONFIG, 'utf8');
    console.log(/server: "?([^"\\s]+)/.exec(text)[1], process.env.FAIRLEAD_LAB);
    process.exit(7);`;
  const { status, stdout, stderr } = await desk.run([
    'up',
    '--name',
    'command',
    '-f',
    manifest,
    '--',
    process.execPath,
    '-e',
    script,
  ]);
  assert.equal(status, 7);
  assert.match(stdout, /^https:\/\/127\.0\.0\.1:\d+ command\n$/);
  assert.equal(stderr, '', 'a program that reads the output of the command gets nothing else');
  assert.deepEqual(desk.leftovers(), []);
});

test('a command that a signal ends gives the status that a shell would', needsLab, async () => {
  const { status } = await desk.run(['up', '--nodes', '1', '--', 'sh', '-c', 'kill -TERM $$']);
  assert.equal(status, 128 + 15);
});

test('a command that does not exist is said, and the lab goes', needsLab, async () => {
  const { status, stderr } = await desk.run(['up', '--nodes', '1', '--', 'no-such-program']);
  assert.equal(status, 1);
  assert.equal(stderr, 'fairlead: cannot run no-such-program: there is no such program\n');
  assert.deepEqual(desk.leftovers(), []);
});

const mistakes: readonly { readonly name: string; readonly args: () => readonly string[]; readonly want: RegExp }[] = [
  { name: 'an unknown flag', args: () => ['up', '--nosuch'], want: /^error: unknown option '--nosuch'\n/ },
  { name: 'a number that is none', args: () => ['up', '--nodes', 'x'], want: /'--nodes <n>' argument 'x' is invalid/ },
  { name: 'a port that is none', args: () => ['up', '--port', '70000'], want: /'70000' is invalid\. A port is at most 65535\./ },
  { name: 'a family that is none', args: () => ['up', '--ip-family', 'v5'], want: /Allowed choices are ipv4, ipv6, dual/ },
  { name: 'a name that leads elsewhere', args: () => ['up', '--name', '../x'], want: /'\.\.\/x' is invalid/ },
  {
    name: 'a publication without a port',
    args: () => ['up', '-p', '8080:web'],
    want: /^fairlead: -p 8080:web: write LOCAL-PORT/,
  },
  {
    name: 'a file that is not there',
    args: () => ['up', '-f', 'nosuch.yaml'],
    want: /^fairlead: cannot read nosuch\.yaml: no such file or directory\n$/,
  },
  {
    name: 'a file without its flag',
    args: () => ['up', 'nosuch.yaml'],
    want: /^fairlead: nosuch\.yaml is no program to run; to apply it, write: -f nosuch\.yaml\n$/,
  },
  {
    name: 'a file that is no YAML',
    args: () => ['up', '-f', file('broken.yaml', 'kind: Service\nspec: [}\n')],
    want: /^fairlead: .*broken\.yaml:2:\d+: .*\n/,
  },
  {
    name: 'an object that the API refuses',
    args: () => [
      'up',
      '-f',
      file('refused.yaml', 'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec:\n  type: Nosuch\n  ports: [{port: 80}]\n'),
    ],
    want: /^ {2}API at .*\n.*\nfairlead: .*refused\.yaml:5:3: Service "a" is invalid: spec\.type/,
  },
  {
    name: 'a kind that nobody knows',
    args: () => ['up', '-f', file('kind.yaml', '\napiVersion: v9\nkind: Nosuch\nmetadata: {name: a}\n')],
    want: /fairlead: .*kind\.yaml:3:1: no kind Nosuch in v9/,
  },
  {
    name: 'a value of the wrong type deep inside',
    args: () => [
      'up',
      '-f',
      file(
        'deep.yaml',
        'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - {name: c, image: x, tty: 5}\n',
      ),
    ],
    want: /fairlead: .*deep\.yaml:6:25: Pod in version "v1" cannot be handled as a Pod: .*spec\.containers\[0\]\.tty/,
  },
  {
    name: 'metadata that is no mapping',
    args: () => ['up', '-f', file('metadata.yaml', 'apiVersion: v1\nkind: Pod\nmetadata: a\n')],
    want: /fairlead: .*metadata\.yaml:3:1: .*metadata is a mapping/,
  },
  {
    name: 'a file without an object',
    args: () => ['up', '-f', file('empty.yaml', '# nothing\n')],
    want: /^fairlead: .*empty\.yaml holds no object\n$/,
  },
];
for (const { name, args, want } of mistakes) {
  test(`${name} is told in one sentence, and nothing stays`, needsLab, async () => {
    const { status, stderr } = await desk.run(args());
    assert.equal(status, 1);
    assert.match(stderr, want);
    assert.doesNotMatch(stderr, /\n {4}at /, 'no stack for bad input');
    assert.deepEqual(desk.leftovers(), []);
  });
}

test('the summary says why nothing stands behind a Service', needsLab, async () => {
  const service = (name: string, spec: string): string =>
    `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {${spec}ports: [{port: 80}]}\n---\n`;
  const manifest = file(
    'idle.yaml',
    `${service('mistyped', 'selector: {app: wbe}, ')}${service('open', '')}${webService('web')}`,
  );
  await beside(['--nodes', '1', '--name', 'idle', '-f', manifest], async (lab) => {
    assert.match(
      lab.output(),
      /^nothing serves default\/mistyped: its selector app=wbe matches none of the 3 pods in namespace default; .*label app is "web" and should be "wbe"$/m,
    );
    assert.match(
      lab.output(),
      /^nothing serves default\/open: it has no selector, so nobody fills its endpoints: write an EndpointSlice/m,
    );
    assert.doesNotMatch(lab.output(), /nothing serves default\/web/);
    assert.match(lab.output(), /curl -s http:\/\/web\.default:80\//, 'what is worth trying is served');
  });
});

test('what the API remarks on an object of a file is told, beside a command too', needsLab, async () => {
  const policy = 'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {}}\n';
  const path = file('policy.yaml', `# first\n${policy}`);
  const { status, stderr } = await desk.run(['up', '--nodes', '1', '-f', path, '--', 'true']);
  assert.equal(status, 0);
  assert.equal(stderr, `Warning: ${path}:2:1: NetworkPolicy is stored, but nothing in Fairlead acts on it\n`);
});

test('a manifest on standard input is applied', needsLab, async () => {
  const input = webService('piped');
  const command = ['--', program, 'run', '--from', 'pod/client', '--', ...getText('http://piped/')];
  const { stdout, stderr } = await desk.run(['up', '--nodes', '1', '-f', '-', ...command], { input });
  assert.match(stdout, /^pod piped-/, stderr);
});

for (const type of ['ClusterIP', 'NodePort', 'LoadBalancer']) {
  test(`-p lets the host in to a Service of type ${type}`, needsLab, async () => {
    const port = await freePort();
    const manifest = file(`${type}.yaml`, webService('web', `type: ${type}`));
    await beside(['--nodes', '2', '--name', 'publish', '-f', manifest, '-p', `${port}:default/web:80`], async (lab) => {
      const seen = new Set<string>();
      for (let count = 0; count < 20; count++) {
        const text = await (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).text();
        seen.add(/^pod (web-\S+) /.exec(text)?.[1] ?? text);
      }
      assert.ok(lab.output().includes(`http://127.0.0.1:${port} leads to default/web:80\n`));
      assert.equal(seen.size, 2, `both pods answer: ${[...seen].join(', ')}`);
    });
  });
}

test('-p with a port that is taken is said', needsLab, async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const { status, stderr } = await desk.run(['up', '--nodes', '1', '-p', `${port}:default/web:80`]);
  server.close();
  assert.equal(status, 1);
  assert.match(stderr, new RegExp(`fairlead: -p: 127\\.0\\.0\\.1:${port} is taken; choose another local port`));
  assert.deepEqual(desk.leftovers(), []);
});

test('two labs live side by side under two names, and one name is not given twice', needsLab, async () => {
  await beside(['--nodes', '1', '--name', 'first'], async (first) => {
    await beside(['--nodes', '1', '--name', 'second'], async (second) => {
      const urls = [first, second].map((lab) => /API (https:\S+)/.exec(lab.output())?.[1]);
      assert.notEqual(urls[0], urls[1]);
      assert.match(second.output(), /API at https:\/\/127\.0\.0\.1:\d+ \(port 6443 is taken\)\n/);
      await desk
        .client('first')
        .create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'only-here' } }, { namespace: 'default' });
      const inSecond = await desk.client('second').list(configMaps, { namespace: 'default' });
      assert.deepEqual(
        inSecond.items.map((item) => item.metadata?.name).filter((name) => name === 'only-here'),
        [],
      );
      const again = await desk.run(['up', '--name', 'second']);
      assert.equal(again.status, 1);
      assert.match(
        again.stderr,
        /^fairlead: a lab called second is already running \(process \d+\): stop it, or start a second one with --name\n$/,
      );
      const lost = await desk.run(['run', '--name', 'third', '--from', 'outside', '--', 'true']);
      assert.match(
        lost.stderr,
        /^fairlead: no lab called third is running \(running: first, second; choose one with --name\)\n$/,
      );
    });
  });
});

test('of two that start at once under one name, one gets it', needsLab, async () => {
  const labs = [1, 2].map(() => desk.start(['up', '--nodes', '1', '--name', 'raced', '--', 'sleep', '1']));
  const endings = await Promise.all(labs.map((lab) => lab.ended));
  assert.deepEqual(
    endings.map((ending) => ending.status ?? -1).sort((a, b) => a - b),
    [0, 1],
  );
  assert.match(endings.map((ending) => ending.stderr).join(''), /a lab called raced is already running/);
});

test('a lab of five nodes has five nodes, in two zones', needsLab, async () => {
  await beside(['--nodes', '5', '--name', 'five'], async () => {
    const { items } = await desk.client('five').list(nodes);
    const zones = items.map((node) => node.metadata?.labels?.['topology.kubernetes.io/zone']);
    assert.deepEqual([items.length, new Set(zones).size], [5, 2]);
  });
});

test('--data keeps the objects over a restart, addresses included', needsLab, async () => {
  const args = ['--nodes', '1', '--name', 'kept', '--data', join(desk.folder, 'data')];
  const manifest = file('kept.yaml', webService('web'));
  const addresses: (string | undefined)[] = [];
  for (const more of [['-f', manifest], []]) {
    await beside([...args, ...more], async () => {
      const web = await desk.client('kept').get(services, 'web', { namespace: 'default' });
      addresses.push(web.spec?.clusterIP);
      const asked = await desk.run(['run', '--name', 'kept', '--from', 'pod/client', '--', ...getText('http://web/')]);
      assert.match(asked.stdout, /^pod web-/, asked.stderr);
    });
  }
  assert.ok(addresses[0] !== undefined && addresses[0] === addresses[1], addresses.join(' '));
});

test('a Node object makes a node of the lab, and its deletion takes it away', needsLab, async () => {
  const manifest = file('grow.yaml', webService('web'));
  await beside(['--nodes', '1', '--name', 'grow', '-f', manifest], async () => {
    const client = desk.client('grow');
    const ask = (): Promise<{ status: number | null; stdout: string; stderr: string }> =>
      desk.run(['run', '--name', 'grow', '--from', 'node/extra', '--', ...getText('http://web.default.svc.cluster.local/')]);
    await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'extra' } });
    await until(
      () => 'the new node is ready',
      async () =>
        (await client.get(nodes, 'extra')).status?.conditions?.some(
          ({ type, status }) => type === 'Ready' && status === 'True',
        ) === true,
    );
    const { stdout, stderr } = await ask();
    assert.match(stdout, /^pod web-/, stderr);
    const { 'kubernetes.io/arch': arch, ...labels } = (await client.get(nodes, 'extra')).metadata?.labels ?? {};
    assert.match(arch ?? '', /^\w+$/);
    assert.deepEqual(labels, { 'kubernetes.io/hostname': 'extra', 'kubernetes.io/os': 'linux' });
    const beats = async (): Promise<boolean> =>
      (await client.list(leases, { namespace: 'kube-node-lease' })).items.some(({ metadata }) => metadata?.name === 'extra');
    await until(() => 'the node says that it lives', beats);
    await client.delete(nodes, 'extra');
    let last = '';
    await until(
      () => `the node is gone: ${last}`,
      async () => (last = (await ask()).stderr) === 'fairlead: there is no node extra in the lab\n',
    );
    await until(
      () => 'and so is its lease',
      async () => !(await beats()),
    );
  });
});

test(
  'nft lists all that is in a node',
  { ...needsLab, ...(hasProgram('nft') ? {} : { skip: 'nft is missing: apt install nftables' }) },
  async () => {
    const manifest = file('listed.yaml', webService('web', 'type: LoadBalancer\n  sessionAffinity: ClientIP'));
    await beside(['--nodes', '2', '--name', 'listed', '--ip-family', 'dual', '-f', manifest], async () => {
      const web = await desk.client('listed').get(services, 'web', { namespace: 'default' });
      for (const node of ['node-1', 'node-2']) {
        const { status, stdout, stderr } = await desk.run([
          'run',
          '--name',
          'listed',
          '--from',
          `node/${node}`,
          '--',
          'nft',
          'list',
          'ruleset',
        ]);
        assert.equal(status, 0, stderr);
        assert.match(stdout, /table ip fairlead \{/);
        assert.match(stdout, /table ip6 fairlead \{/);
        assert.ok(stdout.includes(`${web.spec?.clusterIP ?? '?'} . tcp . 80`), 'the Service is in the list');
      }
    });
  },
);

for (const { name, manifest } of [
  { name: 'an empty lab', manifest: undefined },
  { name: 'a lab with a Service', manifest: webService('web') },
]) {
  test(`the commands that ${name} suggests work as they stand, from any directory`, kubectlNeeded, async () => {
    const more = manifest === undefined ? [] : ['-f', file('suggested.yaml', manifest)];
    await beside(['--nodes', '1', '--name', 'suggests', ...more], async (lab) => {
      await lab.printed(/Try, in another terminal:\n( {2}.*\n){3}/);
      const commands = [...(lab.output().split('Try, in another terminal:\n')[1] ?? '').matchAll(/^ {2}(.*)$/gm)]
        .map((match) => match[1] ?? '')
        .slice(0, 3);
      const env = { ...desk.env, PATH: `${dirname(kubectl)}:${process.env['PATH'] ?? ''}`, SHELL: '/bin/sh' };
      // one after the other in one shell, as they would be pasted
      const { status, stderr } = await startProgram('sh', ['-ec', commands.join('\n')], { env, cwd: '/' }).ended;
      assert.equal(status, 0, `${commands.join('\n')}\n${stderr}`);
    });
  });
}

test('the kubeconfig is for its owner alone', needsLab, async () => {
  await beside(['--nodes', '1', '--name', 'secret'], async (lab) => {
    const path = /KUBECONFIG (\S+)/.exec(lab.output())?.[1] ?? '';
    assert.ok(existsSync(path), path);
    const modes = [path, join(path, '..'), join(path, '..', 'control.sock')].map((name) =>
      (statSync(name).mode & 0o777).toString(8),
    );
    assert.deepEqual(modes, ['600', '700', '600']);
    assert.match(readFileSync(path, 'utf8'), /name: "fairlead-secret"/);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('a user whom no passwd entry knows, without a home, is served', needsLab, async () => {
  const args = [
    '--user',
    '--map-user=54321',
    'env',
    '-u',
    'HOME',
    '-u',
    'NODE_COMPILE_CACHE',
    '-u',
    'XDG_CACHE_HOME',
    program,
    'version',
  ];
  const { status, stdout, stderr } = await startProgram('unshare', args, { env: desk.env, cwd: desk.folder }).ended;
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^fairlead \d/);
});
