import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { hasManyUsers } from './host-facts.ts';
import {
  buildContainerScript,
  buildTemplateScript,
  containerCommand,
  defaultCapabilities,
  joinCommand,
  needsOwnRoot,
} from './sandbox.ts';
import type { SandboxSpec } from './sandbox.ts';

const spec: SandboxSpec = {
  hostname: "it's",
  workingDir: '/a b',
  privateDirectories: ['/home', '/root'],
  rootEntries: [
    { name: 'usr', kind: 'directory' },
    { name: 'bin', kind: 'link', link: 'usr/bin' },
  ],
  etcDirectory: '/dev/shm/pods/u/etc',
  mounts: [{ source: '/dev/shm/pods/u/volumes/v', target: "/data/o'clock", readOnly: true }],
  user: undefined,
  hiddenSockets: ["/srv/d'or.sock"],
  capabilities: defaultCapabilities,
};

test('the scripts are correct shell, whatever the names in them', () => {
  for (const script of [buildTemplateScript({ directory: '/dev/shm' }), buildContainerScript({ directory: '/dev/shm' }, spec)]) {
    const result = spawnSync('/bin/sh', ['-n'], { input: script, encoding: 'utf8' });
    assert.equal(result.status, 0, `${result.stderr}\n${script}`);
  }
});

test('names from manifests are quoted', () => {
  const script = buildContainerScript({ directory: '/dev/shm' }, spec);
  assert.ok(script.includes(`hostname 'it'\\''s'`));
  assert.ok(script.includes(`'/data/o'\\''clock'`));
  assert.ok(script.includes("cd '/a b'"));
});

test('what is mounted comes from the pod directory alone', () => {
  const bad = { ...spec, mounts: [{ source: '/etc', target: '/x', readOnly: false }] };
  assert.throws(() => buildContainerScript({ directory: '/dev/shm' }, bad), /not below/);
});

test('the power to mount is not kept', () => {
  assert.ok(!defaultCapabilities.includes('sys_admin'));
  assert.match(
    buildContainerScript({ directory: '/dev/shm' }, spec),
    /exec \/usr\/bin\/setpriv --bounding-set=-all,\+chown,[^ ]* -- "\$@"/,
  );
});

test('a user is set where there are users, else shown by a user namespace', () => {
  const user = { uid: 1000, gid: 1001 };
  const command = (isMapped: boolean): string =>
    joinCommand(7, { user: { ...user, isMapped }, capabilities: [] }, ['id']).join(' ');
  assert.match(command(true), /setpriv --bounding-set=-all --reuid=1000 --regid=1001 --clear-groups -- id$/);
  assert.match(command(false), /--bounding-set=-all,\+setfcap -- .*unshare --user --map-user=1000 --map-group=1001 -- id$/);
});

test('a container starts in the network of its pod', () => {
  const command = containerCommand('/proc/1/fd/30', 'script', ['sleep', '1']);
  assert.deepEqual(command.slice(0, 3), ['/usr/bin/nsenter', '--net=/proc/1/fd/30', '--']);
  assert.deepEqual(command.slice(-2), ['sleep', '1']);
});

test('new top-level directories need a root of their own', () => {
  const has = (name: string): boolean => ['var', 'etc'].includes(name);
  assert.equal(needsOwnRoot(['/var/x', '/etc/y'], has), false);
  assert.equal(needsOwnRoot(['/var/x', '/data/y'], has), true);
});

test('a rootless user namespace has one user', () => {
  assert.equal(hasManyUsers('         0       1000          1\n'), false);
  assert.equal(hasManyUsers('         0          0 4294967295\n'), true);
  assert.equal(hasManyUsers('0 1000 1\n1 100000 65536\n'), true);
});
