/** Message and attribute numbers of nfnetlink and nftables, and their names for errors. Source: linux/netfilter/nf_tables.h. */
import type { AttributeShape, MessageShape } from '../netlink/extended-ack.ts';
import type { NftFamily } from './model.ts';

const NFNL_SUBSYS_NFTABLES = 10;
export const NFNL_MSG_BATCH_BEGIN = 0x10;
export const NFNL_MSG_BATCH_END = 0x11;
export const NFNL_BATCH_GENID = 1;
export const NFNLGRP_NFTABLES = 7;

/** Message types with the subsystem in the high byte, as they stand in the netlink header. */
export const NFT_MSG = {
  NEWTABLE: nft(0),
  GETTABLE: nft(1),
  DELTABLE: nft(2),
  NEWCHAIN: nft(3),
  GETCHAIN: nft(4),
  DELCHAIN: nft(5),
  NEWRULE: nft(6),
  GETRULE: nft(7),
  DELRULE: nft(8),
  NEWSET: nft(9),
  GETSET: nft(10),
  DELSET: nft(11),
  NEWSETELEM: nft(12),
  GETSETELEM: nft(13),
  DELSETELEM: nft(14),
  NEWGEN: nft(15),
  GETGEN: nft(16),
  NEWOBJ: nft(18),
  GETOBJ: nft(19),
  DELOBJ: nft(20),
} as const;

function nft(type: number): number {
  return (NFNL_SUBSYS_NFTABLES << 8) | type;
}

/** NFPROTO_*: first byte of struct nfgenmsg. */
export const familyNumbers: Readonly<Record<NftFamily, number>> = { inet: 1, ip: 2, ip6: 10 };

/** The family with this number, if it is one of ours. */
export function familyFromNumber(number: number): NftFamily | undefined {
  return number === 1 ? 'inet' : number === 2 ? 'ip' : number === 10 ? 'ip6' : undefined;
}

export const NFTA_TABLE = { NAME: 1, FLAGS: 2, USE: 3, HANDLE: 4 } as const;
export const NFTA_CHAIN = { TABLE: 1, HANDLE: 2, NAME: 3, HOOK: 4, POLICY: 5, USE: 6, TYPE: 7, FLAGS: 10 } as const;
export const NFTA_HOOK = { HOOKNUM: 1, PRIORITY: 2 } as const;
export const NFTA_RULE = { TABLE: 1, CHAIN: 2, HANDLE: 3, EXPRESSIONS: 4, POSITION: 6, USERDATA: 7 } as const;
export const NFTA_LIST_ELEM = 1;
export const NFTA_EXPR = { NAME: 1, DATA: 2 } as const;
export const NFTA_SET = {
  TABLE: 1,
  NAME: 2,
  FLAGS: 3,
  KEY_TYPE: 4,
  KEY_LEN: 5,
  DATA_TYPE: 6,
  DATA_LEN: 7,
  DESC: 9,
  ID: 10,
  TIMEOUT: 11,
  USERDATA: 13,
  HANDLE: 16,
  EXPR: 17,
  EXPRESSIONS: 18,
  /** Linux 6.17. */
  COUNT: 20,
} as const;
export const NFTA_SET_DESC = { SIZE: 1, CONCAT: 2 } as const;
export const NFTA_SET_FIELD_LEN = 1;
export const NFTA_SET_ELEM_LIST = { TABLE: 1, SET: 2, ELEMENTS: 3 } as const;
export const NFTA_SET_ELEM = {
  KEY: 1,
  DATA: 2,
  FLAGS: 3,
  TIMEOUT: 4,
  EXPIRATION: 5,
  EXPR: 7,
  KEY_END: 10,
  EXPRESSIONS: 11,
} as const;
export const NFTA_DATA = { VALUE: 1, VERDICT: 2 } as const;
export const NFTA_VERDICT = { CODE: 1, CHAIN: 2 } as const;
export const NFTA_OBJ = { TABLE: 1, NAME: 2, TYPE: 3, DATA: 4, USE: 5, HANDLE: 6 } as const;
export const NFTA_COUNTER = { BYTES: 1, PACKETS: 2 } as const;
export const NFTA_GEN = { ID: 1, PROC_PID: 2, PROC_NAME: 3 } as const;

