/** OpenAPI documents, made from the schemas when they are first asked for. */
import { createHash } from 'node:crypto';
import { openApiV2, openApiV2Protobuf, openApiV2ProtobufType, openApiV3, unknownPath } from '../../api/index.ts';
import type { Answer, Exchange } from '../http/exchange.ts';
import { jsonAnswer } from '../http/exchange.ts';
import { parseAccept } from '../http/media-type.ts';
import { servedGroups } from '../registry/catalog.ts';

interface Document {
  readonly text: string;
  readonly hash: string;
}

const documents = new Map<string, Document>();
let openApiV2Bytes: Uint8Array | undefined;

/** As it is spelt in answers, and as clients spell it. */
const protobufTypes: ReadonlySet<string> = new Set([
  openApiV2ProtobufType,
  'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
]);

/** `/openapi/v3`: where each group version's document is, under a hash that changes with it. */
export function openApiIndex(): Answer {
  const paths = Object.fromEntries(
    groupVersionPaths().map((path) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${documentOf(path).hash}` }]),
  );
  return jsonAnswer(200, { paths });
}

/** `/openapi/v3/PATH`: for ever under its own hash, redirected there from another one. Throws 404. */
export function openApiDocument(path: string, { query, request }: Exchange): Answer {
  if (!groupVersionPaths().includes(path)) throw unknownPath();
  const { text, hash } = documentOf(path);
  const etag = `"${hash}"`;
  const asked = query.get('hash');
  if (asked !== null && asked !== '' && asked !== hash) {
    return {
      httpStatus: 301,
      contentType: 'text/plain',
      body: '',
      headers: { location: `/openapi/v3/${path}?hash=${hash}`, etag },
    };
  }
  const caching = asked === hash ? { 'cache-control': 'public, immutable', expires: inOneYear() } : {};
  if (request.headers['if-none-match'] === etag) {
    return { httpStatus: 304, contentType: 'application/json', body: '', headers: { etag, ...caching } };
  }
  return { httpStatus: 200, contentType: 'application/json', body: text, headers: { etag, vary: 'Accept', ...caching } };
}

/** `/openapi/v2`: JSON, or the protobuf form that kubectl up to 1.28, and `explain --output=plaintext-openapiv2`, ask for. */
export function openApiV2Document({ request }: Exchange): Answer {
  const known = documents.get('v2') ?? remember('v2', openApiV2());
  const headers = { etag: `"${known.hash}"`, vary: 'Accept' };
  // the first type of the two that is asked for; anything else gets JSON
  const type = parseAccept(request.headers.accept).find(
    (media) => protobufTypes.has(media.type) || media.type === 'application/json',
  )?.type;
  if (type === undefined || !protobufTypes.has(type))
    return { httpStatus: 200, contentType: 'application/json', body: known.text, headers };
  openApiV2Bytes ??= openApiV2Protobuf();
  return { httpStatus: 200, contentType: openApiV2ProtobufType, body: openApiV2Bytes, headers };
}

function documentOf(path: string): Document {
  return documents.get(path) ?? remember(path, openApiV3(path.replace(/^apis?\//, '')));
}

function remember(path: string, value: unknown): Document {
  const text = JSON.stringify(value);
  const document = { text, hash: createHash('sha256').update(text).digest('hex').slice(0, 32).toUpperCase() };
  documents.set(path, document);
  return document;
}

function groupVersionPaths(): string[] {
  return [...servedGroups()].flatMap(([group, resources]) =>
    [...new Set(resources.map(({ version }) => version))].map((version) =>
      group === '' ? `api/${version}` : `apis/${group}/${version}`,
    ),
  );
}

function inOneYear(): string {
  return new Date(Date.now() + 365 * 24 * 3600 * 1000).toUTCString();
}
