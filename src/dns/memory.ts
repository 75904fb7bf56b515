/** Memory of a process that is a name server and nothing else. */
import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's young generation small: it grows while objects are read at the start, and stays resident though a name server
 * makes hardly any garbage afterwards. For the whole process, so not for one that also does other things. Call it first.
 */
export function limitGarbage(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
