/** nftables messages back into nouns: the opposite of batch.ts. Pure. */
import { AttributeTable, forEachAttribute, readU32, type Message } from '../netlink/message-reader.ts';
import {
  NFTA_CHAIN,
  NFTA_COUNTER,
  NFTA_DATA,
  NFTA_EXPR,
  NFTA_GEN,
  NFTA_HOOK,
  NFTA_OBJ,
  NFTA_RULE,
  NFTA_SET,
  NFTA_SET_DESC,
  NFTA_SET_ELEM,
  NFTA_SET_ELEM_LIST,
  NFTA_SET_FIELD_LEN,
  NFTA_TABLE,
  NFT_SET_ELEM_INTERVAL_END,
  familyFromNumber,
} from './messages.ts';
import type {
  DumpedChain,
  DumpedCounter,
  DumpedRule,
  DumpedSet,
  NftBase,
  NftCounter,
  NftElement,
  NftExpression,
  NftGeneration,
  NftHook,
  NftTable,
  NftVerdict,
} from './model.ts';
import { readVerdict } from './verdict.ts';

/** Bytes of struct nfgenmsg. */
const FAMILY_BYTES = 4;
const hooks: readonly NftHook[] = ['prerouting', 'input', 'forward', 'output', 'postrouting'];

const top = new AttributeTable(24);
const inner = new AttributeTable(24);
const innermost = new AttributeTable(24);

/** The attributes of a message, in a table that the next call takes over. Undefined for families that are not ours. */
function open(message: Message, nameType: number): { readonly attributes: AttributeTable; readonly table: NftTable } | undefined {
  const family = familyFromNumber(message.bytes[message.start] ?? 0);
  if (family === undefined) return undefined;
  const attributes = top.parse(message.bytes, message.start + FAMILY_BYTES, message.end);
  return { attributes, table: { family, name: attributes.string(nameType) ?? '' } };
}

/** A NEWTABLE message; undefined for other messages. */
export function decodeTable(message: Message): NftTable | undefined {
  return open(message, NFTA_TABLE.NAME)?.table;
}

/** A NEWCHAIN message; undefined for other messages. */
export function decodeChain(message: Message): DumpedChain | undefined {
  const opened = open(message, NFTA_CHAIN.TABLE);
  if (opened === undefined) return undefined;
  const { attributes, table } = opened;
  const base = decodeBase(attributes);
  return {
    table,
    name: attributes.string(NFTA_CHAIN.NAME) ?? '',
    handle: attributes.be64(NFTA_CHAIN.HANDLE) ?? 0n,
    uses: attributes.be32(NFTA_CHAIN.USE) ?? 0,
    ...(base === undefined ? {} : { base }),
  };
}

/** A NEWRULE message; undefined for other messages. */
export function decodeRule(message: Message): DumpedRule | undefined {
  const opened = open(message, NFTA_RULE.TABLE);
  if (opened === undefined) return undefined;
  const { attributes, table } = opened;
  const userdata = attributes.bytes(NFTA_RULE.USERDATA);
  return {
    table,
    chain: attributes.string(NFTA_RULE.CHAIN) ?? '',
    handle: attributes.be64(NFTA_RULE.HANDLE) ?? 0n,
    expressions: readExpressions(message.bytes, attributes.start(NFTA_RULE.EXPRESSIONS), attributes.end(NFTA_RULE.EXPRESSIONS)),
    ...(userdata === undefined ? {} : { userdata }),
  };
}

/** The members of a list of expressions. */
export function readExpressions(bytes: Uint8Array, start: number, end: number): NftExpression[] {
  const expressions: NftExpression[] = [];
  const table = new AttributeTable(2);
  forEachAttribute(bytes, start, end, (_type, from, to) => {
    table.parse(bytes, from, to);
    expressions.push({
      name: table.string(NFTA_EXPR.NAME) ?? '',
      data: bytes.subarray(table.start(NFTA_EXPR.DATA), table.end(NFTA_EXPR.DATA)),
    });
  });
  return expressions;
}

