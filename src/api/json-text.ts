/** JSON with an eye for members that are written twice, which `JSON.parse` passes over in silence. */
import { goQuote } from './field-errors.ts';
import { badRequest } from './status.ts';

/** What a text held, and where a member stood twice, worded as upstream: `duplicate field "spec.type"`. The last one won. */
export interface StrictJson {
  readonly value: unknown;
  readonly duplicates: readonly string[];
}

/** Parses JSON. Throws a 400 StatusError when it is malformed. */
export function parseJsonStrict(text: string): StrictJson {
  const value = parseJson(text);
  // Each member has one colon outside of texts. As many colons as members: none was overwritten. This is the usual case.
  if (countColons(text) === countMembers(value)) return { value, duplicates: [] };
  const duplicates: string[] = [];
  findDuplicates(text, duplicates);
  return { value, duplicates: [...new Set(duplicates)].map((path) => `duplicate field ${goQuote(path)}`) };
}

/** Parses JSON whose duplicate members do not matter. Throws a 400 StatusError when it is malformed. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw badRequest(`the body of the request is no JSON: ${reason}`, { cause });
  }
}

function countColons(text: string): number {
  let colons = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x22) index = endOfText(text, index);
    else if (code === 0x3a) colons++;
  }
  return colons;
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const children: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  let count = Array.isArray(value) ? 0 : children.length;
  for (const child of children) count += countMembers(child);
  return count;
}

/** Index of the closing quote of the text that opens at `index`. */
function endOfText(text: string, index: number): number {
  for (let at = index + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) at++;
    else if (code === 0x22) return at;
  }
  return text.length;
}

interface Container {
  readonly path: string;
  /** Of an object: the names seen so far. Absent for a list. */
  readonly names?: Set<string>;
  /** Of an object: the member being read. Of a list: the index. */
  at: string | number;
}

/** Walks a text that is known to be good JSON and collects the paths of repeated members. */
function findDuplicates(text: string, found: string[]): void {
  const stack: Container[] = [];
  const pathHere = (): string => {
    const top = stack.at(-1);
    if (top === undefined) return '';
    if (top.names === undefined) return `${top.path}[${top.at}]`;
    return top.path === '' ? String(top.at) : `${top.path}.${top.at}`;
  };
  let isName = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    const top = stack.at(-1);
    if (character === '"') {
      const end = endOfText(text, index);
      if (isName && top?.names !== undefined) {
        const name = JSON.parse(text.slice(index, end + 1)) as string;
        top.at = name;
        if (top.names.has(name)) found.push(pathHere());
        top.names.add(name);
        isName = false;
      }
      index = end;
    } else if (character === '{') {
      stack.push({ path: pathHere(), names: new Set(), at: '' });
      isName = true;
    } else if (character === '[') {
      stack.push({ path: pathHere(), at: 0 });
      isName = false;
    } else if (character === '}' || character === ']') {
      stack.pop();
      isName = false;
    } else if (character === ',' && top !== undefined) {
      if (top.names === undefined) top.at = Number(top.at) + 1;
      else isName = true;
    }
  }
}
