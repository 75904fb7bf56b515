/** YAML and JSON text -> Kubernetes objects that know where they and their fields stand in the file. */
import { isMap, isNode, isPair, isScalar, isSeq } from 'yaml';
import type { Document, Node as YamlNode } from 'yaml';
import { isJsonObject } from '../api/index.ts';
import { CodedError } from '../observe/index.ts';
import { faultOf, findDuplicateKeys, parseYamlText, valueOf, YamlValueError } from './yaml-document.ts';

/** A place in a file; lines and columns count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** An object as it was written: not defaulted, not validated. */
export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  /** metadata.name, empty when absent. */
  readonly name: string;
  /** metadata.namespace, undefined when absent. */
  readonly namespace: string | undefined;
  readonly value: Readonly<Record<string, unknown>>;
  readonly position: Position;
  /** Where a field stands, by its Kubernetes path (`spec.ports[0].port`); the nearest written parent when it is absent. */
  locate(path: string): Position;
  /** The scalar at a path as the file spells it, without quotes: `1.10`, where its value is the number 1.1. Undefined for all else. */
  spellingOf(path: string): string | undefined;
}

/** A file that is not YAML, or a document in it that is no Kubernetes object. */
export class ManifestError extends CodedError<{ readonly code: 'bad-manifest'; readonly position: Position }> {
  constructor(message: string, position: Position) {
    super(`${formatPosition(position)}: ${message}`, { code: 'bad-manifest', position });
  }
}

/** `file:line:column`. */
export function formatPosition(position: Position): string {
  return `${position.file}:${position.line}:${position.column}`;
}

/**
 * Parses every document of a file, in order. A list (`kind: List`, or of one kind as `ServiceList`) is replaced by its items;
 * empty documents are skipped. Throws `ManifestError` for the first document that is not YAML or no object with apiVersion and kind.
 */
export function parseManifest(text: string, file: string): ManifestObject[] {
  const { documents, lineCounter } = parseYamlText(text.replace(/^\uFEFF/, ''));
  const at = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(offset);
    return { file, line, column: col };
  };
  return documents.flatMap((document) => {
    const fault = faultOf(document);
    if (fault !== undefined) throw new ManifestError(fault.message, at(fault.offset));
    const { contents } = document;
    if (contents === null || (isScalar(contents) && contents.value === null)) return [];
    const [duplicate] = findDuplicateKeys(contents);
    if (duplicate !== undefined)
      throw new ManifestError(`the key ${JSON.stringify(duplicate.key)} stands twice in one mapping`, at(duplicate.offset));
    return objectsOf(document, contents, at);
  });
}

type At = (offset: number) => Position;

/** What items of a list of one kind need not say. */
interface ListOf {
  readonly apiVersion: string;
  readonly kind: string;
}

function objectsOf(document: Document, contents: YamlNode, at: At, list?: ListOf): ManifestObject[] {
  const start = at(contents.range?.[0] ?? 0);
  if (!isMap(contents)) throw new ManifestError('a document must be a mapping with apiVersion, kind and metadata', start);
  const written = contents.get('kind');
  const items = contents.get('items', true);
  if (typeof written === 'string' && written.endsWith('List') && isSeq(items)) {
    const itemKind = written.slice(0, -'List'.length);
    const version = contents.get('apiVersion');
    const itemsAre = itemKind === '' || typeof version !== 'string' ? undefined : { apiVersion: version, kind: itemKind };
    return items.items.flatMap((item) => (isNode(item) ? objectsOf(document, item, at, itemsAre) : []));
  }
  const value: Record<string, unknown> = { ...list, ...recordOf(contents, document, at) };
  const metadata = isJsonObject(value['metadata']) ? value['metadata'] : {};
  const { apiVersion, kind } = value;
  const placeOf = (path: string): Position => at(find(contents, path).offset);
  if (typeof apiVersion !== 'string' || apiVersion === '')
    throw new ManifestError(`apiVersion ${faultOfWord(apiVersion)}; write for example "apiVersion: v1"`, placeOf('apiVersion'));
  if (typeof kind !== 'string' || kind === '')
    throw new ManifestError(`kind ${faultOfWord(kind)}; write for example "kind: Service"`, placeOf('kind'));
  return [
    {
      apiVersion,
      kind,
      name: typeof metadata['name'] === 'string' ? metadata['name'] : '',
      namespace: typeof metadata['namespace'] === 'string' ? metadata['namespace'] : undefined,
      value,
      position: start,
      locate: placeOf,
      spellingOf: (path) => {
        const { isWhole, node } = find(contents, path);
        return isWhole && isScalar(node) ? node.source : undefined;
      },
    },
  ];
}

function faultOfWord(value: unknown): string {
  return value === undefined || value === null || value === '' ? 'is missing' : 'must be a text';
}

function recordOf(contents: YamlNode, document: Document, at: At): Record<string, unknown> {
  const start = contents.range?.[0] ?? 0;
  try {
    const value = valueOf(contents, document);
    if (isJsonObject(value)) return value;
  } catch (error) {
    if (error instanceof YamlValueError) throw new ManifestError(error.message, at(error.facts.offset ?? start));
    throw error;
  }
  throw new ManifestError('a document must be a mapping', at(start));
}

/** The deepest node along the path that was written, and whether that is the whole path. */
function find(root: YamlNode, path: string): { readonly offset: number; readonly node: YamlNode; readonly isWhole: boolean } {
  let node: YamlNode = root;
  let offset = root.range?.[0] ?? 0;
  for (let rest = path; rest !== '';) {
    const step = stepInto(node, rest);
    if (step === undefined) return { offset, node, isWhole: false };
    ({ offset, rest } = step);
    if (!isNode(step.value)) return { offset, node, isWhole: false };
    node = step.value;
  }
  return { offset, node, isWhole: true };
}

interface Step {
  /** Where the member begins: its key, or the item. */
  readonly offset: number;
  readonly value: unknown;
  /** The path below it. */
  readonly rest: string;
}

/** One member down the path: `spec.ports[0].port`; keys of maps may hold dots, bare (`metadata.labels.a.b/c`) or in brackets. */
function stepInto(node: YamlNode, path: string): Step | undefined {
  const bracketed = /^\[([^\]]*)\]\.?/.exec(path);
  if (isSeq(node)) {
    const item = bracketed === null ? undefined : node.items[Number(bracketed[1])];
    return isNode(item) ? { offset: item.range?.[0] ?? 0, value: item, rest: path.slice(bracketed?.[0].length) } : undefined;
  }
  if (!isMap(node)) return undefined;
  let longest: (Step & { readonly length: number }) | undefined;
  for (const pair of node.items) {
    if (!isPair(pair) || !isScalar(pair.key)) continue;
    const key = String(pair.key.value);
    const rest = bracketed?.[1] === key ? path.slice(bracketed[0].length) : restAfter(path, key);
    if (rest !== undefined && key.length > (longest?.length ?? -1))
      longest = { offset: pair.key.range?.[0] ?? 0, value: pair.value, rest, length: key.length };
  }
  return longest;
}

function restAfter(path: string, key: string): string | undefined {
  if (path === key) return '';
  if (path.startsWith(`${key}.`)) return path.slice(key.length + 1);
  return path.startsWith(`${key}[`) ? path.slice(key.length) : undefined;
}
