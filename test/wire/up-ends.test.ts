/** However `fairlead up` ends, nothing of it stays: no process, namespace, mount or file. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { killAgainAndAgain, sleeper } from './kill-loop.ts';
import { Desk, labNamespaces, mounts, namespacesInUse, needsLab, nowTicks, until, webService } from './up-harness.ts';
import type { LabTraces, Running } from './up-harness.ts';

const desk = new Desk();
after(() => desk.close());
const word = `2000.${process.pid}`;
const manifest = join(desk.folder, 'web.yaml');
writeFileSync(manifest, `${webService('web')}---\n${sleeper(word)}`);

interface State {
  readonly launcher: { readonly pid: number };
  readonly ready?: { readonly innerPid: number };
}

function stateOf(name: string): State {
  return JSON.parse(readFileSync(join(desk.runtime, 'fairlead', name, 'state.json'), 'utf8')) as State;
}

/** A lab that runs, and the namespaces that it has. */
async function start(name: string): Promise<{ readonly lab: Running; readonly traces: LabTraces; readonly innerPid: number }> {
  const fromTicks = nowTicks();
  const lab = desk.start(['up', '--name', name, '--nodes', '2', '-f', manifest]);
  await lab.printed(/Try, in another terminal/);
  const innerPid = stateOf(name).ready?.innerPid ?? 0;
  const namespaces = labNamespaces(innerPid);
  // nodes, pods, outside, the fabric: or this test would see nothing
  assert.ok([...namespaces].filter((text) => text.startsWith('net:')).length >= 7, [...namespaces].join(' '));
  assert.ok(desk.processes(word).length > desk.processes().length, 'the program of the pod is seen');
  return { lab, traces: { namespaces, fromTicks, toTicks: nowTicks() }, innerPid };
}

async function assertClean(traces: LabTraces, mountsBefore: readonly string[]): Promise<void> {
  const left = (): string[] => [...desk.processes(word).map(String), ...namespacesInUse(traces)];
  await until(
    () => `left: ${left().join(', ')}`,
    () => left().length === 0,
    5000,
  );
  assert.deepEqual(mounts(), mountsBefore);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} ends everything in order`, needsLab, async () => {
    const before = mounts();
    const { lab, traces } = await start('signal');
    lab.child.kill(signal);
    const { status, stderr } = await lab.ended;
    // the moment that it has ended, not some time later
    assert.deepEqual([status, desk.processes(word), readdirSync(desk.runtime)], [0, [], []], stderr);
    await assertClean(traces, before);
  });
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} while it starts ends it at once`, needsLab, async () => {
    const lab = desk.start(['up', '--name', 'early', '-f', manifest]);
    await lab.printed(/API at/);
    lab.child.kill(signal);
    const { status, stderr } = await lab.ended;
    assert.deepEqual([status, desk.leftovers()], [{ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal], []]);
    assert.match(stderr, /fairlead: stopped before it was ready\n$/);
    assert.deepEqual(desk.processes(word), []);
  });
}

test('without a terminal it runs until a signal comes', needsLab, async () => {
  const { lab } = await start('stays');
  const early = await Promise.race([lab.ended, new Promise((resolve) => setTimeout(resolve, 1500, 'still there'))]);
  assert.equal(early, 'still there');
  lab.child.kill('SIGTERM');
  assert.equal((await lab.ended).status, 0);
});

test('a pod that never becomes ready does not hold up the end', needsLab, async () => {
  const path = join(desk.folder, 'never.yaml');
  writeFileSync(path, sleeper('x').replace('nodeName: node-1', 'nodeSelector: {no: where}'));
  const lab = desk.start(['up', '--name', 'never', '--nodes', '1', '-f', path]);
  await lab.printed(/objects applied/);
  const startMs = performance.now();
  lab.child.kill('SIGINT');
  assert.equal((await lab.ended).status, 130);
  assert.ok(performance.now() - startMs < 5000);
});

test('what never became ready is named before the command runs', needsLab, async () => {
  const path = join(desk.folder, 'named.yaml');
  writeFileSync(path, sleeper('lost').replace('nodeName: node-1', 'nodeSelector: {no: where}'));
  const { status, stderr } = await desk.run(['up', '--name', 'named', '--nodes', '1', '-f', path, '--', 'true']);
  assert.equal(status, 0);
  assert.match(stderr, /^fairlead: not ready: pod default\/sleeper \(Unschedulable: .*\)\n$/);
});

test('signals pass to the command, and its status is the exit status', needsLab, async () => {
  const script = 'trap "echo asked; exit 5" TERM; echo ready; while :; do sleep 0.05; done';
  const lab = desk.start(['up', '--name', 'passed', '--nodes', '1', '--', 'sh', '-c', script]);
  await lab.printed(/ready/);
  lab.child.kill('SIGTERM');
  const { status, stdout } = await lab.ended;
  assert.deepEqual([status, stdout, desk.leftovers()], [5, 'ready\nasked\n', []]);
});

