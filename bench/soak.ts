/** `npm run soak NAME [-- FLAGS]`: runs bench/soak/NAME.ts, a test that is too long for every day. */
import { join } from 'node:path';
import { runNamed } from './shapes/run-named.ts';

await runNamed('soak', join(import.meta.dirname, 'soak'), process.argv.slice(2));
