/** `npm run bench NAME [-- FLAGS]`: runs bench/NAME.ts, which prints tables and JSON lines. */
import { runNamed } from './shapes/run-named.ts';

await runNamed('bench', import.meta.dirname, process.argv.slice(2));
