/** Programs of their own that open and accept connections at places of an `AgentLab`, so that they run while the test itself is busy. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { DialOrder, DialReport } from '../../bench/shapes/connect-program.ts';
import type { AgentLab } from './agent-lab.ts';

const program = join(import.meta.dirname, '../../bench/shapes/connect-program.ts');

export class ConnectPrograms {
  readonly #lab: AgentLab;
  readonly #children: ChildProcess[] = [];

  constructor(lab: AgentLab) {
    this.#lab = lab;
  }

  /** Accepts connections at a place. */
  async accept(place: string, port: number): Promise<void> {
    await this.#start(place, 'accept', String(port));
  }

  /** Has every client started before any of them opens its first connection; a report for each, when it is done. */
  async dial(
    clients: readonly (readonly [from: string, address: string, port: number])[],
    order: Omit<DialOrder, 'addresses' | 'port'>,
  ): Promise<Promise<DialReport>[]> {
    const dials = await Promise.all(
      clients.map(async ([from, address, port]) => ({
        child: await this.#start(from, 'dial'),
        order: { ...order, addresses: [address], port },
      })),
    );
    return dials.map(async ({ child, order: whole }) => {
      const report = once(child, 'message');
      child.send(whole);
      return ((await report) as [DialReport])[0];
    });
  }

  stop(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }

  async #start(place: string, ...words: readonly string[]): Promise<ChildProcess> {
    const namespace = `--net=${this.#lab.place(place).namespace.path}`;
    const child = spawn('nsenter', [namespace, process.execPath, program, ...words], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#children.push(child);
    await once(child, 'message');
    return child;
  }
}
