/** A reporter for node:test: one line per test, failures in full, and a tally as JSON in the file that FAIRLEAD_TALLY names. */
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';

export interface Tally {
  passed: number;
  failed: number;
  /** `test name: reason`, for tests that the machine cannot run. */
  readonly skipped: string[];
  readonly failures: string[];
}

// oxlint-disable-next-line import/no-default-export -- node:test loads a reporter by its default export
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const tally: Tally = { passed: 0, failed: 0, skipped: [], failures: [] };
  for await (const event of source) {
    if (event.type === 'test:pass' || event.type === 'test:fail') {
      const { name, nesting, skip, details, file } = event.data;
      const isSuite = details.type === 'suite';
      const where = file === undefined ? '' : relative(process.cwd(), file);
      const indent = '  '.repeat(nesting);
      // a file that runs in its own process is reported as a test named by its path
      if (isSuite || (nesting === 0 && name === where)) continue;
      if (skip !== undefined && skip !== false) {
        tally.skipped.push(typeof skip === 'string' ? `${name}: ${skip}` : name);
        yield `${indent}- ${name} (skipped)\n`;
      } else if (event.type === 'test:pass') {
        tally.passed++;
        yield `${indent}✔ ${name} (${Math.round(details.duration_ms)} ms)\n`;
      } else {
        tally.failed++;
        tally.failures.push(`${where}: ${name}`);
        yield `${indent}✖ ${name}\n${inspect(event.data.details.error.cause ?? event.data.details.error)}\n`;
      }
    } else if (event.type === 'test:stderr' || event.type === 'test:stdout') {
      yield event.data.message;
    }
  }
  const path = process.env['FAIRLEAD_TALLY'];
  if (path !== undefined) writeFileSync(path, JSON.stringify(tally));
}
