/** A Corefile on disk, with the files that it imports. */
import { hasCode } from '../../observe/index.ts';
import { globSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { BlockConfig } from './corefile-config.ts';
import { parseCorefile } from './corefile.ts';

/** All that was read, for telling whether it has changed, and how to make sense of it. */
export interface CorefileOnDisk {
  /** Changes when the file changes, or one that it imports. */
  readonly fingerprint: string;
  /** Throws `CorefileError`. */
  parse(): readonly BlockConfig[];
}

/** Reads it. Throws the system's error when the file itself cannot be read. */
export function readCorefile(path: string, variables: Readonly<Record<string, string | undefined>> = {}): CorefileOnDisk {
  const text = readFileSync(path, 'utf8');
  const imported: string[] = [];
  const readImport = (pattern: string, from: string): { readonly file: string; readonly text: string }[] | undefined => {
    const isPattern = /[*?[]/.test(pattern);
    const files = isPattern ? globSync(pattern, { cwd: dirname(from) }).sort() : [pattern];
    const found: { readonly file: string; readonly text: string }[] = [];
    for (const name of files) {
      const file = resolve(dirname(from), name);
      try {
        found.push({ file, text: readFileSync(file, 'utf8') });
      } catch (error) {
        // what a pattern matches may be gone again, or be a folder; a file that is named must be there
        if (isPattern || isMissing(error)) continue;
        throw error;
      }
    }
    imported.push(...found.map((one) => `${one.file}\0${one.text}`));
    return found.length === 0 && !isPattern ? undefined : found;
  };
  const parse = (): readonly BlockConfig[] => parseCorefile(text, { file: path, variables, readImport });
  let blocks: readonly BlockConfig[] | undefined;
  let problem: unknown;
  // imports are known by reading
  try {
    blocks = parse();
  } catch (error) {
    problem = error;
  }
  return {
    fingerprint: [text, ...imported].join('\0'),
    parse() {
      if (blocks === undefined) throw problem;
      return blocks;
    },
  };
}

function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT');
}
