/** `npm start`: brings the examples up and proves each on the wire. On a terminal it then stays until Ctrl-C. */
import { join } from 'node:path';
import { reportFailure, watchOutput } from '../src/cli/failure.ts';
import { up } from '../src/cli/up.ts';

process.env['FAIRLEAD_PROGRAM'] ??= join(import.meta.dirname, '..', 'fairlead');
watchOutput();
await up({
  filename: [import.meta.dirname],
  nodes: 3,
  publish: [],
  name: 'default',
  ipFamily: 'ipv4',
  port: 6443,
  logLevel: 'error',
  command: [],
  extension: { path: join(import.meta.dirname, 'prove.ts'), leaves: !process.stdout.isTTY },
}).catch(reportFailure);
