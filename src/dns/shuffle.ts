/** The order of address records: uniformly random, drawn anew for every answer (Fisher–Yates, one step per record written). */
import { rrTypes } from '../names/index.ts';
import type { Permutation } from './answer-writer.ts';
import type { Message, ResourceRecord } from './message.ts';

/**
 * A permutation that draws lazily: a truncated answer is a uniformly random subset and costs a random number for each record
 * that fits, not for each that exists. `random` (numbers in [0, 1)) is asked once, for the seed: the generator is a 32-bit
 * xorshift (Marsaglia 2003), which stays within small integers and so makes no garbage. Order is no secret.
 */
export function createShuffle(random: () => number): Permutation {
  let order = new Uint32Array(64);
  let state = Math.floor(random() * 0x7fff_fffe) + 1;
  return {
    pick(position, count) {
      if (position === 0) {
        if (count > order.length) order = new Uint32Array(count * 2);
        for (let index = 0; index < count; index++) order[index] = index;
      }
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      const other = position + Math.floor(((state >>> 0) / 2 ** 32) * (count - position));
      const chosen = order[other] as number;
      order[other] = order[position] as number;
      order[position] = chosen;
      return chosen;
    },
  };
}

/** Records in the order of the index: for tests and zone transfer. */
export const unshuffled: Permutation = { pick: (position) => position };

/** A message with its address records behind all others and in an order drawn anew. For answers from elsewhere: outside the cache, or every client would get the first one's order. */
export function shuffleAddresses(message: Message, permutation: Permutation): Message {
  const isAddress = ({ type }: ResourceRecord): boolean => type === rrTypes.A || type === rrTypes.AAAA;
  const addresses = message.answers.filter(isAddress);
  if (addresses.length < 2) return message;
  const shuffled = addresses.map((_, position) => addresses[permutation.pick(position, addresses.length)] as ResourceRecord);
  return { ...message, answers: [...message.answers.filter((record) => !isAddress(record)), ...shuffled] };
}
