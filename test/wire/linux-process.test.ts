/** Processes in namespaces of their own: who they are inside, how they are found from outside, and that they end with us. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findInnerProcessId, preflight, spawnInNamespaces } from '../../src/linux/index.ts';

const refusal = spawnSync('unshare', ['--user', '--map-root-user', 'true']).status === 0 ? undefined : 'no user namespaces here';
const options = refusal === undefined ? {} : { skip: refusal };
const folder = mkdtempSync('/tmp/fairlead-process-');
after(() => rmSync(folder, { recursive: true }));

const door = new URL('../../src/linux/index.ts', import.meta.url).href;
const script = join(folder, 'inner.ts');
writeFileSync(
  script,
  `import { readlinkSync } from 'node:fs';
import { exitWithParent } from '${door}';
exitWithParent();
process.send?.({ pid: process.pid, uid: process.getuid?.(), net: readlinkSync('/proc/self/ns/net'), arguments: process.argv.slice(2) });
setInterval(() => undefined, 1000);
`,
);

test('the script is process 1, root, and on the host network', options, async () => {
  const child = spawnInNamespaces({
    script,
    args: ['--name', 'x'],
    nodeArgs: ['--no-warnings'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [seen] = (await once(child, 'message')) as [unknown];
  assert.deepEqual(seen, { pid: 1, uid: 0, net: readlinkSync('/proc/self/ns/net'), arguments: ['--name', 'x'] });
  const inner = findInnerProcessId(child.pid ?? 0);
  assert.ok(inner !== undefined);
  assert.match(readFileSync(`/proc/${inner}/cmdline`, 'utf8'), /inner\.ts/);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await until(() => !isAlive(inner), 'the inner process outlived unshare');
  assert.equal(findInnerProcessId(child.pid ?? 0), undefined);
});

test('it ends when the one that started it is killed', options, async () => {
  const starter = join(folder, 'starter.ts');
  writeFileSync(
    starter,
    `import { findInnerProcessId, spawnInNamespaces } from '${door}';
const child = spawnInNamespaces({ script: ${JSON.stringify(script)}, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
child.on('message', () => console.log(findInnerProcessId(child.pid ?? 0)));
`,
  );
  const { spawn } = await import('node:child_process');
  const supervisor = spawn(process.execPath, [starter], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(supervisor.stdout, 'data')) as [Buffer];
  const inner = Number(line.toString());
  assert.ok(isAlive(inner));
  supervisor.kill('SIGKILL');
  await until(() => !isAlive(inner), 'the inner process outlived its supervisor');
});

test('this machine passes its own preflight', options, async () => {
  const failed = (await preflight()).filter((check) => !check.ok && !check.isOptional);
  assert.deepEqual(failed, []);
});

/** A process that ended but was not waited for counts as ended. */
function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}/stat`) && !/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

async function until(condition: () => boolean, complaint: string): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, complaint);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
