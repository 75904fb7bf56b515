import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { ConfigMap, Volume } from '../api/index.ts';
import type { ReferenceSource } from './environment.ts';
import { containerMounts, volumeDirectory, writeVolumes } from './pod-volumes.ts';

const scratch = mkdtempSync(join(tmpdir(), 'fairlead-volumes-'));
after(() => rmSync(scratch, { recursive: true }));
let pods = 0;
const newPod = (): string => join(scratch, `pod-${(pods += 1)}`);

function sourceWith(data: ConfigMap['data']): ReferenceSource {
  return {
    pod: { spec: { containers: [] } },
    podIPs: [],
    hostIPs: [],
    nodeName: 'n',
    allocatable: {},
    getConfigMap: () => ({ data }),
    getSecret: () => undefined,
    getToken: () => undefined,
  };
}

describe('files of a volume', () => {
  const volume: Volume = { name: 'v', configMap: { name: 'm' } };
  const filesOf = (directory: string): string[] =>
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
      .sort();

  test('come, change and go with the keys of their object', () => {
    const pod = newPod();
    const directory = volumeDirectory(pod, 'v');
    assert.deepEqual(writeVolumes([volume], pod, sourceWith({ a: '1', b: '2' })), { ok: true });
    assert.deepEqual(filesOf(directory), ['a', 'b']);
    writeVolumes([volume], pod, sourceWith({ b: '3', c: '4' }));
    assert.deepEqual(filesOf(directory), ['b', 'c']);
    assert.equal(readFileSync(join(directory, 'b'), 'utf8'), '3');
  });

  test('are all there, whatever the keys are called', () => {
    const pod = newPod();
    const keys = { 'a.new': '1', a: '2', 'a.new.new': '3', 'a.old': '4' };
    writeVolumes([volume], pod, sourceWith(keys));
    assert.deepEqual(filesOf(volumeDirectory(pod, 'v')), Object.keys(keys).sort());
    for (const [key, value] of Object.entries(keys))
      assert.equal(readFileSync(join(volumeDirectory(pod, 'v'), key), 'utf8'), value);
  });

  test('in folders go with them', () => {
    const pod = newPod();
    const items = (...paths: string[]): Volume => ({
      name: 'v',
      configMap: { name: 'm', items: paths.map((path) => ({ key: 'a', path })) },
    });
    writeVolumes([items('x/y/a', 'x/b', 'c')], pod, sourceWith({ a: '1' }));
    assert.deepEqual(filesOf(volumeDirectory(pod, 'v')), ['c', 'x/b', 'x/y/a']);
    writeVolumes([items('x/b')], pod, sourceWith({ a: '1' }));
    assert.deepEqual(readdirSync(volumeDirectory(pod, 'v'), { recursive: true }).map(String).sort(), ['x', 'x/b']);
  });

  test('never stand outside of it, whatever their path', () => {
    const pod = newPod();
    const path = '../../../../escaped';
    writeVolumes([{ name: 'v', configMap: { name: 'm', items: [{ key: 'a', path }] } }], pod, sourceWith({ a: '1' }));
    assert.deepEqual(filesOf(volumeDirectory(pod, 'v')), ['escaped']);
  });
});

describe('a subPath', () => {
  const volume: Volume = { name: 'v', emptyDir: {} };
  const outside = join(scratch, 'outside');
  mkdirSync(outside);

  /** What a pod's own program may have made in its volume. */
  function furnished(): string {
    const pod = newPod();
    writeVolumes([volume], pod, sourceWith({}));
    const directory = volumeDirectory(pod, 'v');
    mkdirSync(join(directory, 'real'));
    writeFileSync(join(directory, 'real', 'file'), 'x');
    symlinkSync('real', join(directory, 'inside'));
    symlinkSync(outside, join(directory, 'away'));
    symlinkSync('../../..', join(directory, 'up'));
    symlinkSync('/', join(directory, 'root'));
    symlinkSync('real/../../../..', join(directory, 'crooked'));
    spawnSync('mkfifo', [join(directory, 'pipe')]);
    return pod;
  }

  const mount = (pod: string, subPath: string): ReturnType<typeof containerMounts> =>
    containerMounts({ volumeMounts: [{ name: 'v', mountPath: '/m', subPath }] }, [volume], pod, new Map());

  for (const [subPath, below, isFile] of [
    ['', '', false],
    ['real', '/real', false],
    ['real/file', '/real/file', true],
    ['inside', '/real', false],
    ['inside/file', '/real/file', true],
    ['inside/new/folder', '/real/new/folder', false],
    ['not/there', '/not/there', false],
    ['./real/', '/real', false],
  ] as const)
    test(`${JSON.stringify(subPath)} is a place of the volume`, () => {
      const pod = furnished();
      const directory = volumeDirectory(pod, 'v');
      assert.deepEqual(mount(pod, subPath), {
        ok: true,
        mounts: [{ source: `${directory}${below}`, target: '/m', readOnly: false, isFile }],
      });
      assert.ok(existsSync(`${directory}${below}`));
    });

  for (const subPath of [
    'away',
    'away/new',
    'up',
    'up/new',
    'root/tmp',
    'crooked/x',
    '../other',
    'real/../../x',
    'inside/../../x',
  ])
    test(`${subPath} leads out of the volume, and nothing is made there`, () => {
      const pod = furnished();
      assert.deepEqual(mount(pod, subPath), { ok: false, problem: `subPath ${JSON.stringify(subPath)} leaves its volume` });
      assert.deepEqual(readdirSync(outside), []);
    });

  test('that is a pipe is looked at, not opened', () => {
    const mounts = mount(furnished(), 'pipe');
    assert.ok(mounts.ok && mounts.mounts[0]?.isFile === true);
  });
});

describe('a mountPath', () => {
  for (const [mountPath, want] of [
    ['/m/../n', '/n'],
    ['m', '/m'],
    ['../../m', '/m'],
    ['-m', '/-m'],
  ] as const)
    test(`${mountPath} is ${want} of the container`, () => {
      const pod = newPod();
      const volume: Volume = { name: 'v', emptyDir: {} };
      writeVolumes([volume], pod, sourceWith({}));
      const result = containerMounts({ volumeMounts: [{ name: 'v', mountPath }] }, [volume], pod, new Map());
      assert.ok(result.ok);
      const targets = result.mounts.map(({ target }) => target);
      assert.deepEqual(targets, [want]);
    });
});
