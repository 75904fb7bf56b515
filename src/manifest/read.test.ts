import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ManifestReadError, readManifests } from './read.ts';

const folder = mkdtempSync(join(tmpdir(), 'fairlead-manifest-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A file of the folder, made with its parents. */
function file(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const configMap = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n`;

test('a directory is read in the order of its names, without what lies below it', () => {
  file('some/b.yml', configMap('second'));
  file('some/a.yaml', configMap('first'));
  file('some/notes.txt', 'none of it');
  file('some/below/c.yaml', configMap('third'));
  assert.deepEqual(
    readManifests([join(folder, 'some')]).map(({ name }) => name),
    ['first', 'second'],
  );
});

test('what cannot be read says what to do', () => {
  const kustomized = join(file('kustomized/kustomization.yaml', 'resources: [a.yaml]\n'), '..');
  const table: readonly [path: string, want: string][] = [
    [join(folder, 'none.yaml'), `cannot read ${folder}/none.yaml: no such file or directory`],
    [join(file('plain', ''), 'a.yaml'), `cannot read ${folder}/plain/a.yaml: not a directory`],
    [file('empty.yaml', '# nothing\n'), `${folder}/empty.yaml holds no object`],
    [join(file('other/notes.txt', ''), '..'), `${folder}/other: no .yaml, .yml or .json file in this directory`],
    [
      'https://x.example/a.yaml',
      'https://x.example/a.yaml is a URL, and only files are read: curl -L https://x.example/a.yaml | … -f -',
    ],
    [kustomized, `${kustomized} holds a kustomization, which is not built here: kubectl kustomize ${kustomized} | … -f -`],
  ];
  for (const [path, want] of table)
    assert.throws(
      () => readManifests([path]),
      (error: unknown) => error instanceof ManifestReadError && error.message === want,
      want,
    );
});
