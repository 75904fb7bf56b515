/** Programs in a pod of the cluster under test. */
import { Readable } from 'node:stream';
import { pods } from '../../src/api/index.ts';
import type { Cluster } from '../../src/cluster/index.ts';
import { PodAccess } from '../../src/kubelet/index.ts';

/** What a program prints in the first container, called `c`, of a pod; standard error too. `input` is its standard input. */
export async function execInPod(
  cluster: Cluster,
  podName: string,
  command: readonly string[],
  input?: Uint8Array,
): Promise<string> {
  const [namespace = '', name = ''] = podName.includes('/') ? podName.split('/') : ['default', podName];
  const pod = await cluster.client.get(pods, name, { namespace });
  const access = new PodAccess({
    findKubelet: (node) => cluster.machines.get(node)?.kubelet,
    dial: () => Promise.reject(new Error('not needed')),
  });
  let output = '';
  const write = async (chunk: Uint8Array): Promise<void> => void (output += new TextDecoder().decode(chunk));
  await access.exec(
    { namespace, name, uid: pod.metadata?.uid ?? '', nodeName: pod.spec?.nodeName ?? '' },
    { container: 'c', command: [...command], tty: false, stdin: input !== undefined, stdout: true, stderr: true },
    {
      stdin: input === undefined ? undefined : Readable.from([input]),
      writeStdout: write,
      writeStderr: write,
      resizes: (async function* () {})(),
      signal: new AbortController().signal,
    },
  );
  return output;
}
