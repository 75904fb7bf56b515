/** What is said of a command that failed. */
import { CodedError, messageOf, hasCode } from '../observe/index.ts';

/** Prints what went wrong and sets the exit status to 1. */
export function reportFailure(error: unknown): void {
  process.exitCode = 1;
  // an expected error has a message that says what to do; anything else is a bug, and its stack helps to mend it
  const sentence = sentenceOf(error);
  if (sentence === undefined) console.error(error);
  else console.error(`fairlead: ${sentence}`);
}

/**
 * Without this, what cannot be printed is lost and the exit status is 0 all the same, or it is a stack trace. A reader who has
 * read enough (`| head -1`) is no failure; a full disk behind `> FILE` is.
 */
export function watchOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || process.exitCode === 1) return;
    process.exitCode = 1;
    console.error(`fairlead: cannot write the output: ${messageOf(error)}`);
  });
  process.stderr.on('error', () => undefined);
}

/** What to say of a failure that is no bug of ours: of ours, or of the machine's; undefined for any other. */
export function sentenceOf(error: unknown): string | undefined {
  if (error instanceof CodedError) return error.message;
  if (error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd')
    return 'the directory that this was started in is gone; cd to another one';
  const isFull = hasCode(error, 'ENOSPC', 'EDQUOT');
  return isFull ? `${error.message}; free some space, or set XDG_RUNTIME_DIR to a directory that has it` : undefined;
}
