/** The thread that builds mount namespaces, as its users see it. */
import type { Logger } from '../../observe/index.ts';
import { libc } from '../libc.ts';
import type { MountNamespaceHandle, MountStep } from './model.ts';
import type { MountSteps } from './mount-worker.ts';
import { WorkerClient } from './worker-client.ts';

/** A thread of its own because it unshares the file-system context that all others share. */
export class MountThread {
  readonly #worker: WorkerClient<MountSteps>;

  constructor(_options: object, context: { readonly logger: Logger }) {
    this.#worker = new WorkerClient('./mount-worker', context.logger);
  }

  async start(): Promise<void> {
    await this.#worker.start();
  }

  /** Stops the thread. Namespaces whose handles were not closed live on. */
  async stop(): Promise<void> {
    await this.#worker.stop();
  }

  /**
   * A private copy of this process's mount namespace with the steps applied in order. Rejects with the `LinuxError` of the
   * step that failed; nothing is left behind then.
   */
  async create(steps: readonly MountStep[]): Promise<MountNamespaceHandle> {
    const fd = await this.#worker.request('create', steps);
    return { fd, path: `/proc/${process.pid}/fd/${fd}` };
  }

  /** Closes our handle; the namespace ends with the last process in it. */
  close(namespace: MountNamespaceHandle): void {
    libc().close(namespace.fd);
  }
}