export const NFT_SET_FLAG = {
  ANONYMOUS: 0x1,
  CONSTANT: 0x2,
  INTERVAL: 0x4,
  MAP: 0x8,
  TIMEOUT: 0x10,
  EVAL: 0x20,
  OBJECT: 0x40,
  CONCAT: 0x80,
} as const;
export const NFT_SET_ELEM_INTERVAL_END = 1;
export const NFT_OBJECT_COUNTER = 1;
export const NFT_DATA_VERDICT = 0xffffff00;

const expression: AttributeShape = { name: 'expression', children: { 1: { name: 'name' }, 2: { name: 'data' } } };
const expressions: AttributeShape = { name: 'expressions', member: expression };
const data: AttributeShape = {
  name: 'data',
  children: { 1: { name: 'value' }, 2: { name: 'verdict', children: { 1: { name: 'code' }, 2: { name: 'chain' } } } },
};
const element: AttributeShape = {
  name: 'element',
  children: {
    1: { name: 'key', children: { 1: { name: 'value' } } },
    2: data,
    3: { name: 'flags' },
    4: { name: 'timeout' },
    5: { name: 'expiration' },
    7: { name: 'expression' },
    10: { name: 'key end', children: { 1: { name: 'value' } } },
    11: expressions,
  },
};
const tableName: AttributeShape = { name: 'table', isSubject: true };
const subjectName: AttributeShape = { name: 'name', isSubject: true };
const tableAttributes = { 1: subjectName, 2: { name: 'flags' }, 4: { name: 'handle' } };
const chainAttributes = {
  1: tableName,
  2: { name: 'handle' },
  3: subjectName,
  4: { name: 'hook', children: { 1: { name: 'number' }, 2: { name: 'priority' } } },
  5: { name: 'policy' },
  7: { name: 'type' },
  10: { name: 'flags' },
};
const ruleAttributes = {
  1: tableName,
  2: { name: 'chain', isSubject: true },
  3: { name: 'handle' },
  4: expressions,
  6: { name: 'position' },
  7: { name: 'userdata' },
};
const setAttributes = {
  1: tableName,
  2: subjectName,
  3: { name: 'flags' },
  4: { name: 'key type' },
  5: { name: 'key length' },
  6: { name: 'data type' },
  7: { name: 'data length' },
  9: { name: 'description' },
  11: { name: 'timeout' },
  13: { name: 'userdata' },
  17: { name: 'expression' },
  18: expressions,
};
const elementAttributes = { 1: tableName, 2: { name: 'set', isSubject: true }, 3: { name: 'elements', member: element } };
const objectAttributes = { 1: tableName, 2: subjectName, 3: { name: 'type' }, 4: { name: 'data' } };

const attributesByNoun: readonly (readonly [string, MessageShape['attributes']])[] = [
  ['TABLE', tableAttributes],
  ['CHAIN', chainAttributes],
  ['RULE', ruleAttributes],
  ['SETELEM', elementAttributes],
  ['SET', setAttributes],
  ['OBJ', objectAttributes],
];

const shapes = new Map<number, MessageShape>([
  [NFNL_MSG_BATCH_BEGIN, { name: 'NFNL_MSG_BATCH_BEGIN', headerBytes: 4, attributes: {} }],
  [NFNL_MSG_BATCH_END, { name: 'NFNL_MSG_BATCH_END', headerBytes: 4, attributes: {} }],
]);
for (const [name, type] of Object.entries(NFT_MSG)) {
  const attributes = attributesByNoun.find(([noun]) => name.endsWith(noun))?.[1] ?? {};
  shapes.set(type, { name: `NFT_MSG_${name}`, headerBytes: 4, attributes });
}

/** Names for error texts. */
export function nftShapeOf(type: number): MessageShape | undefined {
  return shapes.get(type);
}
