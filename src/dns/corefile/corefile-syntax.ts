/**
 * A Corefile's lines as a tree, every word with its place. Grammar (Caddyfile v1, as CoreDNS reads it):
 *
 *   ZONE[, ZONE…] {            # a server block
 *       directive ARG… {       # a plugin; the inner block is optional
 *           option ARG…
 *       }
 *   }
 *
 * A line ends a directive; `{` must be the last word of its line and `}` the only one. Pure.
 */
import type { CorefileSource, Word } from './corefile-lines.ts';
import { corefileError, corefileLines } from './corefile-lines.ts';

/** One directive or option: its words, the first is its name, and what its block holds. */
export interface Directive {
  readonly words: readonly [Word, ...Word[]];
  /** Absent without a block. */
  readonly block?: readonly Directive[];
}

export interface ServerBlock {
  readonly keys: readonly [Word, ...Word[]];
  readonly directives: readonly Directive[];
}

/** Reads a Corefile. Throws `CorefileError`. */
export function parseCorefileSyntax(text: string, source: CorefileSource = {}): readonly ServerBlock[] {
  const lines = corefileLines(text, source);
  const blocks: ServerBlock[] = [];
  let at = 0;

  const directives = (opening: Word, depth: number): Directive[] => {
    if (depth > maxDepth) throw corefileError(opening, `blocks stand ${maxDepth} deep at most`);
    const found: Directive[] = [];
    for (;;) {
      const line = lines[at++];
      if (line === undefined) throw corefileError(opening, 'this block is not closed: a line with } is missing');
      const [first] = line;
      if (first?.text === '}') {
        if (line[1] !== undefined) throw corefileError(line[1], 'nothing may follow } on its line');
        return found;
      }
      found.push(directive(line, depth));
    }
  };

  const directive = (line: readonly Word[], depth: number): Directive => {
    const last = line.at(-1) as Word;
    const stray = line.find(({ text }, index) => text === '}' || (text === '{' && index < line.length - 1));
    if (stray !== undefined)
      throw corefileError(stray, `${stray.text} must ${stray.text === '}' ? 'stand alone' : 'end its line'}`);
    const words = last.text === '{' ? line.slice(0, -1) : line;
    const [name, ...args] = words;
    if (name === undefined) throw corefileError(last, 'a block needs a name before {');
    return last.text === '{' ? { words: [name, ...args], block: directives(last, depth + 1) } : { words: [name, ...args] };
  };

  while (at < lines.length) {
    const keys: Word[] = [];
    let opening: Word | undefined;
    while (opening === undefined) {
      const line = lines[at++];
      if (line === undefined) throw corefileError(keys.at(-1) as Word, 'a server block needs { after its zones');
      for (const word of line) {
        if (opening !== undefined) throw corefileError(word, '{ must end its line');
        if (word.text === '{') opening = word;
        else if (word.text === '}') throw corefileError(word, '} closes nothing');
        else keys.push({ ...word, text: word.text.replace(/,$/, '') });
      }
      // Zones may go on in the next line only after a comma.
      if (opening === undefined && line.at(-1)?.text.endsWith(',') !== true) {
        throw corefileError(line.at(-1) as Word, 'a server block needs { after its zones');
      }
    }
    const [first, ...others] = keys.filter(({ text }) => text !== '');
    if (first === undefined) throw corefileError(opening, 'a server block needs a zone before {');
    blocks.push({ keys: [first, ...others], directives: directives(opening, 1) });
  }
  return blocks;
}

/** Of the plugins none takes blocks in blocks of its block. */
const maxDepth = 8;
