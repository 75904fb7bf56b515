/** Where commands run that are sent into a container which is no process: a sandbox made for the first of them. */
import type { CommandProcess } from './command-process.ts';
import type { ContainerProcess } from './container-process.ts';

/** What the first process of such a sandbox does: nothing, and it collects whoever is left to it. */
export const placeCommand: readonly string[] = ['sh', '-c', 'while :; do sleep 86400; done'];

/** The container with a place that `open` makes when it is first entered, and that ends with the container. */
export function withExecPlace(
  container: Omit<ContainerProcess, 'pid' | 'enter'>,
  open: () => Promise<CommandProcess>,
): ContainerProcess {
  let opening: Promise<CommandProcess> | undefined;
  let pid: number | undefined;
  let hasEnded = false;
  const enter = async (): Promise<number> => {
    opening ??= open();
    try {
      const holder = await opening;
      if (hasEnded) holder.kill();
      else ({ pid } = holder);
    } catch (error) {
      opening = undefined;
      throw error;
    }
    if (pid === undefined) throw new Error('the container has ended');
    return pid;
  };
  void container.exited.then(async () => {
    hasEnded = true;
    pid = undefined;
    // one that could not be made needs no end, and whoever asked for it has heard
    const holder = await opening?.catch(() => undefined);
    holder?.kill();
  });
  return {
    ...container,
    get pid() {
      return pid;
    },
    enter,
  };
}
