/** YAML text -> values, in a time that grows with the text and no faster, whatever the text. */
import { Composer, isAlias, isCollection, isMap, isPair, isScalar, isSeq, LineCounter, Parser } from 'yaml';
import type { Alias, Document, Node as YamlNode } from 'yaml';
import { CodedError, messageOf } from '../observe/index.ts';

/** The documents of a text, and where their offsets lie. */
export interface YamlText {
  readonly documents: readonly Document[];
  readonly lineCounter: LineCounter;
}

/** A key that a mapping has already had. */
export interface DuplicateKey {
  readonly key: string;
  /** Of its second appearance. */
  readonly offset: number;
}

/** A document that is well formed and yet holds no value that anybody could have meant. */
export class YamlValueError extends CodedError<{
  readonly code: 'too-many-aliases' | 'too-deep' | 'no-anchor' | 'bad-value';
  /** Where in the text, when that is known. */
  readonly offset?: number;
}> {}

/** How often an alias may stand for a whole tree, in sum: a small text could fill any memory otherwise. */
const maxAliasCount = 100;
/** How many aliases a value may have: each is looked for among all that is marked. */
const maxAliases = 1000;

/**
 * Parses the documents, with the merge keys (`<<`) of YAML 1.1 that Kubernetes reads; `most` of them, and what follows is not looked
 * at. Keys that stand twice are no error of the documents (the parser's own check compares every key with every other): see
 * `findDuplicateKeys`.
 */
export function parseYamlText(text: string, most = Number.POSITIVE_INFINITY): YamlText {
  const lineCounter = new LineCounter();
  const composer = new Composer({ lineCounter, schema: 'core', merge: true, uniqueKeys: false, prettyErrors: false });
  const documents: Document[] = [];
  for (const document of composer.compose(new Parser(lineCounter.addNewLine).parse(text))) {
    documents.push(document);
    if (documents.length >= most) break;
  }
  return { documents, lineCounter };
}

/** The parser's first complaint about a document, with its offset. */
export function faultOf(document: Document): { readonly message: string; readonly offset: number } | undefined {
  const [fault] = document.errors;
  if (fault === undefined) return undefined;
  return { message: isStackOverflow(fault) ? tooDeep : fault.message, offset: fault.pos[0] };
}

/** All keys that stand twice in one mapping, in the order of the text. Merge keys may. */
export function findDuplicateKeys(root: unknown): DuplicateKey[] {
  const found: DuplicateKey[] = [];
  const pending: unknown[] = [root];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (isSeq(node)) for (const item of node.items) pending.push(item);
    if (!isMap(node)) continue;
    const seen = new Set<string>();
    for (const { key } of node.items) {
      if (!isScalar(key) || key.value === '<<') continue;
      const name = String(key.value);
      if (seen.has(name)) found.push({ key: name, offset: key.range?.[0] ?? 0 });
      seen.add(name);
    }
    for (const { value } of node.items) if (value !== null) pending.push(value);
  }
  return found.sort((a, b) => a.offset - b.offset);
}

/** The node's value as JSON has values. Throws `YamlValueError`. */
export function valueOf(node: YamlNode, document: Document): unknown {
  const excess = aliasesIn(node)[maxAliases];
  if (excess !== undefined) {
    const facts = { code: 'too-many-aliases', offset: excess.range?.[0] ?? 0 } as const;
    throw new YamlValueError(`it has more than ${maxAliases} aliases; write them out`, facts);
  }
  const key = collectionKeyIn(node, document);
  if (key !== undefined) {
    const facts = { code: 'bad-value', offset: key.range?.[0] ?? 0 } as const;
    throw new YamlValueError('a key must be a text, not a list or a mapping', facts);
  }
  try {
    return node.toJS(document, { maxAliasCount });
  } catch (error) {
    if (isStackOverflow(error)) throw new YamlValueError(tooDeep, { code: 'too-deep' }, { cause: error });
    const unresolved = error instanceof ReferenceError ? /^Unresolved alias.*: (.*)$/.exec(error.message)?.[1] : undefined;
    if (unresolved !== undefined) {
      const said = `*${unresolved} stands for what is marked &${unresolved}, and nothing above it is`;
      throw new YamlValueError(said, { code: 'no-anchor', ...offsetOfAlias(node, unresolved) }, { cause: error });
    }
    const isBomb = error instanceof ReferenceError && /alias/i.test(error.message);
    const text = isBomb ? `its aliases stand for more than ${maxAliasCount} copies; write them out` : messageOf(error);
    throw new YamlValueError(text, { code: isBomb ? 'too-many-aliases' : 'bad-value' }, { cause: error });
  }
}

/**
 * A key that is no scalar, which JSON has not. The parser would write it as text, and a key in a key in a key as text of text of text,
 * each twice as long as the last.
 */
function collectionKeyIn(root: YamlNode, document: Document): YamlNode | undefined {
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const node = pending.pop();
    if (isPair(node)) {
      const { key } = node;
      if (isCollection(key)) return key;
      if (isAlias(key) && isCollection(key.resolve(document))) return key;
      pending.push(node.value);
    } else if (isCollection(node)) for (const item of node.items) pending.push(item);
  }
  return undefined;
}

function offsetOfAlias(root: YamlNode, name: string): { readonly offset?: number } {
  const offset = aliasesIn(root).find((alias) => alias.source === name)?.range?.[0];
  return offset === undefined ? {} : { offset };
}

/** In the order of the text. Not by recursion: a value may be deep. */
function aliasesIn(root: unknown): Alias[] {
  const found: Alias[] = [];
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const node = pending.pop();
    if (isAlias(node)) found.push(node);
    else if (isPair(node)) pending.push(node.value, node.key);
    else if (isCollection(node)) for (const item of node.items.toReversed()) pending.push(item);
  }
  return found;
}

const tooDeep = 'it is nested too deeply';

function isStackOverflow(error: unknown): boolean {
  return error instanceof Error && /call stack/.test(error.message);
}
