/** A small API server for tests: objects in memory, watch with history, and any misbehaviour on demand. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import type { Resource } from '../api/index.ts';
import { FakeObjects, timestamp } from './fake-objects.ts';
import type { Change, Json } from './fake-objects.ts';
import { keyOf } from './object-key.ts';
import type { KubeObject } from './types.ts';

interface Watcher {
  readonly response: ServerResponse;
  send(change: Change): void;
}

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly isWatch: boolean;
}

/** What a test may do with a request before the server sees it: answer it itself and return true, or let it pass. */
export type Interceptor = (request: FakeRequest, response: ServerResponse) => boolean;

interface Target {
  readonly collection: string;
  readonly kind: string;
  readonly apiVersion: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** Kinds are derived from plurals well enough for tests. */
export class FakeApiServer {
  readonly requests: FakeRequest[] = [];
  readonly watchers = new Set<Watcher>();
  intercept: Interceptor = () => false;
  canWatchList = true;
  readonly #server: Server;
  readonly #objects = new FakeObjects((change) => {
    for (const watcher of this.watchers) watcher.send(change);
  });

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** Port 0: any. A server that was stopped may start again where it was. */
  async start(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Ends every watch stream politely. */
  endWatches(): void {
    for (const watcher of this.watchers) {
      this.watchers.delete(watcher);
      watcher.response.end();
    }
  }

  /** Cuts every watch stream in mid-air. */
  cutWatches(): void {
    for (const watcher of this.watchers) {
      this.watchers.delete(watcher);
      watcher.response.socket?.destroy();
    }
  }

  sendRaw(text: string): void {
    for (const watcher of this.watchers) watcher.response.write(text);
  }

  /** Forgets the history, so that watches from an older version get 410. */
  compact(): void {
    this.#objects.compact();
  }

  get version(): string {
    return String(this.#objects.version);
  }

  /** Puts an object in, as if somebody had written it. `collection` as in URLs, e.g. `pods` or `deployments`. */
  put(collection: string, object: KubeObject): KubeObject {
    const { namespace, name } = object.metadata ?? {};
    const all = this.#objects.collection(collection);
    const key = `${namespace ?? ''}/${name ?? ''}`;
    const before = all.get(key);
    return this.#objects.store(
      before === undefined ? 'ADDED' : 'MODIFIED',
      collection,
      key,
      structuredClone(object) as unknown as Json,
      before,
    );
  }

  remove(collection: string, key: string): void {
    this.#objects.remove(collection, key);
  }

  list<T>(resource: Resource<T>): T[] {
    return [...this.#objects.collection(resource.plural).values()] as unknown as T[];
  }

  get<T>(resource: Resource<T>, key: string): T | undefined {
    return this.#objects.collection(resource.plural).get(key.includes('/') ? key : `/${key}`) as unknown as T | undefined;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://x');
    const seen = {
      method: request.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      isWatch: url.searchParams.get('watch') === 'true',
    };
    this.requests.push(seen);
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const text = Buffer.concat(chunks).toString('utf8');
    if (this.intercept(seen, response)) return;
    const target = parsePath(url.pathname);
    if (target === undefined) return fail(response, 404, 'NotFound', 'the server could not find the requested resource');
    const body = text === '' ? undefined : (JSON.parse(text) as Json);
    if (seen.isWatch) return this.#watch(target, url.searchParams, response);
    if (target.name === undefined) return this.#serveCollection(seen, target, body, response);
    return this.#serveObject(seen, target, target.name, body, response);
  }

  #serveCollection(seen: FakeRequest, target: Target, body: Json | undefined, response: ServerResponse): void {
    if (seen.method === 'GET') {
      const all = [...this.#objects.collection(target.collection).values()]
        .filter((object) => isIn(target, object))
        .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
      const limit = Number(seen.query.get('limit') ?? 0);
      const start = Number(seen.query.get('continue') ?? 0);
      const page = limit > 0 ? all.slice(start, start + limit) : all.slice(start);
      const next = start + page.length < all.length ? String(start + page.length) : undefined;
      // Items without kind, as the real server sends them.
      const items = page.map(({ kind: _kind, apiVersion: _apiVersion, ...rest }) => rest);
      return answer(response, 200, {
        kind: `${target.kind}List`,
        apiVersion: target.apiVersion,
        metadata: { resourceVersion: this.version, continue: next },
        items,
      });
    }
    if (seen.method !== 'POST' || body === undefined) return fail(response, 405, 'MethodNotAllowed', 'no');
    const generated = body.metadata['generateName'];
    const metadata: Json['metadata'] = { ...body.metadata };
    if (metadata['name'] === undefined && typeof generated === 'string')
      metadata['name'] = `${generated}${randomUUID().slice(0, 5)}`;
    if (target.namespace !== undefined) metadata['namespace'] = target.namespace;
    const key = `${target.namespace ?? ''}/${String(metadata['name'])}`;
    if (this.#objects.collection(target.collection).has(key))
      return fail(response, 409, 'AlreadyExists', `${target.collection} "${String(metadata['name'])}" already exists`);
    const object: Json = { ...body, apiVersion: target.apiVersion, kind: target.kind, metadata };
    if (target.collection === 'pods') object['status'] = { phase: 'Pending' };
    return answer(response, 201, this.#objects.store('ADDED', target.collection, key, object, undefined));
  }

  #serveObject(seen: FakeRequest, target: Target, name: string, body: Json | undefined, response: ServerResponse): void {
    const key = `${target.namespace ?? ''}/${name}`;
    const before = this.#objects.collection(target.collection).get(key);
    if (before === undefined) return fail(response, 404, 'NotFound', `${target.collection} "${name}" not found`);
    const store = (object: Json): void =>
      answer(response, 200, this.#objects.store('MODIFIED', target.collection, key, object, before));
    if (seen.method === 'GET') return answer(response, 200, before);
    if (seen.method === 'POST' && target.subresource === 'binding') {
      const spec = before['spec'] as Record<string, unknown>;
      if (spec['nodeName'] !== undefined) return fail(response, 409, 'Conflict', 'already assigned');
      const node = (body?.['target'] as { name?: string } | undefined)?.name;
      this.#objects.store('MODIFIED', 'pods', key, { ...before, spec: { ...spec, nodeName: node } }, before);
      return answer(response, 201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' });
    }
    if (seen.method === 'PUT' && body !== undefined) {
      const given = body.metadata['resourceVersion'];
      if (given !== undefined && given !== before.metadata['resourceVersion'])
        return fail(response, 409, 'Conflict', 'the object has been modified');
      return store(
        target.subresource === 'status'
          ? { ...before, status: body['status'] }
          : { ...body, apiVersion: target.apiVersion, kind: target.kind, status: before['status'] ?? body['status'] },
      );
    }
    if (seen.method === 'PATCH' && body !== undefined) {
      const given = (body.metadata as Json['metadata'] | undefined)?.['resourceVersion'];
      if (given !== undefined && given !== before.metadata['resourceVersion'])
        return fail(response, 409, 'Conflict', 'the object has been modified');
      return store(mergePatch(before, body) as Json);
    }
    if (seen.method === 'DELETE') return this.#delete(target, key, before, body, response);
    return fail(response, 405, 'MethodNotAllowed', 'no');
  }

  #delete(target: Target, key: string, before: Json, body: Json | undefined, response: ServerResponse): void {
    const options = body as unknown as
      | { propagationPolicy?: string; preconditions?: { uid?: string }; gracePeriodSeconds?: number }
      | undefined;
    if (options?.preconditions?.uid !== undefined && options.preconditions.uid !== before.metadata['uid'])
      return fail(response, 409, 'Conflict', 'uid');
    const finalizers = new Set((before.metadata['finalizers'] as string[] | undefined) ?? []);
    if (options?.propagationPolicy === 'Foreground') finalizers.add('foregroundDeletion');
    if (options?.propagationPolicy === 'Orphan') finalizers.add('orphan');
    const isScheduled =
      target.collection === 'pods' && (before['spec'] as { nodeName?: string } | undefined)?.nodeName !== undefined;
    if (finalizers.size === 0 && (!isScheduled || options?.gracePeriodSeconds === 0)) {
      this.#objects.remove(target.collection, key);
      return answer(response, 200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' });
    }
    const metadata = {
      ...before.metadata,
      finalizers: [...finalizers],
      deletionTimestamp: before.metadata['deletionTimestamp'] ?? timestamp(),
    };
    return answer(response, 200, this.#objects.store('MODIFIED', target.collection, key, { ...before, metadata }, before));
  }

  #watch(target: Target, query: URLSearchParams, response: ServerResponse): void {
    const version = query.get('resourceVersion');
    const isWatchList = query.get('sendInitialEvents') === 'true';
    if (isWatchList && !this.canWatchList) return fail(response, 422, 'Invalid', 'sendInitialEvents is forbidden');
    response.writeHead(200, { 'content-type': 'application/json' });
    const write = (type: string, object: unknown): void => void response.write(`${JSON.stringify({ type, object })}\n`);
    const oldest = this.#objects.history[0]?.version ?? this.#objects.version + 1;
    if (version !== null && version !== '0' && Number(version) + 1 < oldest && Number(version) < this.#objects.version) {
      write('ERROR', {
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        reason: 'Expired',
        code: 410,
        message: 'too old resource version',
      });
      return void response.end();
    }
    const watcher: Watcher = {
      response,
      send: (change) => {
        if (change.collection === target.collection && (target.namespace === undefined || change.namespace === target.namespace))
          write(change.type, change.object);
      },
    };
    if (version === null || version === '0') {
      for (const object of this.#objects.collection(target.collection).values()) if (isIn(target, object)) write('ADDED', object);
    } else for (const change of this.#objects.history) if (change.version > Number(version)) watcher.send(change);
    if (isWatchList)
      write('BOOKMARK', {
        kind: target.kind,
        apiVersion: target.apiVersion,
        metadata: { resourceVersion: this.version, annotations: { 'k8s.io/initial-events-end': 'true' } },
      });
    response.flushHeaders();
    this.watchers.add(watcher);
    response.once('close', () => this.watchers.delete(watcher));
    const seconds = Number(query.get('timeoutSeconds') ?? 0);
    const end = (): void => {
      this.watchers.delete(watcher);
      response.end();
    };
    if (seconds > 0) setTimeout(end, seconds * 1000).unref();
  }
}

function parsePath(path: string): Target | undefined {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map((part) => decodeURIComponent(part));
  const isCore = parts[0] === 'api';
  const apiVersion = isCore ? parts[1] : `${parts[1] ?? ''}/${parts[2] ?? ''}`;
  let rest = parts.slice(isCore ? 2 : 3);
  let namespace: string | undefined;
  if (rest[0] === 'namespaces' && rest.length > 2) {
    namespace = rest[1];
    rest = rest.slice(2);
  }
  const [collection, name, subresource] = rest;
  if (collection === undefined || apiVersion === undefined) return undefined;
  return { collection, kind: kinds[collection] ?? capitalised(collection), apiVersion, namespace, name, subresource };
}

const kinds: Readonly<Record<string, string>> = {
  replicasets: 'ReplicaSet',
  statefulsets: 'StatefulSet',
  daemonsets: 'DaemonSet',
  endpointslices: 'EndpointSlice',
  configmaps: 'ConfigMap',
  controllerrevisions: 'ControllerRevision',
  serviceaccounts: 'ServiceAccount',
};

function capitalised(plural: string): string {
  return plural.charAt(0).toUpperCase() + plural.slice(1).replace(/s$/, '');
}

function isIn(target: Target, object: Json): boolean {
  return target.namespace === undefined || object.metadata['namespace'] === target.namespace;
}

function nameOf(object: Json): string {
  return keyOf(object);
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function fail(response: ServerResponse, code: number, reason: string, message: string): void {
  answer(response, code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason, message, code });
}

/** RFC 7386, for every patch type: tests send only what merges the same way. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const merged: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  }
  return merged;
}
