/** For tables of the name server's rules: a question about the sample objects, and the whole answer as text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { NameIndexOptions } from '../../names/index.ts';
import { sampleIndex } from '../../names/sample-objects.ts';
import { ask, sampleResponder, textOf } from '../forwarding/asking.ts';

/** What is asked, why, and what is to come. */
export interface Rule {
  readonly rule: string;
  readonly name: string;
  readonly type: string;
  readonly want: string;
}

/** The SOA record of a negative answer, and such answers. */
export const soa = 'auth: cluster.local SOA ns.dns.cluster.local hostmaster.cluster.local 1000 7200 1800 86400 5';
export const nodata = `NOERROR\n${soa}`;
export const nxdomain = `NXDOMAIN\n${soa}`;

/** Registers a test for each rule. */
export function testRules(rules: readonly Rule[], options: Partial<NameIndexOptions> = {}): void {
  for (const { rule, name, type, want } of rules) {
    test(`${rule} (${name} ${type})`, () => {
      assert.equal(textOf(ask(sampleResponder(sampleIndex(options)), name, type, { udpBytes: 4096 })), want);
    });
  }
}