/** A NEWSET message; undefined for other messages and for types that we never make. */
export function decodeSet(message: Message): DumpedSet | undefined {
  const opened = open(message, NFTA_SET.TABLE);
  if (opened === undefined) return undefined;
  const { attributes, table } = opened;
  const description = inner.parseNested(attributes, NFTA_SET.DESC);
  const size = description.be32(NFTA_SET_DESC.SIZE);
  const fieldLengths: number[] = [];
  forEachAttribute(
    message.bytes,
    description.start(NFTA_SET_DESC.CONCAT),
    description.end(NFTA_SET_DESC.CONCAT),
    (_type, from, to) => {
      fieldLengths.push(innermost.parse(message.bytes, from, to).be32(NFTA_SET_FIELD_LEN) ?? 0);
    },
  );
  const dataType = attributes.be32(NFTA_SET.DATA_TYPE);
  const dataLength = attributes.be32(NFTA_SET.DATA_LEN);
  const timeout = attributes.be64(NFTA_SET.TIMEOUT);
  const userdata = attributes.bytes(NFTA_SET.USERDATA);
  const elementCount = attributes.be32(NFTA_SET.COUNT);
  return {
    table,
    name: attributes.string(NFTA_SET.NAME) ?? '',
    handle: attributes.be64(NFTA_SET.HANDLE) ?? 0n,
    flags: attributes.be32(NFTA_SET.FLAGS) ?? 0,
    keyType: attributes.be32(NFTA_SET.KEY_TYPE) ?? 0,
    keyLength: attributes.be32(NFTA_SET.KEY_LEN) ?? 0,
    ...(dataType === undefined ? {} : { dataType }),
    ...(dataLength === undefined ? {} : { dataLength }),
    ...(size === undefined || size === 0 ? {} : { size }),
    ...(elementCount === undefined ? {} : { elementCount }),
    ...(timeout === undefined ? {} : { defaultTimeoutMs: Number(timeout) }),
    fieldLengths,
    hasCounter: hasCounter(message.bytes, attributes),
    ...(userdata === undefined ? {} : { userdata }),
  };
}

/** Calls `visit` for each element of a NEWSETELEM message. The byte arrays are views of the message. */
export function decodeElements(message: Message, visit: (element: NftElement) => void): void {
  const list = new AttributeTable(4).parse(message.bytes, message.start + FAMILY_BYTES, message.end);
  const { bytes } = message;
  const tables: ElementTables = {
    attributes: new AttributeTable(12),
    value: new AttributeTable(4),
    deeper: new AttributeTable(4),
  };
  forEachAttribute(bytes, list.start(NFTA_SET_ELEM_LIST.ELEMENTS), list.end(NFTA_SET_ELEM_LIST.ELEMENTS), (_type, from, to) =>
    visit(decodeElement(bytes, from, to, tables)),
  );
}

/** An element as binary strings, one character a byte: for whoever keeps keys as strings, at a third of the cost of `decodeElements`. */
export interface ElementText {
  key: string;
  keyEnd: string | undefined;
  data: string | undefined;
  verdict: NftVerdict | undefined;
}

