/** What a manifest's programs do to the host: nothing. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Desk, mounts, needsLab, program } from './up-harness.ts';

const desk = new Desk();
after(() => desk.close());

const mark = `fairlead-was-here-${process.pid}`;
/** Directories that a program may think it can write to; the marks must stay inside the pod. */
const targets = [
  '/',
  '/etc',
  '/usr',
  '/tmp',
  '/var/tmp',
  '/var',
  '/run',
  '/dev/shm',
  '/root',
  '/home',
  '/opt',
  '$HOME',
  desk.home,
  desk.folder,
  desk.runtime,
];

/** What root could change of the kernel by writing the same again. */
const targetsOfTheKernel = [
  '/proc/sys/kernel/panic',
  '/proc/sys/vm/swappiness',
  '/proc/sysrq-trigger',
  '/sys/kernel/mm/transparent_hugepage/enabled',
  '/sys/kernel/uevent_seqnum',
  '/sys/fs/cgroup/cgroup.procs',
];

test('programs that write, delete, mount and kill change nothing on the host', needsLab, async () => {
  writeFileSync(join(desk.home, 'precious'), 'kept');
  mkdirSync(join(desk.home, 'folder'));
  const before = { hosts: readFileSync('/etc/hosts', 'utf8'), mounts: mounts(), home: listing(desk.home), tmp: marksIn('/tmp') };
  const attempts = [
    ...targets.map((target) => `echo x > ${target}/${mark}`),
    `rm -rf ${desk.home}/* $HOME/* /etc/${mark}`,
    'echo 1.2.3.4 spoofed >> /etc/hosts',
    'mount -o remount,rw /',
    'mount -t tmpfs none /mnt',
    'umount -l /proc',
    `mount --bind ${desk.folder} /mnt && echo x > /mnt/${mark}`,
    `cd /proc/1/root && echo x > tmp/${mark}`,
    'hostname spoofed',
    ...targetsOfTheKernel.map((file) => `cat ${file} > /tmp/was && echo "$(cat /tmp/was)" > ${file} && echo written ${file}`),
    'ls /proc | grep -x [0-9]*',
    `ls -d /proc/${process.pid} && echo sees-host`,
    `kill -9 ${process.pid} && echo killed-host`,
    `unshare --user --map-root-user --mount sh -c 'mount -o remount,bind,rw / && echo x > /etc/${mark}; mount -t tmpfs none /mnt; umount -l /tmp; echo x > /tmp/${mark}'`,
    `mknod /tmp/disk b 8 0 && cat /tmp/disk`,
    'kill -9 -1',
  ];
  const manifest = join(desk.folder, 'vandal.yaml');
  const pod = (name: string, script: string): string =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'none', command: ['sh', '-c', script] }] },
    });
  // the first one goes through all of it; the second shows that its own writes are seen by itself
  const own = `echo x > /tmp/${mark} && cat /tmp/${mark} && sleep 1000`;
  writeFileSync(manifest, `${pod('vandal', `${attempts.join('\n')}\nexit 0`)}\n---\n${pod('writer', own)}\n`);
  // the vandal has ended, one way or the other, when its status says so
  const look = [process.execPath, '--no-warnings', join(import.meta.dirname, 'print-pod-log.ts'), 'vandal', 'writer'];
  const { status, stdout, stderr } = await desk.run(['up', '--name', 'vandal', '--nodes', '1', '-f', manifest, '--', ...look]);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /writer Running\nx\n/, 'a program may write to its own /tmp');
  assert.match(stdout, /vandal (Succeeded|Failed)/);
  assert.doesNotMatch(stdout, /^(written|sees-host|killed-host)/m);
  assert.equal(readFileSync('/etc/hosts', 'utf8'), before.hosts);
  assert.deepEqual(mounts(), before.mounts);
  assert.deepEqual(listing(desk.home), before.home);
  assert.equal(readFileSync(join(desk.home, 'precious'), 'utf8'), 'kept');
  assert.deepEqual(marksIn('/tmp'), before.tmp);
  for (const target of targets.filter((path) => path.startsWith('/'))) assert.deepEqual(marksIn(target), [], target);
});

test('a descriptor that the user had open is not passed on to programs in pods', needsLab, async () => {
  const manifest = join(desk.folder, 'looks.yaml');
  const command = ['sh', '-c', 'if [ -e /proc/self/fd/40 ]; then echo open; else echo closed; fi'];
  const spec = { restartPolicy: 'Never', containers: [{ name: 'c', image: 'none', command }] };
  writeFileSync(manifest, JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'looks' }, spec }));
  // Node itself sees to low numbers; a shell's own are high
  const held = openSync(join(desk.folder, 'held'), 'w');
  const look = [process.execPath, '--no-warnings', join(import.meta.dirname, 'print-pod-log.ts'), 'looks'];
  const { status, stdout, stderr } = spawnSync(
    program,
    ['up', '--name', 'looks', '--nodes', '1', '-f', manifest, '--', ...look],
    {
      env: desk.env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe', ...Array.from({ length: 37 }, () => 'ignore' as const), held],
    },
  );
  closeSync(held);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^looks Succeeded\nclosed\n/);
});

/** Names and times of everything in a directory, but for what the program keeps there for its next start. */
function listing(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name !== '.cache' && !name.startsWith('.cache/'))
    .map((name) => `${name} ${statSync(join(folder, name)).mtimeMs}`);
}

function marksIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.includes(mark));
  } catch {
    // not ours to read, so not ours to write either
    return [];
  }
}
