/** A running container, whatever it is: a command of the host in a sandbox, an echo server in this process, or nothing at all. */

export interface ExitResult {
  readonly exitCode: number;
  /** Signal number when it died of one. */
  readonly signal?: number;
  /** `Completed`, `Error`, `StartError`, … */
  readonly reason: string;
  readonly message?: string;
}

export interface ContainerProcess {
  /** As in status.containerID, e.g. `fairlead://…`. */
  readonly id: string;
  /** Pid 1 of the container as seen from here; undefined for what has no process. */
  readonly pid: number | undefined;
  /** Pid 1 for whoever wants to join the container; what has no process makes one for it. Rejects when the container has ended. */
  enter(): Promise<number>;
  /** Resolves once, when it has ended. */
  readonly exited: Promise<ExitResult>;
  /** Asks it to end: SIGTERM (or the given signal, by the API's name for it), or a drain that may take `graceMs`. */
  terminate(graceMs: number, signal?: string): void;
  /** Ends it now. */
  kill(): void;
}

/** `Completed` for 0, else `Error`. */
export function exitReason(exitCode: number): string {
  return exitCode === 0 ? 'Completed' : 'Error';
}
