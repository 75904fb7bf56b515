/** How the user would start fairlead again, from any directory. */
import { realpathSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/**
 * A word for commands that are printed to be pasted: `fairlead` when that is on the PATH, `npx fairlead` under npx, else the
 * absolute path of the clone's own script. Quoted for a shell where needed.
 */
export function programName(env: NodeJS.ProcessEnv = process.env): string {
  const started = env['FAIRLEAD_PROGRAM'];
  if (started === undefined) return env['npm_command'] === 'exec' ? 'npx fairlead' : 'fairlead';
  const path = resolve(started);
  return isOnPath(path, env) ? 'fairlead' : quote(path);
}

function isOnPath(path: string, env: NodeJS.ProcessEnv): boolean {
  const own = realPathOf(path);
  if (own === undefined) return false;
  return (env['PATH'] ?? '').split(delimiter).some((folder) => folder !== '' && realPathOf(join(folder, 'fairlead')) === own);
}

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

/** The word as a POSIX shell reads it back. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
