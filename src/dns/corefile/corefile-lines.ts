/**
 * A Corefile's text as lines of words, with everything that it imports in its place. Words are separated by space; "…" groups
 * words and keeps `#`; `#` starts a comment. `import` takes the name of a snippet, `(name) { … }`, or a file pattern. Pure but
 * for the files, which the caller reads.
 */
import { CodedError } from '../../observe/index.ts';

/** A word and where it stands; line and column start at 1. */
export interface Word {
  readonly text: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A file that was imported. */
export interface ImportedFile {
  readonly file: string;
  readonly text: string;
}

export interface CorefileSource {
  /** Its name in messages. Default `Corefile`. */
  readonly file?: string;
  /** What fills `{$NAME}` and `{%NAME%}`. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** Files that a pattern of `import` names, `from` the file it stands in; undefined when there must be one and is none. Default: none can be read. */
  readonly readImport?: (pattern: string, from: string) => readonly ImportedFile[] | undefined;
}

/** Thrown for a Corefile that cannot be used. The message starts with `FILE:LINE:COLUMN: `. */
export class CorefileError extends CodedError<{ readonly code: 'corefile'; readonly line: number; readonly column: number }> {}

/** An error at a word. */
export function corefileError(word: Word, problem: string): CorefileError {
  const { file, line, column } = word;
  return new CorefileError(`${file}:${line}:${column}: ${problem}`, { code: 'corefile', line, column });
}

/** Lines that have words, imports replaced by what they name. Throws `CorefileError`. */
export function corefileLines(text: string, source: CorefileSource = {}): readonly (readonly Word[])[] {
  const snippets = new Map<string, readonly (readonly Word[])[]>();

  let count = 0;
  const expand = (lines: readonly (readonly Word[])[], depth: number): (readonly Word[])[] =>
    lines.flatMap((line) => {
      const [name, pattern, extra] = line;
      if (name !== undefined && ++count > maxLines)
        throw corefileError(name, `with its imports it has more than ${maxLines} lines`);
      if (name?.text !== 'import') return [line];
      if (pattern === undefined) throw corefileError(name, 'import needs the name of a snippet or the path of a file');
      if (extra !== undefined) throw corefileError(extra, 'arguments of import are not supported');
      if (depth === maxDepth) throw corefileError(name, 'imports go round in a circle');
      const snippet = snippets.get(pattern.text);
      if (snippet !== undefined) return expand(snippet, depth + 1);
      const files = source.readImport?.(pattern.text, pattern.file);
      if (files === undefined)
        throw corefileError(pattern, `there is no snippet (${pattern.text}) above and no file ${pattern.text} to import`);
      return files.flatMap((imported) => expand(linesOf(imported.text, imported.file), depth + 1));
    });

  const linesOf = (from: string, file: string): (readonly Word[])[] => {
    const lines = from.split('\n').map((line, index) => wordsOf(line, index + 1, file, source.variables ?? {}));
    return takeSnippets(
      lines.filter((words) => words.length > 0),
      snippets,
    );
  };

  return expand(linesOf(text, source.file ?? 'Corefile'), 0);
}

/** Moves `(name) { … }` from the lines to `snippets`. */
function takeSnippets(
  lines: readonly (readonly Word[])[],
  snippets: Map<string, readonly (readonly Word[])[]>,
): (readonly Word[])[] {
  const others: (readonly Word[])[] = [];
  let depth = 0;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as readonly Word[];
    const [first] = line;
    const name =
      depth === 0 && line.length === 2 && line[1]?.text === '{' ? /^\((.+)\)$/.exec(first?.text ?? '')?.[1] : undefined;
    if (name === undefined || first === undefined) {
      depth += line.at(-1)?.text === '{' ? 1 : first?.text === '}' ? -1 : 0;
      others.push(line);
      continue;
    }
    const body: (readonly Word[])[] = [];
    for (let open = 1; ;) {
      const inner = lines[++at];
      if (inner === undefined) throw corefileError(first, 'this snippet is not closed: a line with } is missing');
      open += inner.at(-1)?.text === '{' ? 1 : inner[0]?.text === '}' ? -1 : 0;
      if (open === 0) break;
      body.push(inner);
    }
    snippets.set(name, body);
  }
  return others;
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
          throw corefileError({ text, file, line: number, column }, 'the quotation is not closed on its line');
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
    words.push({ text, file, line: number, column });
  }
  return words;
}

const maxDepth = 20;
/** Imports that each import another twice double with every step. */
const maxLines = 100_000;
