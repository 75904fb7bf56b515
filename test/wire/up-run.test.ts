/** `fairlead run` and `fairlead explain` against a lab that runs, as a user calls them. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pods, services } from '../../src/api/index.ts';
import type { Pod } from '../../src/api/index.ts';
import { Desk, getText, needsLab, startProgram, until, webService } from './up-harness.ts';
import type { Ending, Running } from './up-harness.ts';
import { hasProgram } from './linux-harness.ts';

const desk = new Desk();
const name = 'run';
let lab: Running | undefined;

before(async () => {
  if (needsLab.skip !== undefined) return;
  const manifest = join(desk.folder, 'web.yaml');
  // the pods of node-2 alone may be reached from outside
  const policy = 'type: NodePort\n  internalTrafficPolicy: Cluster\n  externalTrafficPolicy: Local';
  writeFileSync(manifest, webService('web', policy).replace('spec: {containers', 'spec: {nodeName: node-2, containers'));
  lab = desk.start(['up', '--name', name, '--nodes', '2', '-f', manifest]);
  await lab.printed(/Try, in another terminal/);
});

after(async () => {
  lab?.child.kill('SIGTERM');
  await lab?.ended;
  desk.close();
});

function runAt(place: string, ...command: string[]): Promise<Ending> {
  return desk.run(['run', '--name', name, '--from', place, '--', ...command]);
}

function sh(place: string, script: string): Promise<Ending> {
  return runAt(place, 'sh', '-c', script);
}

for (const place of ['pod/client', 'node/node-1', 'outside']) {
  test(`a program at ${place} gives its exit status`, needsLab, async () => {
    assert.deepEqual(
      [(await sh(place, 'exit 0')).status, (await sh(place, 'exit 7')).status, (await sh(place, 'kill -KILL $$')).status],
      [0, 7, 137],
    );
  });

  test(`a program at ${place} reads our standard input and sees where it is`, needsLab, async () => {
    const ending = await desk.run(
      ['run', '--name', name, '--from', place, '--', 'sh', '-c', 'cat; echo $FAIRLEAD_PLACE; hostname'],
      {
        input: 'hello\n',
      },
    );
    const [said, at, host] = ending.stdout.split('\n');
    const full = place === 'pod/client' ? 'pod/default/client' : place;
    assert.deepEqual([said, at, host], ['hello', full, place.split('/').at(-1)], ending.stderr);
  });

  test(`names resolve at ${place} as they should`, needsLab, async () => {
    const { status, stdout } = await runAt(place, 'getent', 'hosts', 'web.default.svc.cluster.local');
    if (place === 'outside') assert.deepEqual([status, stdout], [2, '']);
    else assert.match(stdout, /^10\.96\.\d+\.\d+ +web\.default\.svc\.cluster\.local\n$/);
  });
}

test('a short name resolves in a pod through its search path', needsLab, async () => {
  const { stdout, stderr } = await runAt('pod/client', ...getText('http://web/'));
  assert.match(stdout, /^pod web-\S+ node node-2 client 10\.244\.1\.\d+\n$/, stderr);
});

test(
  'curl at outside reaches a node port where a pod is, with its address kept',
  { ...needsLab, ...(hasProgram('curl') ? {} : { skip: 'curl is missing: apt install curl' }) },
  async () => {
    const web = await desk.client(name).get(services, 'web', { namespace: 'default' });
    const port = web.spec?.ports?.[0]?.nodePort ?? 0;
    const { stdout, stderr } = await runAt('outside', 'curl', '-sS', '-m', '5', `http://10.0.1.2:${port}/`);
    assert.match(stdout, /client 10\.0\.9\.1\n$/, stderr);
  },
);

test('the machine keeps its own name, name servers and hosts', needsLab, async () => {
  const own = async (): Promise<string> =>
    (await startProgram('sh', ['-c', 'hostname; cat /etc/resolv.conf /etc/hosts'], { env: desk.env, cwd: desk.folder }).ended)
      .stdout;
  const before = await own();
  await sh('pod/client', 'hostname; cat /etc/resolv.conf /etc/hosts');
  assert.equal(await own(), before);
});

test('a program in a pod has the names that the pod itself has', needsLab, async () => {
  const client = desk.client(name);
  const pod = (podName: string, more: object): Pod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: podName, namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'busybox', command: ['sleep', '1000'] }], ...more },
  });
  const long = 'p'.repeat(253);
  const fqdn = { hostname: 'box', subdomain: 'sub', setHostnameAsFQDN: true };
  await client.create(pods, pod('named', fqdn), { namespace: 'default' });
  await client.create(pods, pod(long, {}), { namespace: 'default' });
  for (const [podName, want] of [
    ['named', 'box.sub.default.svc.cluster.local\n'],
    [long, `${'p'.repeat(63)}\n`],
  ] as const) {
    await until(
      () => `${podName} runs`,
      async () => (await client.get(pods, podName, { namespace: 'default' })).status?.phase === 'Running',
    );
    const { stdout, stderr } = await runAt(`pod/${podName}`, 'hostname');
    assert.equal(stdout, want, stderr);
  }
  const { stdout } = await sh('pod/named', 'grep "^10.244" /etc/hosts');
  assert.match(stdout, /^10\.244\.\d+\.\d+\tbox\.sub\.default\.svc\.cluster\.local\tbox\n$/);
});

test('a signal reaches the program, which may answer it as it likes', needsLab, async () => {
  const running = desk.start([
    'run',
    '--name',
    name,
    '--from',
    'pod/client',
    '--',
    'sh',
    '-c',
    'trap "echo got it; exit 9" TERM; echo ready; while :; do sleep 0.05; done',
  ]);
  await running.printed(/ready/);
  running.child.kill('SIGTERM');
  const { status, stdout } = await running.ended;
  assert.deepEqual([status, stdout], [9, 'ready\ngot it\n']);
});

test('a place that is not there, or is none, is told in one sentence', needsLab, async () => {
  const said = async (place: string): Promise<string> => (await runAt(place, 'true')).stderr;
  assert.equal(
    await said('pod/nosuch'),
    'fairlead: there is no place pod/default/nosuch in the lab: say outside, node/NAME or pod/NAMESPACE/NAME\n',
  );
  assert.match(await said('node/nosuch'), /^fairlead: there is no node nosuch in the lab.*\n$/);
  assert.match(await said('moon'), /^fairlead: "moon" is no place: write pod\/NAME.*\n$/);
  const { status, stderr } = await runAt('outside', 'no-such-program');
  assert.equal(status, 127);
  assert.equal(stderr, 'fairlead: cannot run no-such-program: there is no such program\n');
});

test('a machine without nsenter is told in one sentence', needsLab, async () => {
  const script = join(import.meta.dirname, '..', '..', 'bin', 'fairlead.js');
  const { ended } = startProgram(process.execPath, [script, 'run', '--name', name, '--from', 'outside', '--', 'true'], {
    env: { ...desk.env, PATH: desk.folder },
    cwd: desk.folder,
  });
  const { status, stderr } = await ended;
  assert.deepEqual([status, stderr], [1, 'fairlead: the program nsenter is missing. sudo apt install util-linux\n']);
});

/** What `explain -o json` says of who may answer: pods by the address that serves. */
async function candidates(target: string, from: string): Promise<Set<string>> {
  const { status, stdout, stderr } = await desk.run(['explain', target, '--name', name, '--from', from, '-o', 'json']);
  assert.equal(status, 0, stderr);
  return podsIn(JSON.parse(stdout));
}

