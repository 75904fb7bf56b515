/**
 * What the kernel holds: read back at the start and for repair, judged, and turned into a seed so that what is right stays as it is.
 * A table with the right sets is mended chain by chain and row by row; any other is replaced within one transaction, so that it is
 * never away (without it even established connections stop).
 */
import type {
  DumpedChain,
  DumpedRule,
  DumpedSet,
  NftBatch,
  NftElement,
  Nftables,
  NftSet,
  NftVerdict,
} from '../../linux/index.ts';
import { expressionsEqual, nftTypeOf } from '../../linux/index.ts';
import type { IpFamily } from '../../net/index.ts';
import { isMadeOnDemand, partsOf } from '../rows/chain-names.ts';
import type { ChainOptions } from '../rows/chains.ts';
import { constantChains } from '../rows/chains.ts';
import { rulesOnDemand } from '../rows/pick-chains.ts';
import type { Rule } from '../rows/rule-parts.ts';
import type { FoundRows } from '../rows/found-rows.ts';
import { FoundRowsReader, isListSet, listSets, noRows } from '../rows/found-rows.ts';
import type { RowSet } from '../rows/layout.ts';
import { counters, declareSets, intervalSets, rowSets, tableName, tableOf } from '../rows/layout.ts';
import type { Bytes } from '../rows/row-bytes.ts';
import { readListSet } from './read-list-set.ts';
import { addressLength, fromUint8Array, toUint8Array } from '../rows/row-bytes.ts';

/** A table as the kernel has it. Rows as the agent writes them; verdict data that is no `goto` reads `(kind)`. */
export interface TableDump {
  readonly chains: ReadonlyMap<string, { readonly chain: DumpedChain; readonly rules: readonly DumpedRule[] }>;
  readonly sets: ReadonlyMap<string, DumpedSet>;
  readonly counters: ReadonlySet<string>;
  readonly rows: ReadonlyMap<RowSet, ReadonlyMap<Bytes, Bytes>>;
}

/** What is wrong with a table. */
export interface TableFaults {
  /** Sentences; with any of them only a new table helps. */
  readonly mustRebuild: readonly string[];
  /** Chains that are missing or whose rules are not ours. */
  readonly badChains: ReadonlySet<string>;
  readonly missingCounters: readonly string[];
  /** Chains and sets that someone else put into our table. */
  readonly strangeChains: readonly string[];
  readonly strangeSets: readonly string[];
}

/** Structure without rows: what `findFaults` needs. Undefined when there is no table of ours. */
export function dumpStructure(nftables: Nftables, family: IpFamily): Omit<TableDump, 'rows'> | undefined {
  const table = tableOf(family);
  if (!nftables.dumpTables().some(({ family: other, name }) => other === table.family && name === tableName)) return undefined;
  const rules = new Map<string, DumpedRule[]>();
  for (const rule of nftables.dumpRules(table)) {
    const own = rules.get(rule.chain);
    if (own === undefined) rules.set(rule.chain, [rule]);
    else own.push(rule);
  }
  return {
    chains: new Map(nftables.dumpChains(table).map((chain) => [chain.name, { chain, rules: rules.get(chain.name) ?? [] }])),
    sets: new Map(nftables.dumpSets(table).map((set) => [set.name, set])),
    counters: new Set(nftables.dumpCounters(table).map(({ name }) => name)),
  };
}

/** All rows that the agent keeps. The sets must be the right ones. */
export function dumpRows(nftables: Nftables, family: IpFamily): Map<RowSet, Map<Bytes, Bytes>> {
  const rows = noRows();
  for (const [set, elements] of rows) visitSet(nftables, family, set, (key, data) => elements.set(key, data));
  return rows;
}

/** The same, with lists where the rows spell them. `sets`: as in the structure. */
export function findRows(nftables: Nftables, family: IpFamily, sets: TableDump['sets']): FoundRows {
  const reader = new FoundRowsReader(family);
  for (const set of rowSets) {
    if (!isListSet(set)) visitSet(nftables, family, set, (key, data) => reader.addRow(set, key, data));
  }
  for (const set of listSets) readListSet(nftables, family, set, reader, sets.get(set)?.elementCount);
  return reader.finish();
}

