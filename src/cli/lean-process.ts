/** Memory of a process that is one server and nothing else. Everything here is for the whole process. */
import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's young generation small: it grows while modules are loaded and objects are read at the start, and stays resident though
 * a server makes hardly any garbage afterwards. Call it before anything else is loaded.
 */
export function limitGarbage(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