for (const victim of ['supervisor', 'launcher', 'lab'] as const) {
  test(`SIGKILL of the ${victim} leaves nothing that the next start does not clean up`, needsLab, async () => {
    const before = mounts();
    const { lab, traces, innerPid } = await start('killed');
    process.kill({ supervisor: lab.child.pid ?? 0, launcher: stateOf('killed').launcher.pid, lab: innerPid }[victim], 'SIGKILL');
    const { status, signal, stderr } = await lab.ended;
    if (victim === 'supervisor') {
      assert.equal(signal, 'SIGKILL');
      assert.deepEqual(desk.leftovers(), ['killed']);
    } else {
      assert.deepEqual([status, desk.leftovers()], [1, []]);
      // util-linux 2.38 forgets which signal it was
      assert.match(stderr, /fairlead: the lab ended by itself \((SIGKILL|status 1)\); everything in it is gone\n$/);
    }
    // under another name too
    const next = await desk.run(['up', '--name', 'next', '--nodes', '1', '--', 'true']);
    assert.equal(next.status, 0, next.stderr);
    assert.deepEqual(desk.leftovers(), []);
    await assertClean(traces, before);
  });
}

test('a lab that dies under a command ends the command and says so', needsLab, async () => {
  const lab = desk.start(['up', '--name', 'beneath', '--nodes', '1', '--', 'sh', '-c', 'echo ready; exec sleep 1000']);
  await lab.printed(/ready/);
  process.kill(stateOf('beneath').ready?.innerPid ?? 0, 'SIGKILL');
  const { status, stderr } = await lab.ended;
  assert.equal(status, 1);
  assert.match(stderr, /^fairlead: the lab ended by itself/m);
  assert.deepEqual(desk.processes(), []);
});

test('directories without an owner go at the next start, whatever is in them', needsLab, async () => {
  const labs = join(desk.runtime, 'fairlead');
  const dead = { pid: 2 ** 22 - 1, startTime: '1' };
  for (const [name, text] of [
    ['empty', undefined],
    ['broken', '{"name": "bro'],
    ['dead', JSON.stringify({ name: 'dead', supervisor: dead, launcher: dead, version: '0' })],
    ['.half.4194303', undefined],
  ] as const) {
    mkdirSync(join(labs, name), { recursive: true });
    if (text !== undefined) writeFileSync(join(labs, name, 'state.json'), text);
  }
  const { status, stderr } = await desk.run(['up', '--name', 'dead', '--nodes', '1', '--', 'true']);
  assert.equal(status, 0, stderr);
  assert.deepEqual(desk.leftovers(), []);
});

for (const [what, spoil] of [
  ['cannot be read: ', (path: string) => writeFileSync(path, '{"name": "kept')],
  ['is gone', (path: string) => rmSync(path)],
] as const) {
  test(`a lab that runs keeps its directory when its state.json ${what.split(':')[0] ?? ''}`, needsLab, async () => {
    const { lab } = await start('kept');
    const folder = join(desk.runtime, 'fairlead', 'kept');
    const { pid } = stateOf('kept').launcher;
    spoil(join(folder, 'state.json'));
    const kept = readdirSync(folder);
    const other = await desk.run(['up', '--name', 'other', '--nodes', '1', '--', 'true']);
    assert.equal(other.status, 0, other.stderr);
    const again = await desk.run(['up', '--name', 'kept', '--nodes', '1', '--', 'true']);
    const asked = await desk.run(['run', '--name', 'kept', '--from', 'outside', '--', 'true']);
    assert.deepEqual(readdirSync(folder), kept);
    const sentence = new RegExp(
      `^fairlead: a lab called kept may be running \\(process (\\d+) uses ${folder}, whose state.json ${what}.*\\): end it, or start a second one with --name\\n$`,
    );
    assert.match(again.stderr, sentence);
    assert.ok(Number(sentence.exec(again.stderr)?.[1]) >= pid);
    assert.match(asked.stderr, /^fairlead: .*no lab called kept.*\n$/);
    assert.deepEqual([again.status, asked.status], [1, 1]);
    lab.child.kill('SIGTERM');
    assert.deepEqual([(await lab.ended).status, desk.leftovers()], [0, []]);
  });
}

test('whatever is killed at whatever moment: it starts again, and the machine is clean', needsLab, async () => {
  const seed = Number(process.env['FAIRLEAD_SEED'] ?? Math.floor(Math.random() * 1e6));
  await killAgainAndAgain(desk, { count: 15, budgetMs: 18_000, seed, maxDelayMs: 1500 });
});
