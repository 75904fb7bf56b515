/** Request bodies: bytes -> values. Every fault of a body is a 400, 413 or 415 that says what is wrong. */
import type { IncomingMessage } from 'node:http';
import { badRequest, decodeProtobuf, parseJsonStrict, requestEntityTooLarge, unsupportedMediaType } from '../../api/index.ts';
import { messageOf } from '../../observe/index.ts';
import { parseMediaType } from './media-type.ts';

/** Upstream's limit (apiserver MaxRequestBodyBytes). */
export const maxBodyBytes = 3 * 1024 * 1024;

/** What objects may be written in. CBOR is off in 1.36 and refused like any other. */
export const objectMediaTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'] as const;

/** A decoded body and the texts of members that stood twice in it. */
export interface DecodedBody {
  readonly value: unknown;
  readonly duplicates: readonly string[];
}

/** Reads the whole body. Throws 413 beyond the limit, 400 when the client breaks off. */
export async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const tooLarge = (): Error => requestEntityTooLarge(`limit is ${maxBodyBytes}`);
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) {
    // Read on and forget, so that the client gets to see the answer instead of a reset.
    request.resume();
    throw tooLarge();
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size <= maxBodyBytes) chunks.push(chunk);
    }
  } catch (cause) {
    throw badRequest(`the body of the request broke off: ${messageOf(cause)}`, { cause });
  }
  if (size > maxBodyBytes) throw tooLarge();
  return Buffer.concat(chunks);
}

/** Decodes a body that holds an object. An empty body is undefined. Throws 400 and 415. */
export async function decodeBody(bytes: Uint8Array, contentType: string | undefined): Promise<DecodedBody> {
  const type = mediaTypeOf(contentType);
  if (bytes.byteLength === 0) return { value: undefined, duplicates: [] };
  switch (type) {
    case 'application/json':
      return parseJsonStrict(textOf(bytes));
    case 'application/yaml':
      return parseYaml(textOf(bytes));
    case 'application/vnd.kubernetes.protobuf': {
      const { apiVersion, kind, object } = decodeProtobuf(bytes);
      return { value: { ...(object as object), apiVersion, kind }, duplicates: [] };
    }
    default:
      throw unsupportedMediaType(objectMediaTypes);
  }
}

/** Parses one YAML document. Throws 400 with line and column. */
export async function parseYaml(text: string): Promise<DecodedBody> {
  // Loaded with the first YAML body: most clients send JSON.
  const { faultOf, findDuplicateKeys, parseYamlText, valueOf } = await import('../../manifest/index.ts');
  const { documents, lineCounter } = parseYamlText(text, 2);
  const placeOf = (offset: number): string => {
    const { line, col } = lineCounter.linePos(offset);
    return `line ${line}, column ${col}`;
  };
  const fault = documents.map(faultOf).find((each) => each !== undefined);
  if (fault !== undefined) throw badRequest(`error converting YAML to JSON: yaml: ${placeOf(fault.offset)}: ${fault.message}`);
  const [document] = documents;
  if (documents.length > 1) throw badRequest('the body of the request holds more than one YAML document');
  if (document === undefined || document.contents === null) return { value: undefined, duplicates: [] };
  const duplicates = findDuplicateKeys(document.contents);
  try {
    return {
      value: valueOf(document.contents, document),
      duplicates: duplicates.map(
        ({ key, offset }) => `line ${lineCounter.linePos(offset).line}: key "${key}" already set in map`,
      ),
    };
  } catch (error) {
    throw badRequest(`error converting YAML to JSON: yaml: ${messageOf(error)}`, { cause: error });
  }
}

/** The media type of a body; JSON when the client does not say. Throws 415 for text that is none. */
export function mediaTypeOf(contentType: string | undefined): string {
  if (contentType === undefined || contentType.trim() === '') return 'application/json';
  const media = parseMediaType(contentType);
  if (media === undefined) throw unsupportedMediaType(objectMediaTypes);
  return media.type;
}

/** UTF-8 text of a body. Throws 400 when it is not. */
export function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw badRequest('the body of the request is not UTF-8 text', { cause });
  }
}
