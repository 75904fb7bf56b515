/** Terminals of commands in pods follow the window of whoever sits before them, for kubectl exec -it and run -it alike. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pods } from '../../src/api/index.ts';
import { PodAccess } from '../../src/kubelet/index.ts';
import { until, useCluster } from './cluster-harness.ts';
import { isInside } from './linux-harness.ts';

/** Says its size again and again, until a line comes. No trap for WINCH: a shell may forget one that comes while another runs. */
const watching = 'stty size; while ! read -t 0.05 line; do stty size; done';

const manifest = `
apiVersion: v1
kind: Pod
metadata: {name: seat}
spec:
  nodeName: node-1
  containers:
  - {name: c, image: busybox, command: [bash, -c, '${watching}'], stdin: true, tty: true}
`;

if (isInside(import.meta.url)) {
  const cluster = useCluster({ nodes: 1 }, manifest);

  for (const how of ['exec', 'attach'] as const)
    test(`${how}: the terminal has each size that the caller's window takes`, async () => {
      const { client, machines } = cluster();
      const { metadata, spec } = await client.get(pods, 'seat', { namespace: 'default' });
      const target = { namespace: 'default', name: 'seat', uid: metadata?.uid ?? '', nodeName: spec?.nodeName ?? '' };
      const access = new PodAccess({
        findKubelet: (node) => machines.get(node)?.kubelet,
        dial: () => Promise.reject(new Error('not needed')),
      });
      let seen = '';
      const sees = (size: string): Promise<number> =>
        until(`the terminal is ${size}, of ${seen}`, () => seen.includes(`${size}\r\n`));
      const [window, keyboard] = [new Typed<{ columns: number; rows: number }>(), new Typed<Uint8Array>()];
      window.send({ columns: 100, rows: 40 });
      const ended = access[how](
        target,
        { container: 'c', command: ['bash', '-c', watching], tty: true, stdin: true, stdout: true, stderr: false },
        {
          stdin: keyboard,
          writeStdout: async (chunk) => void (seen += new TextDecoder().decode(chunk)),
          writeStderr: async () => undefined,
          resizes: window,
          signal: new AbortController().signal,
        },
      );
      await sees('40 100');
      window.send({ columns: 71, rows: 23 });
      await sees('23 71');
      window.send({ columns: 132, rows: 50 });
      await sees('50 132');
      keyboard.send(new TextEncoder().encode('\n'));
      assert.equal(await ended, 0);
    });
}

/** What somebody sends, as it is sent. */
class Typed<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #wake = (): void => undefined;

  send(item: T): void {
    this.#items.push(item);
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      for (let item = this.#items.shift(); item !== undefined; item = this.#items.shift()) yield item;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
