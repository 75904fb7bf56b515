/** The user's own program beside the lab: outside all namespaces, as the user, with the lab's kubeconfig. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { StartError } from './lab-process.ts';

const startErrors: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such program',
  EACCES: 'permission denied',
};

/** A program that runs. */
export interface UserCommand {
  /** Its exit status, 128 and more for a signal as shells have it. Rejects with `StartError` when it cannot be started. */
  readonly status: Promise<number>;
  /** Passes a signal on. */
  signal(name: NodeJS.Signals): void;
}

/** Starts it on our own standard streams. */
export function startCommand(command: readonly string[], env: NodeJS.ProcessEnv): UserCommand {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: 'inherit', env });
  return {
    status: new Promise((done, fail) => {
      child.once('error', (error: NodeJS.ErrnoException) => {
        const why = startErrors[isNowhere(program, env['PATH']) ? 'ENOENT' : (error.code ?? '')] ?? error.message;
        fail(new StartError(`cannot run ${program}: ${why}`, { code: 'cannot-start' }));
      });
      child.once('exit', (status, signal) => done(status ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    }),
    signal: (name) => void child.kill(name),
  };
}

/** Whether no folder of the PATH that we may look into has the program. One that we may not makes the system say EACCES for ENOENT. */
function isNowhere(program: string, path = ''): boolean {
  return !program.includes('/') && !path.split(delimiter).some((folder) => existsSync(join(folder, program)));
}
