/**
 * Expressions in a form that can be compared: what the kernel dumps differs from what was written in the numbering of
 * registers (it prefers the four 128-bit names), in defaults that it spells out, and in counter values. Pure.
 */
import { AttributeTable } from '../netlink/message-reader.ts';
import { NFTA_DATA } from './messages.ts';
import type { NftExpression } from './model.ts';
import { readVerdict } from './verdict.ts';

/** How an attribute is read: `register` and numbers big-endian, `data` a nested value or verdict. */
type Kind = 'register' | 'u8' | 'be32' | 'be64' | 'string' | 'data';

interface Field {
  readonly type: number;
  readonly name: string;
  readonly kind: Kind;
  /** Bits that mean nothing to us: set by the kernel as it likes. */
  readonly ignoredBits?: number;
}

/**
 * One expression as text: its name and the attributes that are not zero or empty, by name. Equal meaning gives equal text,
 * on every kernel; an expression that is not known shows its bytes.
 */
export function describeExpression(expression: NftExpression): string {
  const fields = fieldsByName.get(expression.name);
  if (fields === undefined) return `${expression.name} ${Buffer.from(expression.data).toString('hex')}`;
  const table = new AttributeTable(16).parse(expression.data, 0, expression.data.length);
  const words = [expression.name];
  for (const field of fields) {
    const text = readField(table, field);
    if (text !== undefined) words.push(`${field.name}=${text}`);
  }
  return words.join(' ');
}

/** Whether a dumped rule's expressions mean what ours mean. */
export function expressionsEqual(ours: readonly NftExpression[], dumped: readonly NftExpression[]): boolean {
  if (ours.length !== dumped.length) return false;
  return ours.every((expression, index) => {
    const other = dumped[index];
    return other !== undefined && describeExpression(expression) === describeExpression(other);
  });
}

const NF_NAT_RANGE_MAP_IPS = 1;
const NF_NAT_RANGE_PROTO_SPECIFIED = 2;
const NFT_DYNSET_F_EXPR = 2;

const fieldsByName = new Map<string, readonly Field[]>([
  ['payload', fields('register:1:to', 'be32:2:base', 'be32:3:offset', 'be32:4:length', 'register:5:from')],
  ['meta', fields('be32:2:key', 'register:1:to', 'register:3:from')],
  ['ct', fields('be32:2:key', 'register:1:to', 'register:4:from', 'u8:3:direction')],
  ['cmp', fields('register:1:register', 'be32:2:operator', 'data:3:value')],
  ['range', fields('register:1:register', 'be32:2:operator', 'data:3:from', 'data:4:to')],
  [
    'bitwise',
    fields('register:1:from', 'register:2:to', 'be32:3:length', 'be32:6:operator', 'data:4:mask', 'data:5:xor', 'data:7:shift'),
  ],
  ['immediate', fields('register:1:to', 'data:2:value')],
  ['lookup', fields('string:1:set', 'register:2:key', 'register:3:to', 'be32:5:flags')],
  ['numgen', fields('register:1:to', 'be32:2:modulus', 'be32:3:type', 'be32:4:offset')],
  ['nat', [...fields('be32:1:type', 'be32:2:family', 'register:3:address', 'register:5:port'), natFlags(7)]],
  ['masq', fields('be32:1:flags', 'register:2:port')],
  ['reject', fields('be32:1:type', 'u8:2:code')],
  [
    'dynset',
    [
      ...fields('be32:3:operation', 'string:1:set', 'register:4:key', 'register:5:data', 'be64:6:timeout'),
      { type: 9, name: 'flags', kind: 'be32', ignoredBits: NFT_DYNSET_F_EXPR },
    ],
  ],
  ['counter', []],
  ['objref', fields('be32:1:type', 'string:2:name', 'register:3:key', 'string:4:set')],
  ['fib', fields('register:1:to', 'be32:2:result', 'be32:3:flags')],
]);

function natFlags(type: number): Field {
  return { type, name: 'flags', kind: 'be32', ignoredBits: NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED };
}

/** `kind:type:name`. */
function fields(...specifications: readonly string[]): Field[] {
  return specifications.map((specification) => {
    const [kind = '', type = '', name = ''] = specification.split(':');
    return { type: Number(type), name, kind: kind as Kind };
  });
}

function readField(table: AttributeTable, field: Field): string | undefined {
  if (!table.has(field.type)) return undefined;
  switch (field.kind) {
    case 'register':
      return String(toRegister32(table.be32(field.type) ?? 0));
    case 'u8':
      // Zero is a value here, as the direction of a connection is; absent means something else.
      return String(table.u8(field.type) ?? 0);
    case 'be32':
      return nonZero(((table.be32(field.type) ?? 0) & ~(field.ignoredBits ?? 0)) >>> 0);
    case 'be64':
      return nonZero(table.be64(field.type) ?? 0n);
    case 'string':
      return table.string(field.type);
    case 'data':
      return readData(table, field.type);
  }
}

function nonZero(value: number | bigint): string | undefined {
  return value === 0 || value === 0n ? undefined : String(value);
}

/** NFT_REG_1 to 4 are the 32-bit registers 8, 12, 16, 20. The verdict register stays 0. */
function toRegister32(register: number): number {
  return register >= 1 && register <= 4 ? 4 + register * 4 : register;
}

function readData(table: AttributeTable, type: number): string {
  const data = new AttributeTable(2).parseNested(table, type);
  if (data.has(NFTA_DATA.VERDICT)) {
    const verdict = readVerdict(new AttributeTable(3).parseNested(data, NFTA_DATA.VERDICT));
    return verdict === undefined ? 'verdict?' : [verdict.kind, ...('chain' in verdict ? [verdict.chain] : [])].join(' ');
  }
  return `0x${Buffer.from(data.bytes(NFTA_DATA.VALUE) ?? []).toString('hex')}`;
}
