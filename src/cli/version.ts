/** The version of this package. */
import { readFileSync } from 'node:fs';

/** As package.json has it; the file lies two folders up in a clone and in a published package alike. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
