import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatName, mustEncodeName, reverseNameOf } from './wire-name.ts';
import { NameTables } from './name-table.ts';
import { ReverseIndex } from './reverse-index.ts';
import { rrsetOf } from './name-index.ts';
import { rrTypes } from './rrset.ts';
import type { ReverseName } from './service-records.ts';

const address = '\x0a\x60\x00\x01';
const claim = (kind: ReverseName['kind'], target: string): ReverseName => ({ kind, address, target: mustEncodeName(target) });

/** What the address points back to when the claims of these owners come in this order. */
function answer(claims: readonly ReverseName[]): string[] {
  const { reverse } = new NameTables(30);
  const index = new ReverseIndex(reverse);
  for (const name of claims) index.replace([], [name]);
  const node = reverse.findText(reverseNameOf(address));
  return (node === undefined ? [] : (rrsetOf(node, rrTypes.PTR)?.items ?? [])).map(formatName);
}

function* orders<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) yield [];
  for (const [at, item] of items.entries()) for (const rest of orders(items.toSpliced(at, 1))) yield [item, ...rest];
}

const table = [
  {
    name: 'of two Services that claim one cluster IP the first by name is pointed to, whatever endpoint has the address as well',
    claims: [
      claim('cluster-ip', 'b.ns.svc'),
      claim('generated', '10-96-0-1.m.ns.svc'),
      claim('cluster-ip', 'a.ns.svc'),
      claim('hostname', 'h.m.ns.svc'),
    ],
    want: ['a.ns.svc'],
  },
  {
    name: 'endpoints with a hostname stand before those without',
    claims: [claim('generated', '10-96-0-1.a.ns.svc'), claim('hostname', 'h.z.ns.svc'), claim('hostname', 'h.b.ns.svc')],
    want: ['h.b.ns.svc', 'h.z.ns.svc', '10-96-0-1.a.ns.svc'],
  },
];

for (const { name, claims, want } of table) {
  test(`${name}, in every order of arrival`, () => {
    for (const order of orders(claims))
      assert.deepEqual(
        answer(order).map((text) => text.replace(/\.$/, '')),
        want,
      );
  });
}
