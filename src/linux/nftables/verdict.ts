/** Verdicts as attributes. Pure. */
import type { AttributeTable } from '../netlink/message-reader.ts';
import type { MessageWriter } from '../netlink/message-writer.ts';
import { NFTA_DATA, NFTA_VERDICT } from './messages.ts';
import type { NftVerdict } from './model.ts';

const codes = { drop: 0, accept: 1, continue: -1, jump: -3, goto: -4, return: -5 } as const;

/** Writes NFTA_DATA_VERDICT into the data attribute that is open. */
export function writeVerdict(writer: MessageWriter, verdict: NftVerdict): void {
  const nest = writer.beginNest(NFTA_DATA.VERDICT);
  writer.attributeBe32(NFTA_VERDICT.CODE, codes[verdict.kind]);
  if (verdict.kind === 'jump' || verdict.kind === 'goto') writer.attributeString(NFTA_VERDICT.CHAIN, verdict.chain);
  writer.endNest(nest);
}

/** Reads the attributes of NFTA_DATA_VERDICT; undefined for codes that no rule of ours has (queue, break). */
export function readVerdict(table: AttributeTable): NftVerdict | undefined {
  const code = (table.be32(NFTA_VERDICT.CODE) ?? 0) | 0;
  switch (code) {
    case codes.drop:
      return { kind: 'drop' };
    case codes.accept:
      return { kind: 'accept' };
    case codes.continue:
      return { kind: 'continue' };
    case codes.return:
      return { kind: 'return' };
    case codes.jump:
      return { kind: 'jump', chain: table.string(NFTA_VERDICT.CHAIN) ?? '' };
    case codes.goto:
      return { kind: 'goto', chain: table.string(NFTA_VERDICT.CHAIN) ?? '' };
    default:
      return undefined;
  }
}

/** Whether two verdicts are the same. */
export function verdictsEqual(a: NftVerdict, b: NftVerdict): boolean {
  if (a.kind !== b.kind) return false;
  return !('chain' in a) || ('chain' in b && a.chain === b.chain);
}
