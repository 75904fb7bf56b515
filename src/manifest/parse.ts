/** YAML and JSON text -> Kubernetes objects that know where they and their fields stand in the file. */
import { isMap, isNode, isPair, isScalar, isSeq } from 'yaml';
import type { Document, Node as YamlNode } from 'yaml';
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
  const value: Record<string, unknown> = { ...list, ...recordOf(contents, document, start) };
  const metadata = isRecord(value['metadata']) ? value['metadata'] : {};
  const { apiVersion, kind } = value;
  if (typeof apiVersion !== 'string' || apiVersion === '')
    throw new ManifestError('apiVersion is missing; write for example "apiVersion: v1"', start);
  if (typeof kind !== 'string' || kind === '')
    throw new ManifestError('kind is missing; write for example "kind: Service"', start);
  return [
    {
      apiVersion,
      kind,
      name: typeof metadata['name'] === 'string' ? metadata['name'] : '',
      namespace: typeof metadata['namespace'] === 'string' ? metadata['namespace'] : undefined,
      value,
      position: start,
      locate: (path) => at(offsetOf(contents, path)),
    },
  ];
}

function recordOf(contents: YamlNode, document: Document, start: Position): Record<string, unknown> {
  try {
    const value = valueOf(contents, document);
    if (isRecord(value)) return value;
  } catch (error) {
    if (error instanceof YamlValueError) throw new ManifestError(error.message, start);
    throw error;
  }
  throw new ManifestError('a document must be a mapping', start);
}

/** The offset of the deepest node along the path that was written. */
function offsetOf(root: YamlNode, path: string): number {
  let node: YamlNode = root;
  let offset = root.range?.[0] ?? 0;
  for (const segment of splitPath(path)) {
    if (isMap(node)) {
      const pair = node.items.find(
        (candidate) => isPair(candidate) && isScalar(candidate.key) && String(candidate.key.value) === segment,
      );
      if (pair === undefined || !isScalar(pair.key)) return offset;
      offset = pair.key.range?.[0] ?? offset;
      if (!isNode(pair.value)) return offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(segment)];
      if (!isNode(item)) return offset;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else {
      return offset;
    }
  }
  return offset;
}

/** `spec.ports[0].port` -> spec, ports, 0, port; `annotations[a.b/c]` keeps the bracketed key whole. */
function splitPath(path: string): string[] {
  return [...path.matchAll(/\[([^\]]*)\]|[^.[\]]+/g)].map((match) => match[1] ?? match[0]);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
