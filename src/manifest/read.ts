/** Reading manifests from files and directories. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError, messageOf } from '../observe/index.ts';
import { parseManifest } from './parse.ts';
import type { ManifestObject } from './parse.ts';

/** A path that cannot be read, or holds nothing. */
export class ManifestReadError extends CodedError<{ readonly code: 'unreadable' | 'empty'; readonly path: string }> {}

/**
 * The objects of the given files and directories, in the order given; `-` is standard input. A directory is read in the
 * order of its names, `.yaml`, `.yml` and `.json` files only, not recursively, as kubectl does.
 * Throws `ManifestReadError` when a path cannot be read or holds no object, and `ManifestError` when a file is malformed.
 */
export function readManifests(paths: readonly string[]): ManifestObject[] {
  return paths.flatMap((path) => {
    const objects = filesOf(path).flatMap((file) => parseManifest(read(file), nameOf(file)));
    if (objects.length === 0) throw new ManifestReadError(`${nameOf(path)} holds no object`, { code: 'empty', path });
    return objects;
  });
}

/** The files that a `-f` argument stands for. */
export function filesOf(path: string): string[] {
  if (path === '-') return ['-'];
  if (/^https?:\/\//.test(path)) throw unreadable(path, `${path} is a URL, and only files are read: curl -L ${path} | … -f -`);
  const isDirectory = attempt(path, () => statSync(path).isDirectory());
  if (!isDirectory) return [path];
  const files = attempt(path, () => readdirSync(path)).filter((name) => /\.(ya?ml|json)$/.test(name));
  if (files.length === 0) throw unreadable(path, `${path}: no .yaml, .yml or .json file in this directory`);
  if (files.some((name) => /^kustomization\.ya?ml$/.test(name)))
    throw unreadable(path, `${path} holds a kustomization, which is not built here: kubectl kustomize ${path} | … -f -`);
  return files.sort().map((name) => join(path, name));
}

function nameOf(path: string): string {
  return path === '-' ? 'stdin' : path;
}

function read(file: string): string {
  return attempt(file, () => readFileSync(file === '-' ? 0 : file, 'utf8'));
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw unreadable(path, `cannot read ${path}: ${reasonOf(error)}`, error);
  }
}

/** `no such file or directory` of Node's `ENOENT: no such file or directory, open 'x'`. */
function reasonOf(error: unknown): string {
  return /^[A-Z]+: (.*), \w+(?: '.*')?$/s.exec(messageOf(error))?.[1] ?? messageOf(error);
}

function unreadable(path: string, text: string, cause?: unknown): ManifestReadError {
  return new ManifestReadError(text, { code: 'unreadable', path }, { cause });
}
