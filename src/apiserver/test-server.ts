/** For tests: an API server on a free loopback port, and an HTTPS client that trusts it. */
import { request } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import { createInterface } from 'node:readline';
import { silentLogger } from '../observe/index.ts';
import type { NodeAccess } from './node-access.ts';
import type { ApiServer, ApiServerOptions } from './start.ts';
import { startApiServer } from './start.ts';
import type { ApiObject } from './store/index.ts';

/** An answer, its body parsed where it is JSON. */
export interface TestAnswer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The parsed body; an empty object when it is not JSON. */
  readonly body: TestObject;
}

/** Loosely typed on purpose: tests look into whatever came back. */
export interface TestObject extends ApiObject {
  readonly items?: readonly TestObject[];
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface TestEvent {
  readonly type: string;
  readonly object: TestObject;
}

export interface RequestOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A watch stream that tests read event by event. */
export interface TestWatch {
  readonly code: number;
  /** The next event; rejects when none comes within five seconds or the stream has ended. */
  next(): Promise<TestEvent>;
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>;
  close(): void;
}

export interface TestServer {
  readonly server: ApiServer;
  call(method: string, path: string, options?: RequestOptions): Promise<TestAnswer>;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<TestAnswer>;
  post(path: string, body: unknown): Promise<TestAnswer>;
  put(path: string, body: unknown): Promise<TestAnswer>;
  patch(path: string, kind: 'merge' | 'strategic' | 'json', body: unknown): Promise<TestAnswer>;
  delete(path: string, body?: unknown): Promise<TestAnswer>;
  watch(path: string, headers?: Readonly<Record<string, string>>): Promise<TestWatch>;
  close(): Promise<void>;
}

/** Starts a server. `await using` closes it. */
export async function startTestServer(
  options: ApiServerOptions = {},
  nodeAccess?: NodeAccess,
): Promise<TestServer & AsyncDisposable> {
  const server = await startApiServer(
    { port: 0, ...options },
    { logger: silentLogger, ...(nodeAccess === undefined ? {} : { nodeAccess }) },
  );
  const call = (method: string, path: string, given: RequestOptions = {}): Promise<TestAnswer> =>
    send(server, method, path, given);
  const patchTypes = { merge: 'merge-patch', strategic: 'strategic-merge-patch', json: 'json-patch' } as const;
  const close = (): Promise<void> => server.close();
  return {
    server,
    call,
    get: (path, headers = {}) => call('GET', path, { headers }),
    post: (path, body) => call('POST', path, { body }),
    put: (path, body) => call('PUT', path, { body }),
    patch: (path, kind, body) =>
      call('PATCH', path, { body, headers: { 'content-type': `application/${patchTypes[kind]}+json` } }),
    delete: (path, body) => call('DELETE', path, body === undefined ? {} : { body }),
    watch: (path, headers = {}) => openWatch(server, path, headers),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function send(server: ApiServer, method: string, path: string, { body, headers = {} }: RequestOptions): Promise<TestAnswer> {
  const bytes = body === undefined ? undefined : encode(body);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${server.url}${path}`,
      {
        method,
        ca: server.caPem,
        agent: false,
        headers: {
          authorization: `Bearer ${server.token}`,
          ...(bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': bytes.byteLength }),
          ...headers,
        },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const isJson = (answer.headers['content-type'] ?? '').startsWith('application/json') && text !== '';
          const parsed = (isJson ? JSON.parse(text) : {}) as TestObject;
          resolve({ code: answer.statusCode ?? 0, headers: answer.headers, text, body: parsed });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(bytes);
  });
}

function encode(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function openWatch(server: ApiServer, path: string, headers: Readonly<Record<string, string>>): Promise<TestWatch> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${server.url}${path}`, {
      ca: server.caPem,
      agent: false,
      headers: { authorization: `Bearer ${server.token}`, ...headers },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (answer) => {
      const lines = createInterface({ input: answer })[Symbol.asyncIterator]();
      const ended = new Promise<void>((done) => {
        answer.on('close', done);
      });
      answer.on('error', () => undefined);
      resolve({
        code: answer.statusCode ?? 0,
        next: async () => {
          const { value, done } = await withDeadline(lines.next());
          if (done === true) throw new Error('the watch has ended');
          return JSON.parse(value) as TestEvent;
        },
        ended,
        close: () => outgoing.destroy(),
      });
    });
    outgoing.end();
  });
}

async function withDeadline<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('nothing came within five seconds')), 5000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until a condition holds; fails after five seconds. */
export async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within five seconds: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
