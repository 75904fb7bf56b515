import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findFaults } from './check-floors.ts';

const table = [
  { name: 'an import down the floors is fine', files: { 'agent/a.ts': "import { x } from '../routing/index.ts';" }, want: [] },
  {
    name: 'an import up is a fault',
    files: { 'net/a.ts': "import { x } from '../api/index.ts';" },
    want: [/net\/ \(floor 0\) must not import api/],
  },
  {
    name: 'sideways only where the table says so',
    files: { 'dns/a.ts': "import { x } from '../agent/index.ts';" },
    want: [/dns\/ .* must not import agent/],
  },
  {
    name: 'rooms are entered by their door',
    files: { 'agent/a.ts': "import { x } from '../routing/decide.ts';" },
    want: [/door is routing\/index.ts/],
  },
  {
    name: 'a pure room imports no node module',
    files: { 'names/a.ts': "import fs from 'node:fs';" },
    want: [/names\/a.ts: a pure room loads node:fs/],
  },
  {
    name: 'a pure room loads none by another room either, but may know its types',
    files: {
      'api/a.ts': "import { x } from '../observe/index.ts';",
      'api/b.ts': "import type { x } from '../observe/index.ts';",
      'observe/index.ts': "export * from './log.ts';",
      'observe/log.ts': "import { createRequire } from 'node:module';",
    },
    want: [/api\/a.ts: a pure room loads node:module by observe\/log.ts/],
  },
  {
    name: 'cycles between files are faults',
    files: { 'net/a.ts': "import { b } from './b.ts';", 'net/b.ts': "import { a } from './a.ts';" },
    want: [/cycle: net\/a.ts -> net\/b.ts -> net\/a.ts/],
  },
];

for (const { name, files, want } of table) {
  test(name, () => {
    const faults = findFaults(new Map(Object.entries(files)));
    assert.equal(faults.length, want.length, faults.join('\n'));
    for (const [index, pattern] of want.entries()) assert.match(faults[index] ?? '', pattern);
  });
}
