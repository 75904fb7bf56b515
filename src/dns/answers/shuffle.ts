/** The order of address records: uniformly random, drawn anew for every answer (Fisher–Yates, one step per record written). */
import { rrTypes } from '../../names/index.ts';
import type { Permutation } from './answer-writer.ts';
import type { Message, ResourceRecord } from '../wire/message.ts';
import { queryTypes } from '../wire/protocol.ts';

/**
 * A permutation that draws lazily: a truncated answer is a uniformly random subset and costs a random number for each record
 * that fits, not for each that exists. `random` (numbers in [0, 1)) is asked once, for the seed: the generator is a 32-bit
 * xorshift (Marsaglia 2003), which stays within small integers and so makes no garbage. Order is no secret.
 */
export function createShuffle(random: () => number): Permutation {
  let order = new Uint32Array(64);
  let state = Math.floor(random() * 0x7fff_fffe) + 1;
  /** In [0, count). */
  const below = (count: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return Math.floor(((state >>> 0) / 2 ** 32) * count);
  };
  return {
    first: below,
    pick(position, count) {
      if (position === 0) {
        if (count > order.length) order = new Uint32Array(count * 2);
        for (let index = 0; index < count; index++) order[index] = index;
      }
      const other = position + below(count - position);
      const chosen = order[other] as number;
      order[other] = order[position] as number;
      order[position] = chosen;
      return chosen;
    },
  };
}

/** Records in the order of the index: for tests and zone transfer. */
export const unshuffled: Permutation = { pick: (position) => position, first: () => 0 };

/**
 * A message from elsewhere in CoreDNS's order (`loadbalance`), in each section: aliases, then all other types, then addresses and
 * then mail servers, these two in an order drawn anew. Outside the cache, or every client would get the first one's order. Only
 * for answers: what else comes is left alone.
 */
export function shuffleAddresses(message: Message, permutation: Permutation): Message {
  if (message.rcode !== 0) return message;
  const arrange = (records: readonly ResourceRecord[]): readonly ResourceRecord[] => {
    if (records.length < 2) return records;
    const groups: [ResourceRecord[], ResourceRecord[], ResourceRecord[], ResourceRecord[]] = [[], [], [], []];
    for (const record of records) groups[rankOf(record.type)].push(record);
    const [aliases, others, addresses, mail] = groups;
    return [...aliases, ...others, ...drawn(addresses, permutation), ...drawn(mail, permutation)];
  };
  const { answers, authorities, additionals } = message;
  if (answers.length < 2 && authorities.length < 2 && additionals.length < 2) return message;
  return { ...message, answers: arrange(answers), authorities: arrange(authorities), additionals: arrange(additionals) };
}

function rankOf(type: number): 0 | 1 | 2 | 3 {
  if (type === rrTypes.CNAME) return 0;
  if (type === rrTypes.A || type === rrTypes.AAAA) return 2;
  return type === queryTypes.MX ? 3 : 1;
}

function drawn(records: readonly ResourceRecord[], permutation: Permutation): readonly ResourceRecord[] {
  return records.map((_, position) => records[permutation.pick(position, records.length)] as ResourceRecord);
}