/** Names of pods in the lists of those that are used, however the answer is nested. */
function podsIn(answer: unknown): Set<string> {
  const found = new Set<string>();
  const visit = (value: unknown, key: string): void => {
    if (typeof value !== 'object' || value === null) return;
    if (key === 'excluded' || key === 'notUsed') return;
    if ('pod' in value && typeof value.pod === 'string') found.add(value.pod.split('/').at(-1) ?? '');
    for (const [inner, each] of Object.entries(value)) visit(each, Array.isArray(value) ? key : inner);
  };
  visit(answer, '');
  return found;
}

async function answering(place: string, url: string, count: number): Promise<Set<string>> {
  const script = Array.from({ length: count }, () => `curl -sS -m 5 '${url}'`).join('; ');
  const { stdout } = await sh(place, script);
  return new Set([...stdout.matchAll(/^pod (\S+) /gm)].map((match) => match[1] ?? ''));
}

test('explain names exactly those that answer, from a pod and from a node', needsLab, async () => {
  for (const from of ['pod/client', 'node/node-1']) {
    const expected = await candidates('web:80', from);
    assert.equal(expected.size, 2);
    const seen = await answering(from, 'http://web.default.svc.cluster.local/', 24);
    assert.deepEqual([...seen].sort(), [...expected].sort(), from);
  }
});

test('explain tells of a node port what outside sees there: the pods of that node, or silence', needsLab, async () => {
  const web = await desk.client(name).get(services, 'web', { namespace: 'default' });
  const port = web.spec?.ports?.[0]?.nodePort ?? 0;
  const expected = await candidates(`node/node-2:${port}`, 'outside');
  assert.deepEqual([...(await answering('outside', `http://10.0.1.2:${port}/`, 24))].sort(), [...expected].sort());
  const text = (await desk.run(['explain', `node/node-1:${port}`, '--name', name, '--from', 'outside'])).stdout;
  assert.match(text, /dropped|drops/);
  const silence = await sh('outside', `curl -sS -m 0.5 http://10.0.1.1:${port}/`);
  assert.equal(silence.status, 28, 'curl says that nobody answered');
});

test('explain says what a lab without the pod cannot know', needsLab, async () => {
  const { status, stderr } = await desk.run(['explain', 'web:80', '--name', name, '--from', 'pod/nosuch']);
  assert.equal(status, 1);
  assert.match(stderr, /^fairlead: .*nosuch.*\n$/);
});

test('a program that runs in the lab ends with it', needsLab, async () => {
  const other = desk.start(['up', '--name', 'short', '--nodes', '1']);
  await other.printed(/Try, in another terminal/);
  const running = desk.start([
    'run',
    '--name',
    'short',
    '--from',
    'node/node-1',
    '--',
    'sh',
    '-c',
    'echo ready; exec sleep 1000.5',
  ]);
  await running.printed(/ready/);
  other.child.kill('SIGTERM');
  const [ending] = await Promise.all([running.ended, other.ended]);
  assert.equal(ending.stderr, 'fairlead: the lab has ended\n');
  assert.equal(ending.status, 129);
  await until(
    () => 'the program is gone',
    () => desk.processes('sleep 1000.5').length <= desk.processes().length,
  );
});