/** Calls `visit` for each element of a NEWSETELEM message, always with the same object. */
export function decodeElementTexts(message: Message, visit: (element: Readonly<ElementText>) => void): void {
  const list = new AttributeTable(4).parse(message.bytes, message.start + FAMILY_BYTES, message.end);
  const { bytes } = message;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const attributes = new AttributeTable(12);
  const value = new AttributeTable(4);
  const verdict = new AttributeTable(4);
  const text = (outer: AttributeTable, type: number): string => {
    value.parseNested(outer, type);
    return buffer.toString('latin1', value.start(NFTA_DATA.VALUE), value.end(NFTA_DATA.VALUE));
  };
  const element: ElementText = { key: '', keyEnd: undefined, data: undefined, verdict: undefined };
  forEachAttribute(bytes, list.start(NFTA_SET_ELEM_LIST.ELEMENTS), list.end(NFTA_SET_ELEM_LIST.ELEMENTS), (_type, from, to) => {
    attributes.parse(bytes, from, to);
    element.key = text(attributes, NFTA_SET_ELEM.KEY);
    element.keyEnd = attributes.has(NFTA_SET_ELEM.KEY_END) ? text(attributes, NFTA_SET_ELEM.KEY_END) : undefined;
    element.data = attributes.has(NFTA_SET_ELEM.DATA) ? text(attributes, NFTA_SET_ELEM.DATA) : undefined;
    element.verdict = value.has(NFTA_DATA.VERDICT) ? readVerdict(verdict.parseNested(value, NFTA_DATA.VERDICT)) : undefined;
    visit(element);
  });
}

/** Takes an element of a map whose key ends in 32 bits of host order: what is before them, their number, the data; binary strings. */
export type VisitNumbered = (prefix: string, number: number, data: string) => void;

/** Calls `visit` for each element of a NEWSETELEM message of such a map: for hundreds of thousands of them, so without what others need. */
export function decodeNumberedElements(message: Message, visit: VisitNumbered): void {
  const { bytes } = message;
  const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  top.parse(bytes, message.start + FAMILY_BYTES, message.end);
  forEachAttribute(bytes, top.start(NFTA_SET_ELEM_LIST.ELEMENTS), top.end(NFTA_SET_ELEM_LIST.ELEMENTS), (_type, from, to) => {
    innermost.parseNested(inner.parse(bytes, from, to), NFTA_SET_ELEM.KEY);
    const end = innermost.end(NFTA_DATA.VALUE) - 4;
    const prefix = buffer.toString('latin1', innermost.start(NFTA_DATA.VALUE), end);
    innermost.parseNested(inner, NFTA_SET_ELEM.DATA);
    visit(
      prefix,
      readU32(bytes, end),
      buffer.toString('latin1', innermost.start(NFTA_DATA.VALUE), innermost.end(NFTA_DATA.VALUE)),
    );
  });
}

/** The name of the set in a message about elements. */
export function elementsSetName(message: Message): string {
  return top.parse(message.bytes, message.start + FAMILY_BYTES, message.end).string(NFTA_SET_ELEM_LIST.SET) ?? '';
}

/** Undefined for objects that are no counters. */
export function decodeCounter(message: Message): DumpedCounter | undefined {
  const opened = open(message, NFTA_OBJ.TABLE);
  if (opened === undefined || opened.attributes.be32(NFTA_OBJ.TYPE) !== 1) return undefined;
  const { attributes, table } = opened;
  return {
    table,
    name: attributes.string(NFTA_OBJ.NAME) ?? '',
    handle: attributes.be64(NFTA_OBJ.HANDLE) ?? 0n,
    ...readCounter(inner.parseNested(attributes, NFTA_OBJ.DATA)),
  };
}

/** A NEWGEN message: the number of the ruleset, and who made it. */
export function decodeGeneration(message: Message): NftGeneration {
  const attributes = top.parse(message.bytes, message.start + FAMILY_BYTES, message.end);
  const processId = attributes.be32(NFTA_GEN.PROC_PID);
  const processName = attributes.string(NFTA_GEN.PROC_NAME);
  return {
    id: attributes.be32(NFTA_GEN.ID) ?? 0,
    ...(processId === undefined ? {} : { processId }),
    ...(processName === undefined ? {} : { processName }),
  };
}

interface ElementTables {
  readonly attributes: AttributeTable;
  readonly value: AttributeTable;
  readonly deeper: AttributeTable;
}

/** The parts of an element, filled in as found: cheaper than a spread for each of a million. */
type MutableElement = { -readonly [K in keyof NftElement]: NftElement[K] };

