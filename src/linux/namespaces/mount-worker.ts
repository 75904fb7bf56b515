/**
 * The body of the mount thread. Threads of a process share their root, working directory and umask; a thread that has
 * unshared them (CLONE_FS) may enter other mount namespaces while the rest of the process stays where it is.
 */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import {
  AT_RECURSIVE,
  CLONE_FS,
  CLONE_NEWNS,
  MNT_DETACH,
  MOUNT_ATTR_RDONLY,
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_REC,
  O_CLOEXEC,
  O_RDONLY,
} from '../constants.ts';
import { LinuxError } from '../errors.ts';
import { libc } from '../libc.ts';
import type { MountStep } from './model.ts';
import { serveSteps } from './worker-client.ts';

const OWN_NAMESPACE = '/proc/thread-self/ns/mnt';
let homeFd = -1;

const steps = {
  start(): void {
    libc().unshare(CLONE_FS);
    homeFd = libc().open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
  },

  /** A private copy of the home namespace with the steps applied. A failure leaves nothing: the copy has no other user. */
  create(mountSteps: readonly MountStep[]): number {
    try {
      libc().unshare(CLONE_NEWNS);
      libc().mount(null, '/', null, MS_REC | MS_PRIVATE, null);
      // Opened first: later steps may cover or freeze /proc.
      const fd = libc().open(OWN_NAMESPACE, O_RDONLY | O_CLOEXEC);
      try {
        for (const step of mountSteps) apply(step);
      } catch (error) {
        libc().close(fd);
        throw error;
      }
      return fd;
    } finally {
      libc().setns(homeFd, CLONE_NEWNS);
    }
  },

  stop(): void {
    libc().close(homeFd);
  },
};

/** The table's type, for the requests' side. */
export type MountSteps = typeof steps;

serveSteps(steps);

function apply(step: MountStep): void {
  const calls = libc();
  switch (step.kind) {
    case 'read-only':
      calls.mountSetAttributes(step.path, AT_RECURSIVE, MOUNT_ATTR_RDONLY, 0);
      return;
    case 'read-write':
      calls.mountSetAttributes(step.path, AT_RECURSIVE, 0, MOUNT_ATTR_RDONLY);
      return;
    case 'bind':
      naming(step.source, () => calls.mount(step.source, step.target, null, MS_BIND | MS_REC, null));
      if (step.readOnly === true) calls.mountSetAttributes(step.target, AT_RECURSIVE, MOUNT_ATTR_RDONLY, 0);
      return;
    case 'tmpfs': {
      const options = [`mode=${(step.mode ?? 0o755).toString(8)}`];
      if (step.sizeBytes !== undefined) options.push(`size=${step.sizeBytes}`);
      calls.mount('tmpfs', step.target, 'tmpfs', MS_NOSUID | MS_NODEV, options.join(','));
      return;
    }
    case 'proc':
      calls.mount('proc', step.target, 'proc', MS_NOSUID | MS_NODEV | MS_NOEXEC, null);
      return;
    case 'mkdir':
      mkdirSync(step.path, { recursive: true });
      // Apart, because the umask cuts what mkdir is given.
      chmodSync(step.path, step.mode ?? 0o755);
      return;
    case 'file':
      writeFileSync(step.path, step.content);
      chmodSync(step.path, step.mode ?? 0o644);
      return;
    case 'symlink':
      symlinkSync(step.target, step.path);
      return;
    case 'unmount':
      calls.umount2(step.path, MNT_DETACH);
      return;
  }
}

/** A failed bind may be the source's fault as well as the target's. */
function naming(source: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    throw new LinuxError(`${error.message} (source ${source})`, error.facts, { cause: error });
  }
}
