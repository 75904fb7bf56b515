/**
 * A Corefile's text as a tree, every word with its place. Grammar (Caddyfile v1, as CoreDNS reads it):
 *
 *   ZONE[, ZONE…] {            # a server block
 *       directive ARG… {       # a plugin; the inner block is optional
 *           option ARG…
 *       }
 *   }
 *
 * Words are separated by space; "…" groups words and keeps `#`; `#` starts a comment; a line ends a directive; `{` must be the
 * last word of its line and `}` the only one. Pure.
 */
import { CodedError } from '../observe/index.ts';

/** A word and where it stands; both numbers start at 1. */
export interface Word {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

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

/** Thrown for a Corefile that cannot be used. The message starts with `FILE:LINE:COLUMN: `. */
export class CorefileError extends CodedError<{ readonly code: 'corefile'; readonly line: number; readonly column: number }> {}

/** An error at a word. */
export function corefileError(file: string, word: Word, problem: string): CorefileError {
  const { line, column } = word;
  return new CorefileError(`${file}:${line}:${column}: ${problem}`, { code: 'corefile', line, column });
}

/** Reads a Corefile. `file` is its name in messages; `variables` fill `{$NAME}` and `{%NAME%}`. Throws `CorefileError`. */
export function parseCorefileSyntax(
  text: string,
  file = 'Corefile',
  variables: Readonly<Record<string, string | undefined>> = {},
): readonly ServerBlock[] {
  const lines = text.split('\n').map((line, index) => wordsOf(line, index + 1, file, variables));
  const blocks: ServerBlock[] = [];
  let at = 0;
  const rest = lines.filter((words) => words.length > 0);

  const directives = (opening: Word): Directive[] => {
    const found: Directive[] = [];
    for (;;) {
      const line = rest[at++];
      if (line === undefined) throw corefileError(file, opening, 'this block is not closed: a line with } is missing');
      const [first] = line;
      if (first?.text === '}') {
        if (line[1] !== undefined) throw corefileError(file, line[1], 'nothing may follow } on its line');
        return found;
      }
      found.push(directive(line));
    }
  };

  const directive = (line: readonly Word[]): Directive => {
    const last = line.at(-1) as Word;
    const stray = line.find(({ text }, index) => text === '}' || (text === '{' && index < line.length - 1));
    if (stray !== undefined)
      throw corefileError(file, stray, `${stray.text} must ${stray.text === '}' ? 'stand alone' : 'end its line'}`);
    const words = last.text === '{' ? line.slice(0, -1) : line;
    const [name, ...args] = words;
    if (name === undefined) throw corefileError(file, last, 'a block needs a name before {');
    return last.text === '{' ? { words: [name, ...args], block: directives(last) } : { words: [name, ...args] };
  };

  while (at < rest.length) {
    const keys: Word[] = [];
    let opening: Word | undefined;
    while (opening === undefined) {
      const line = rest[at++];
      if (line === undefined) throw corefileError(file, keys.at(-1) as Word, 'a server block needs { after its zones');
      for (const word of line) {
        if (opening !== undefined) throw corefileError(file, word, '{ must end its line');
        if (word.text === '{') opening = word;
        else if (word.text === '}') throw corefileError(file, word, '} closes nothing');
        else keys.push({ ...word, text: word.text.replace(/,$/, '') });
      }
      // Zones may go on in the next line only after a comma.
      if (opening === undefined && line.at(-1)?.text.endsWith(',') !== true) {
        throw corefileError(file, line.at(-1) as Word, 'a server block needs { after its zones');
      }
    }
    const [first, ...others] = keys.filter(({ text }) => text !== '');
    if (first === undefined) throw corefileError(file, opening, 'a server block needs a zone before {');
    blocks.push({ keys: [first, ...others], directives: directives(opening) });
  }
  return blocks;
}

function wordsOf(line: string, number: number, file: string, variables: Readonly<Record<string, string | undefined>>): Word[] {
  const words: Word[] = [];
  let at = 0;
  while (at < line.length) {
    if (/\s/.test(line.charAt(at))) {
      at++;
      continue;
    }
    if (line.charAt(at) === '#') break;
    const column = at + 1;
    let text = '';
    if (line.charAt(at) === '"') {
      for (at++; line.charAt(at) !== '"'; at++) {
        if (at >= line.length)
          throw corefileError(file, { text, line: number, column }, 'the quotation is not closed on its line');
        if (line.charAt(at) === '\\' && line.charAt(at + 1) === '"') at++;
        text += line.charAt(at);
      }
      at++;
    } else {
      while (at < line.length && !/\s/.test(line.charAt(at))) text += line.charAt(at++);
    }
    text = text.replaceAll(
      /\{\$([A-Za-z0-9_]+)\}|\{%([A-Za-z0-9_]+)%\}/g,
      (_, a?: string, b?: string) => variables[a ?? b ?? ''] ?? '',
    );
    words.push({ text, line: number, column });
  }
  return words;
}