const noBytes = new Uint8Array(0);

function decodeElement(bytes: Uint8Array, from: number, to: number, tables: ElementTables): NftElement {
  const { attributes, value, deeper } = tables;
  attributes.parse(bytes, from, to);
  const element: MutableElement = { key: value.parseNested(attributes, NFTA_SET_ELEM.KEY).bytes(NFTA_DATA.VALUE) ?? noBytes };
  if (attributes.has(NFTA_SET_ELEM.KEY_END)) {
    element.keyEnd = value.parseNested(attributes, NFTA_SET_ELEM.KEY_END).bytes(NFTA_DATA.VALUE) ?? noBytes;
  }
  if (attributes.has(NFTA_SET_ELEM.DATA)) {
    value.parseNested(attributes, NFTA_SET_ELEM.DATA);
    if (value.has(NFTA_DATA.VERDICT)) {
      const verdict = readVerdict(deeper.parseNested(value, NFTA_DATA.VERDICT));
      if (verdict !== undefined) element.verdict = verdict;
    } else {
      element.data = value.bytes(NFTA_DATA.VALUE) ?? noBytes;
    }
  }
  if (((attributes.be32(NFTA_SET_ELEM.FLAGS) ?? 0) & NFT_SET_ELEM_INTERVAL_END) !== 0) element.isIntervalEnd = true;
  const timeout = attributes.be64(NFTA_SET_ELEM.TIMEOUT);
  if (timeout !== undefined) element.timeoutMs = Number(timeout);
  const expiration = attributes.be64(NFTA_SET_ELEM.EXPIRATION);
  if (expiration !== undefined) element.expirationMs = Number(expiration);
  if (attributes.has(NFTA_SET_ELEM.EXPR)) {
    value.parseNested(attributes, NFTA_SET_ELEM.EXPR);
    if (value.string(NFTA_EXPR.NAME) === 'counter') element.counter = readCounter(deeper.parseNested(value, NFTA_EXPR.DATA));
  } else if (attributes.has(NFTA_SET_ELEM.EXPRESSIONS)) {
    const list = readExpressions(bytes, attributes.start(NFTA_SET_ELEM.EXPRESSIONS), attributes.end(NFTA_SET_ELEM.EXPRESSIONS));
    const counter = list.find((expression) => expression.name === 'counter');
    if (counter !== undefined) element.counter = readCounter(deeper.parse(counter.data, 0, counter.data.length));
  }
  return element;
}

function readCounter(table: AttributeTable): NftCounter {
  return { packets: table.be64(NFTA_COUNTER.PACKETS) ?? 0n, bytes: table.be64(NFTA_COUNTER.BYTES) ?? 0n };
}

function decodeBase(attributes: AttributeTable): NftBase | undefined {
  if (!attributes.has(NFTA_CHAIN.HOOK)) return undefined;
  inner.parseNested(attributes, NFTA_CHAIN.HOOK);
  const hook = hooks[inner.be32(NFTA_HOOK.HOOKNUM) ?? -1];
  const type = attributes.string(NFTA_CHAIN.TYPE);
  if (hook === undefined || (type !== 'nat' && type !== 'filter' && type !== 'route')) return undefined;
  return {
    type,
    hook,
    priority: (inner.be32(NFTA_HOOK.PRIORITY) ?? 0) | 0,
    policy: attributes.be32(NFTA_CHAIN.POLICY) === 0 ? 'drop' : 'accept',
  };
}

function hasCounter(bytes: Uint8Array, attributes: AttributeTable): boolean {
  if (attributes.has(NFTA_SET.EXPR)) return innermost.parseNested(attributes, NFTA_SET.EXPR).string(NFTA_EXPR.NAME) === 'counter';
  const list = readExpressions(bytes, attributes.start(NFTA_SET.EXPRESSIONS), attributes.end(NFTA_SET.EXPRESSIONS));
  return list.some((expression) => expression.name === 'counter');
}
