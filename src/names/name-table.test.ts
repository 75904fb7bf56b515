import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NameTable } from './name-table.ts';
import { rawRRset } from './rrset.ts';
import { labelsOf } from './wire-name.ts';

const label = fc.constantFrom('\x01a', '\x01b', '\x02ab', '\x03svc');
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join(''));

test('a name exists exactly while it or something below it was put, whatever the order', () => {
  const operation = fc.record({ kind: fc.constantFrom('put', 'remove'), name });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), fc.array(name, { minLength: 5, maxLength: 20 }), (operations, probes) => {
      const table = new NameTable();
      const own = new Map<string, string>();
      for (const [index, { kind, name }] of operations.entries()) {
        if (kind === 'put') {
          table.put(name, [rawRRset(16, [String(index)], 5)]);
          own.set(name, String(index));
        } else {
          table.remove(name);
          own.delete(name);
        }
      }
      const all = new Set([...own.keys()].flatMap(withAncestors));
      assert.equal(table.size, all.size);
      for (const probe of [...probes, ...all]) {
        const node = table.findText(probe);
        assert.equal(node !== undefined, all.has(probe), probe);
        assert.equal(node?.rrsets[0]?.items[0], own.get(probe), probe);
        const bytes = Uint8Array.from(probe.toUpperCase(), (character) => character.charCodeAt(0));
        assert.deepEqual(table.find(bytes, 0, bytes.length), node, 'bytes find what the text finds');
      }
    }),
  );
});

test('a table of many names finds each and only those', () => {
  const table = new NameTable();
  for (let index = 0; index < 5000; index++) table.put(keyOf(index), []);
  for (let index = 0; index < 5000; index += 2) table.remove(keyOf(index));
  for (let index = 0; index < 5000; index++)
    assert.equal(table.findText(keyOf(index)) !== undefined, index % 2 === 1, String(index));
  assert.equal([...table.entries()].length, 2500);
});

function keyOf(index: number): string {
  const text = `s${index}`;
  return `${String.fromCharCode(text.length)}${text}\x02ns\x03svc`;
}

function withAncestors(name: string): string[] {
  const labels = labelsOf(name);
  return labels.map((_, at) =>
    labels
      .slice(at)
      .map((text) => String.fromCharCode(text.length) + text)
      .join(''),
  );
}