function visitSet(nftables: Nftables, family: IpFamily, set: RowSet, visit: (key: Bytes, data: Bytes) => void): void {
  if (intervalSets.has(set) && set !== 'source-ranges') {
    for (const key of rangesOf(nftables.dumpElements(tableOf(family), set), family)) visit(key, '');
  } else {
    nftables.visitElementTexts(tableOf(family), set, ({ key, keyEnd, data, verdict }) =>
      visit(keyEnd === undefined ? key : key + keyEnd, verdict === undefined ? (data ?? '') : textOf(verdict)),
    );
  }
}

/** Judges a table against what this version would write. */
export function findFaults(dump: Omit<TableDump, 'rows'>, family: IpFamily, options: ChainOptions): TableFaults {
  const mustRebuild: string[] = [];
  const declared = declareSets(family, new Map(), 1);
  for (const set of declared) {
    const fault = setFault(set, dump.sets.get(set.name));
    if (fault !== undefined) mustRebuild.push(fault);
  }
  const badChains = new Set<string>();
  const known = new Set<string>();
  for (const { name, base, rules } of constantChains(family, options)) {
    known.add(name);
    const found = dump.chains.get(name);
    if (found !== undefined && !isSameBase(base, found.chain.base)) mustRebuild.push(`chain ${name} is on another hook`);
    if (found === undefined || !areSameRules(rules, found.rules)) badChains.add(name);
  }
  const strangeChains: string[] = [];
  for (const [name, { rules }] of dump.chains) {
    if (isMadeOnDemand(name)) {
      if (!areSameRules(rulesOnDemand(family, name), rules)) badChains.add(name);
      const missing = partsOf(name).filter((part) => !dump.chains.has(part));
      if (missing.length > 0) mustRebuild.push(`chain ${name} leads to ${missing.join(' and ')}, which is missing`);
    } else if (!known.has(name)) strangeChains.push(name);
  }
  const setNames = new Set(declared.map(({ name }) => name));
  return {
    mustRebuild,
    badChains,
    missingCounters: counters.filter((name) => !dump.counters.has(name)),
    strangeChains,
    // a list in a rule goes with its rule
    strangeSets: [...dump.sets.values()]
      .filter(({ name, flags }) => !setNames.has(name) && (flags & anonymous) === 0)
      .map(({ name }) => name),
  };
}

/** The whole structure: counters, sets, constant chains. The table must be empty or away. */
export function appendStructure(
  batch: NftBatch,
  family: IpFamily,
  options: ChainOptions & { readonly sizes: ReadonlyMap<RowSet, number>; readonly affinitySize: number },
): void {
  const table = tableOf(family);
  batch.addTable(table);
  for (const name of counters) batch.addCounter(table, name);
  for (const set of declareSets(family, options.sizes, options.affinitySize)) batch.addSet(table, set);
  const chains = constantChains(family, options);
  for (const { name, base } of chains) batch.addChain(table, { name, ...(base === undefined ? {} : { base }) });
  for (const { name, rules } of chains) for (const rule of rules) batch.addRule(table, name, rule);
}

/** Mends chains and counters; rows are not touched. */
export function appendRepair(
  batch: NftBatch,
  family: IpFamily,
  options: ChainOptions,
  dump: Omit<TableDump, 'rows'>,
  faults: TableFaults,
): void {
  const table = tableOf(family);
  for (const name of faults.missingCounters) batch.addCounter(table, name);
  const constant = constantChains(family, options);
  for (const name of faults.badChains) {
    const base = constant.find((chain) => chain.name === name)?.base;
    if (dump.chains.has(name)) batch.flushChain(table, name);
    else batch.addChain(table, { name, ...(base === undefined ? {} : { base }) });
  }
  for (const name of faults.badChains) {
    const rules = isMadeOnDemand(name) ? rulesOnDemand(family, name) : constant.find((chain) => chain.name === name)?.rules;
    for (const rule of rules ?? []) batch.addRule(table, name, rule);
  }
}

