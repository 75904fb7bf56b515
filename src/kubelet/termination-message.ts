/** The file in which a container may leave its last words (terminationMessagePath). Source: k8s pkg/kubelet/kuberuntime. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Container } from '../api/index.ts';
import type { SandboxMount } from './sandbox.ts';

/** Upstream's limit for the message of one container (MaxContainerTerminationMessageLength). */
const maxBytes = 4096;

/** The file as a mount of the container; it is made if it is not there. */
export function terminationMount(
  container: Pick<Container, 'name' | 'terminationMessagePath'>,
  podDirectory: string,
): SandboxMount {
  const source = fileOf(container, podDirectory);
  if (!existsSync(source)) clearTerminationMessage(container, podDirectory);
  const { terminationMessagePath: path = '' } = container;
  return { source, target: path === '' ? '/dev/termination-log' : path, readOnly: false, isFile: true };
}

/** Forgets what an earlier run of the container said. */
export function clearTerminationMessage(container: Pick<Container, 'name'>, podDirectory: string): void {
  const file = fileOf(container, podDirectory);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  // whoever the container runs as
  chmodSync(file, 0o666);
}

/** What the container left; empty when nothing. */
export function readTerminationMessage(container: Pick<Container, 'name'>, podDirectory: string): string {
  try {
    return readFileSync(fileOf(container, podDirectory)).subarray(0, maxBytes).toString();
  } catch (error) {
    // the pod's files have gone with it
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function fileOf({ name }: Pick<Container, 'name'>, podDirectory: string): string {
  return join(podDirectory, 'termination', name);
}
