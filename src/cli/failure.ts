/** What is said of a command that failed. */
import { CodedError } from '../observe/index.ts';

/** Prints what went wrong and sets the exit status to 1. */
export function reportFailure(error: unknown): void {
  process.exitCode = 1;
  // an expected error has a message that says what to do; anything else is a bug, and its stack helps to mend it
  const sentence = sentenceOf(error);
  if (sentence === undefined) console.error(error);
  else console.error(`fairlead: ${sentence}`);
}

/** What to say of a failure that is no bug of ours: of ours, or of the machine's; undefined for any other. */
export function sentenceOf(error: unknown): string | undefined {
  if (error instanceof CodedError) return error.message;
  const isFull = error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
  return isFull ? `${error.message}; free some space, or set XDG_RUNTIME_DIR to a directory that has it` : undefined;
}