/** Removes what is not ours from our table: after the rows, which may have led there. */
export function appendStrangerRemoval(batch: NftBatch, family: IpFamily, faults: TableFaults): void {
  const table = tableOf(family);
  for (const name of faults.strangeChains) batch.flushChain(table, name);
  // rules look into sets, and elements of sets lead to chains
  for (const name of faults.strangeSets) batch.deleteSet(table, name);
  for (const name of faults.strangeChains) batch.deleteChain(table, name);
}

/** NFT_SET_* bits that we choose: interval 4, map 8, timeout 16, dynamic 32. Concatenation (128) follows from interval. */
const flagBits = { interval: 4, map: 8, timeout: 16, dynamic: 32 } as const;
const ourFlags = 4 | 8 | 16 | 32;
/** NFT_SET_ANONYMOUS. */
const anonymous = 1;
const verdictType = 0xffff_ff00;

function setFault(declared: NftSet, found: DumpedSet | undefined): string | undefined {
  if (found === undefined) return `set ${declared.name} is missing`;
  const key = nftTypeOf(declared.key);
  const data = declared.data === undefined || declared.data === 'verdict' ? undefined : nftTypeOf(declared.data);
  const flags =
    (declared.interval === true ? flagBits.interval : 0) |
    (declared.data === undefined ? 0 : flagBits.map) |
    (declared.timeout === true ? flagBits.timeout : 0) |
    (declared.dynamic === true ? flagBits.dynamic : 0);
  const isSame =
    found.keyType === key.type &&
    found.keyLength === key.length &&
    (found.flags & ourFlags) === flags &&
    found.hasCounter === (declared.counter === true) &&
    (declared.data === 'verdict'
      ? found.dataType === verdictType
      : data === undefined || (found.dataType === data.type && found.dataLength === data.length));
  return isSame ? undefined : `set ${declared.name} is of another kind`;
}

function isSameBase(ours: DumpedChain['base'], found: DumpedChain['base']): boolean {
  if (ours === undefined || found === undefined) return ours === found;
  return (
    ours.type === found.type &&
    ours.hook === found.hook &&
    ours.priority === found.priority &&
    (found.policy ?? 'accept') === (ours.policy ?? 'accept')
  );
}

function areSameRules(ours: readonly Rule[], found: readonly DumpedRule[]): boolean {
  return ours.length === found.length && ours.every((rule, index) => expressionsEqual(rule, found[index]?.expressions ?? []));
}

function textOf(verdict: NftVerdict): Bytes {
  return verdict.kind === 'goto' ? verdict.chain : `(${verdict.kind})`;
}

/** Start elements and the exclusive end marks behind them -> first and last address, joined. */
function rangesOf(elements: readonly NftElement[], family: IpFamily): Bytes[] {
  const length = addressLength(family);
  const marks = elements
    .map((element) => ({ key: fromUint8Array(element.key), isEnd: element.isIntervalEnd === true }))
    .sort((a, b) => (a.key === b.key ? Number(b.isEnd) - Number(a.isEnd) : a.key < b.key ? -1 : 1));
  const ranges: Bytes[] = [];
  let start: Bytes | undefined;
  for (const { key, isEnd } of marks) {
    if (!isEnd) start = key;
    else if (start !== undefined) {
      ranges.push(start + predecessor(key));
      start = undefined;
    }
  }
  if (start !== undefined) ranges.push(start + '\u00FF'.repeat(length));
  return ranges;
}

function predecessor(key: Bytes): Bytes {
  const bytes = Uint8Array.from(toUint8Array(key));
  for (let index = bytes.length - 1; index >= 0; index--) {
    const value = bytes[index] ?? 0;
    bytes[index] = (value - 1) & 0xff;
    if (value !== 0) break;
  }
  return fromUint8Array(bytes);
}
