/** Kills a lab's processes at random moments, again and again, and sees each time that nothing is left and that it starts anew. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mulberry32 } from '../../bench/shapes/seeded-random.ts';
import { labNamespaces, mounts, namespacesInUse, nowTicks, until, webService } from './up-harness.ts';
import type { Desk, Running } from './up-harness.ts';

export interface KillOptions {
  readonly count: number;
  /** Begins no further round after this time; a slow machine then sees fewer of them. */
  readonly budgetMs?: number;
  readonly seed: number;
  /** Longest wait before a kill: half into a start and half into what runs is a good measure. */
  readonly maxDelayMs: number;
  readonly report?: (line: string) => void;
}

const victims = ['supervisor', 'lab', 'launcher', 'everything'] as const;

/**
 * A pod's program with a number of its own runs in the lab, so that a process which outlives it is seen wherever it is.
 * Throws an `AssertionError` that names the round, its seed and what was left.
 */
export async function killAgainAndAgain(
  desk: Desk,
  { count, budgetMs = Number.POSITIVE_INFINITY, seed, maxDelayMs, report = () => undefined }: KillOptions,
): Promise<void> {
  const random = mulberry32(seed);
  const word = `1000.${process.pid}`;
  const manifest = join(desk.folder, 'killed.yaml');
  writeFileSync(manifest, `${webService('web')}---\n${sleeper(word)}`);
  const args = ['--name', 'killed', '--nodes', '2', '--data', join(desk.folder, 'killed-data')];
  const mountsBefore = mounts();
  const endMs = performance.now() + budgetMs;
  for (let round = 0; round < count && performance.now() < endMs; round++) {
    const victim = victims[Math.floor(random() * victims.length)] ?? 'lab';
    const delayMs = Math.floor(random() * maxDelayMs);
    const what = `round ${round} of seed ${seed}: ${victim} killed after ${delayMs} ms`;
    const fromTicks = nowTicks();
    const lab = desk.start(['up', ...args, '-f', manifest]);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    const namespaces = kill(lab, victim);
    const traces = { namespaces, fromTicks, toTicks: nowTicks() };
    const { stderr } = await lab.ended;
    // started again at once, while the kernel may still be at it
    const again = await desk.run(['up', ...args, '--', 'true']);
    assert.equal(again.status, 0, `${what}, and it does not start again: ${again.stderr}`);
    const left = (): string[] => [...desk.processes(word).map(nameOf), ...namespacesInUse(traces)];
    await until(
      () => `${what}, and this is left: ${left().join(', ')}`,
      () => left().length === 0,
      5000,
    );
    assert.deepEqual(desk.leftovers(), [], what);
    assert.deepEqual(mounts(), mountsBefore, what);
    report(`${what}: clean${stderr === '' ? '' : ` (${stderr.trim().split('\n').at(-1) ?? ''})`}`);
  }
}

/** Kills, and answers the namespaces that the lab had until then. */
function kill(lab: Running, victim: (typeof victims)[number]): Set<string> {
  const supervisor = lab.child.pid ?? 0;
  const launcher = childOf(supervisor);
  const inner = launcher === undefined ? undefined : childOf(launcher);
  const namespaces = inner === undefined ? new Set<string>() : labNamespaces(inner);
  const wanted = {
    supervisor: [supervisor],
    // before there is a lab, its supervisor
    lab: [inner ?? supervisor],
    launcher: [launcher ?? supervisor],
    everything: [supervisor, launcher, inner],
  }[victim];
  for (const pid of wanted) if (pid !== undefined) killIfThere(pid);
  return namespaces;
}

function childOf(pid: number): number | undefined {
  try {
    const [first = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    return first === '' ? undefined : Number(first);
  } catch {
    // it has ended
    return undefined;
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended between the look and the kill
  }
}

function nameOf(pid: number): string {
  try {
    return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').slice(0, 80)}`;
  } catch {
    return `${pid} (gone)`;
  }
}

/** A pod whose program can be told by its number. */
export function sleeper(word: string): string {
  return `
apiVersion: v1
kind: Pod
metadata: {name: sleeper}
spec: {nodeName: node-1, containers: [{name: c, image: none, command: [sleep, "${word}"]}]}
`;
}
