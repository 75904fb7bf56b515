/** Prepares the kubelet's own tmpfs once, and finds out what of the host matters to sandboxes. */
import { execFile } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { promisify } from 'node:util';
import { messageOf } from '../observe/index.ts';
import { ContainerStartError } from './command-process.ts';
import { buildTemplateScript } from './sandbox.ts';
import type { SandboxSpec } from './sandbox.ts';

export interface HostFacts {
  /** The kubelet's tmpfs, e.g. `/dev/shm`. */
  readonly directory: string;
  readonly privateDirectories: readonly string[];
  readonly rootEntries: readonly RootEntry[];
  /** Whether other uids than 0 exist here (false for most rootless labs). */
  readonly hasManyUsers: boolean;
}

/**
 * Mounts and fills `directory` (see `buildTemplateScript`). Must run in a mount namespace of this process's own, with the
 * power to mount. Rejects with `ContainerStartError` otherwise.
 */
export async function prepareHost(directory: string): Promise<HostFacts> {
  try {
    await promisify(execFile)('/bin/sh', ['-c', buildTemplateScript({ directory })]);
  } catch (error) {
    const said = (error as { readonly stderr?: string }).stderr?.trim();
    throw new ContainerStartError(
      'CreateContainerError',
      `the host's file system cannot be made read-only for containers: ${said === undefined || said === '' ? messageOf(error) : said}`,
      { cause: error },
    );
  }
  return {
    directory,
    privateDirectories: privateDirectories(process.env),
    rootEntries: readRoot(),
    hasManyUsers: hasManyUsers(readFileSync('/proc/self/uid_map', 'latin1')),
  };
}

/** Whether a uid_map maps more than a single user. */
export function hasManyUsers(uidMap: string): boolean {
  return uidMap
    .trim()
    .split('\n')
    .some((line) => Number(line.trim().split(/\s+/)[2] ?? 0) > 1);
}

/** Directories that hold people's own things: empty inside a container. The outermost of nested ones only. */
function privateDirectories(env: NodeJS.ProcessEnv): string[] {
  const wanted = ['/home', '/root', '/var/tmp', homedir(), env['HOME'], env['XDG_RUNTIME_DIR']];
  const existing = wanted.filter((path): path is string => path?.startsWith('/') === true && path !== '/' && existsSync(path));
  const chosen = new Set<string>();
  for (const path of existing.sort((a, b) => a.length - b.length)) {
    const isCovered = ['/tmp', '/run', '/dev', '/proc', ...chosen].some(
      (outer) => path === outer || path.startsWith(`${outer}/`),
    );
    if (!isCovered && lstatSync(path).isDirectory()) chosen.add(path);
  }
  return [...chosen];
}

type RootEntry = NonNullable<SandboxSpec['rootEntries']>[number];

function readRoot(): RootEntry[] {
  const entries: RootEntry[] = [];
  for (const entry of readdirSync('/', { withFileTypes: true })) {
    const { name } = entry;
    if (entry.isSymbolicLink()) entries.push({ name, kind: 'link', link: readlinkSync(`/${name}`) });
    else if (entry.isDirectory()) entries.push({ name, kind: 'directory' });
    else if (entry.isFile()) entries.push({ name, kind: 'file' });
  }
  return entries;
}
