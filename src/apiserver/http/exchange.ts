/** One request and its answer, as the handlers see them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Status } from '../../api/index.ts';

/** Who asks. */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  /** Percent-encoding as sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly user: User;
  /** Texts for Warning headers; each is sent once. */
  readonly warnings: Set<string>;
  /** Aborted when the client is gone or the server closes. */
  readonly signal: AbortSignal;
}

/** A whole answer. */
export interface Answer {
  readonly httpStatus: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer of a JSON value. */
export function jsonAnswer(httpStatus: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { httpStatus, contentType: 'application/json', body: `${JSON.stringify(value)}\n`, headers };
}

/** An answer of plain text. */
export function textAnswer(httpStatus: number, text: string): Answer {
  return { httpStatus, contentType: 'text/plain; charset=utf-8', body: text };
}

/** An error's answer; 429 and 5xx that name a delay carry it as Retry-After, without which client-go does not retry. */
export function statusAnswer(httpStatus: number, status: Status): Answer {
  const seconds = status.details?.retryAfterSeconds;
  return jsonAnswer(httpStatus, status, seconds === undefined || seconds === 0 ? {} : { 'retry-after': String(seconds) });
}

/** Writes an answer with the exchange's warnings. Does nothing when the client is gone. */
export function sendAnswer({ response, warnings, method }: Exchange, { httpStatus, contentType, body, headers }: Answer): void {
  if (response.destroyed) return;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  response.writeHead(httpStatus, {
    'content-type': contentType,
    'content-length': bytes.byteLength,
    'cache-control': 'no-cache, private',
    ...headers,
    ...warningHeader(warnings),
  });
  response.end(method === 'HEAD' ? undefined : bytes);
}

/** Upstream's limits: what all warnings together may hold, and what each of them may when they hold more. */
const maxWarningsLength = 4 * 1024;
const maxCutWarningLength = 256;

/** Warning headers as RFC 7234 §5.5 has them: code 299, no agent, the text quoted. Of very many only the first are sent. */
export function warningHeader(warnings: ReadonlySet<string>): { readonly warning?: string } {
  if (warnings.size === 0) return {};
  return {
    warning: fitting([...warnings])
      .map((text) => `299 - "${headerText(text).replace(/["\\]/g, '\\$&')}"`)
      .join(', '),
  };
}

/** As k8s apiserver/pkg/endpoints/filters/warning.go: a client refuses an answer whose header is too large. */
function fitting(texts: readonly string[]): readonly string[] {
  if (texts.reduce((sum, text) => sum + text.length, 0) <= maxWarningsLength) return texts;
  const cut = texts.map((text) => text.slice(0, maxCutWarningLength));
  let length = 0;
  return cut.filter((text) => (length += text.length) <= maxWarningsLength);
}

/** Control characters end a header; others than ASCII are not allowed in one. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ');
}

/** A query parameter that upstream reads as a boolean. */
export function isTrue(value: string | null): boolean {
  return value === 'true' || value === '1' || value === 'True' || value === 'TRUE' || value === 't' || value === 'T';
}
