/** Messages that must not exceed a size (RFC 2181 §9): what is left out first costs the client least. */
import type { Message } from './message.ts';
import { encodeMessage, MessageError } from './message.ts';
import { headerFlags } from './protocol.ts';

/**
 * Encodes in at most `maxBytes`. What does not fit is left out: first the additional records, without a word, for TC would cost the
 * client a second query; then the authority, then answers from the end, both with TC. Aliases stand first, so a cut answer is still one.
 */
export function encodeWithin(message: Message, maxBytes: number): Uint8Array {
  const whole = tryEncode(message, maxBytes);
  if (whole !== undefined) return whole;
  const bare = { ...message, additionals: [] };
  const withoutGlue = tryEncode(bare, maxBytes);
  if (withoutGlue !== undefined) return withoutGlue;
  const cut = { ...bare, authorities: [], flags: message.flags | headerFlags.TC };
  // the most answers that fit: more never take less room
  let fit = 0;
  for (let beyond = cut.answers.length + 1; beyond - fit > 1;) {
    const middle = (fit + beyond) >> 1;
    if (tryEncode({ ...cut, answers: cut.answers.slice(0, middle) }, maxBytes) === undefined) beyond = middle;
    else fit = middle;
  }
  return encodeMessage({ ...cut, answers: cut.answers.slice(0, fit) });
}

function tryEncode(message: Message, maxBytes: number): Uint8Array | undefined {
  try {
    return encodeMessage(message, maxBytes);
  } catch (error) {
    if (error instanceof MessageError && error.facts.code === 'too-long') return undefined;
    throw error;
  }
}
