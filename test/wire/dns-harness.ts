/** A name server on loopback over objects that the test holds, and `dig` to ask it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Resource } from '../../src/api/index.ts';
import { endpointSlices, namespaces, services } from '../../src/api/index.ts';
import type { Informer, InformerHandler, KubeObject } from '../../src/client/index.ts';
import type { NameInformers } from '../../src/dns/index.ts';

const run = promisify(execFile);

/** Why the tests cannot run here, or false. */
export const digSkip: string | false = await run('dig', ['-v']).then(
  () => false,
  () => 'dig is not installed (Debian: bind9-dnsutils)',
);

/** What `dig` prints. `@address`, `-p` and patience are added. */
export async function dig(
  server: { readonly address: string; readonly port: number },
  ...args: readonly string[]
): Promise<string> {
  const { stdout } = await run('dig', [`@${server.address}`, '-p', String(server.port), '+tries=1', '+time=3', ...args]);
  return stdout;
}

/** The status, flags and counts that `dig` saw. */
export function headerOf(output: string): string {
  const status = /status: ([A-Z]+)/.exec(output)?.[1] ?? 'none';
  const flags = /;; flags: ([a-z ]*);/.exec(output)?.[1] ?? '';
  return `${status} ${flags}`.trim();
}

/** An informer whose collection the test changes by hand. */
export class HandInformer<T extends KubeObject> implements Informer<T> {
  readonly resource: Resource<T>;
  readonly #handlers = new Set<InformerHandler<T>>();
  readonly #objects = new Map<string, T>();
  readonly #synced = Promise.withResolvers<void>();
  hasSynced = false;

  constructor(resource: Resource<T>) {
    this.resource = resource;
  }

  apply(...objects: readonly T[]): void {
    for (const object of objects) {
      const key = `${object.metadata?.namespace ?? ''}/${object.metadata?.name ?? ''}`;
      const before = this.#objects.get(key);
      this.#objects.set(key, object);
      for (const handler of this.#handlers) {
        if (before === undefined) handler.added?.(object, false);
        else handler.updated?.(before, object);
      }
    }
  }

  finishSync(): void {
    this.hasSynced = true;
    this.#synced.resolve();
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  byIndex(): readonly T[] {
    return [];
  }

  subscribe(handler: InformerHandler<T>): () => void {
    this.#handlers.add(handler);
    for (const object of this.#objects.values()) handler.added?.(object, true);
    return () => this.#handlers.delete(handler);
  }

  start(): void {
    this.finishSync();
  }

  async synced(): Promise<void> {
    await this.#synced.promise;
  }
}

/** Empty informers of the three kinds that every name server watches. */
export function handInformers() {
  return {
    services: new HandInformer(services),
    endpointSlices: new HandInformer(endpointSlices),
    namespaces: new HandInformer(namespaces),
  } satisfies NameInformers;
}
