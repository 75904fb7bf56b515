/** The life of one container: started, probed, restarted with back-off, stopped gracefully. Knows nothing of pods' status or the API. */
import { formatTime } from '../api/index.ts';
import type { Container, ContainerState, ContainerStatus, Lifecycle } from '../api/index.ts';
import { maxTimerMs } from '../client/index.ts';
import type { Logger } from '../observe/index.ts';
import { messageOf } from '../observe/index.ts';
import type { RestartBackOff } from './back-off.ts';
import { formatDelay, initialBackOff, nextBackOff } from './back-off.ts';
import { ContainerStartError } from './command-process.ts';
import type { ContainerProcess, ExitResult } from './container-process.ts';
import { LogBuffer } from './log-buffer.ts';
import type { ProbeTarget } from './prober.ts';
import { ProbeLoop, runHook } from './prober.ts';

export interface ContainerLifeOptions {
  readonly container: Container;
  /** Whether it runs again after it ended. */
  readonly shouldRestart: (exit: ExitResult) => boolean;
  /** Makes it run; throws `ContainerStartError`. */
  readonly start: (log: LogBuffer) => Promise<ContainerProcess>;
  readonly probeTarget: ProbeTarget;
  /** `name_namespace(uid)`, for messages. */
  readonly podLabel: string;
  /** False holds the container unready whatever its probes say. */
  readonly isReadyAllowed: () => boolean;
  readonly graceMs: () => number;
  readonly onChange: () => void;
  readonly onEvent: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
}

type Outcome = { readonly ended: ExitResult } | { readonly retry: string };

/** `run` it once; it ends when the container will not run again, or when stopped. */
export class ContainerLife {
  readonly #options: ContainerLifeOptions;
  readonly #logger: Logger;
  #state: ContainerState = { waiting: { reason: 'ContainerCreating' } };
  #lastState: ContainerState | undefined;
  #process: ContainerProcess | undefined;
  #log: LogBuffer | undefined;
  #previousLog: LogBuffer | undefined;
  #loops: ProbeLoop[] = [];
  #hasStarted = false;
  #restartCount = 0;
  #startedAtMs = 0;
  #containerId: string | undefined;
  #isStopping = false;
  #hasFinished = false;
  #wasAttached = false;
  #wake: () => void = () => undefined;
  readonly #taps = new Set<(stream: 'stdout' | 'stderr', chunk: Uint8Array) => void>();

  constructor(options: ContainerLifeOptions, { logger }: { readonly logger: Logger }) {
    this.#options = options;
    this.#logger = logger;
  }

  get name(): string {
    return this.#options.container.name;
  }

  get process(): ContainerProcess | undefined {
    return this.#state.running === undefined ? undefined : this.#process;
  }

  /** Output of the running (or last) container, and of the one before it. */
  get log(): LogBuffer | undefined {
    return this.#log;
  }

  get previousLog(): LogBuffer | undefined {
    return this.#previousLog;
  }

  /** Whether it runs and its startup probe, if any, has succeeded. */
  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  get hasFinished(): boolean {
    return this.#hasFinished;
  }

  get exitCode(): number | undefined {
    return this.#state.terminated?.exitCode;
  }

  /** What it has said before anybody was attached to it; undefined from the second call on. */
  takeFirstWords(): Uint8Array | undefined {
    if (this.#wasAttached) return undefined;
    this.#wasAttached = true;
    return this.#log?.everything();
  }

  /** Listens to the raw output from now on. */
  tap(listener: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void): () => void {
    this.#taps.add(listener);
    return () => this.#taps.delete(listener);
  }

  /** For the process's maker: output goes to the log and to whoever is attached. */
  emitOutput(stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    for (const tap of this.#taps) tap(stream, chunk);
  }

  status(): ContainerStatus {
    const { container } = this.#options;
    return {
      name: container.name,
      image: container.image ?? '',
      imageID: '',
      state: this.#state,
      ...(this.#lastState === undefined ? { lastState: {} } : { lastState: this.#lastState }),
      ready: this.#isReady(),
      started: this.#hasStarted,
      restartCount: this.#restartCount,
      ...(this.#containerId === undefined ? {} : { containerID: this.#containerId }),
    };
  }

  /** What it waits for, shown until it is started. */
  setWaiting(reason: string, message?: string): void {
    this.#setState({ waiting: message === undefined ? { reason } : { reason, message } });
  }

  /** Objects that it may wait for have changed: try again now. */
  poke(): void {
    if (this.#state.waiting?.reason !== 'CrashLoopBackOff') this.#wake();
  }

  /** Runs it until it has ended for good. Never rejects. */
  async run(): Promise<void> {
    let backOff: RestartBackOff = initialBackOff;
    while (!this.#isStopping) {
      const outcome = await this.#runOnce();
      if ('retry' in outcome) {
        await this.#pause(5000);
        continue;
      }
      if (this.#isStopping || !this.#options.shouldRestart(outcome.ended)) break;
      backOff = nextBackOff({ ...backOff, restarts: this.#restartCount }, Date.now() - this.#startedAtMs);
      if (backOff.delayMs > 0) {
        const message = `back-off ${formatDelay(backOff.delayMs)} restarting failed container=${this.name} pod=${this.#options.podLabel}`;
        this.#lastState = this.#state;
        this.#setState({ waiting: { reason: 'CrashLoopBackOff', message } });
        this.#options.onEvent(
          'Warning',
          'BackOff',
          `Back-off restarting failed container ${this.name} in pod ${this.#options.podLabel}`,
        );
        await this.#pause(backOff.delayMs);
        if (this.#isStopping) this.#setState(this.#lastState);
      } else {
        this.#lastState = this.#state;
      }
      if (!this.#isStopping) this.#restartCount++;
    }
    this.#hasFinished = true;
    this.#options.onChange();
  }

  /**
   * preStop hook, SIGTERM (or a drain), SIGKILL when `graceMs` is over; resolves when it has ended. Calling again with less
   * grace shortens it.
   */
  async stop(graceMs: number, reason?: string): Promise<void> {
    const isFirst = !this.#isStopping;
    this.#isStopping = true;
    this.#wake();
    await this.#stopProcess(graceMs, isFirst, reason);
  }

  /** Ends it now, without hook. */
  kill(): void {
    this.#isStopping = true;
    this.#wake();
    this.#process?.kill();
  }

  async #runOnce(): Promise<Outcome> {
    const log = new LogBuffer();
    let process: ContainerProcess;
    try {
      process = await this.#options.start(log);
    } catch (error) {
      return this.#couldNotStart(error, log);
    }
    this.#previousLog = this.#log;
    this.#log = log;
    this.#process = process;
    this.#containerId = process.id;
    this.#startedAtMs = Date.now();
    const startedAt = formatTime(new Date(this.#startedAtMs));
    this.#hasStarted = this.#options.container.startupProbe === undefined;
    this.#startProbes();
    this.#setState({ running: { startedAt } });
    this.#options.onEvent('Normal', 'Started', `Started container ${this.name}`);
    if (this.#isStopping) process.kill();
    void this.#postStart(this.#options.container.lifecycle, process);
    const exit = await process.exited;
    this.#stopProbes();
    log.end();
    const { terminationMessagePolicy } = this.#options.container;
    const wantsLog = terminationMessagePolicy === 'FallbackToLogsOnError' && exit.exitCode !== 0 && exit.message === undefined;
    const result = wantsLog ? { ...exit, message: log.tail(80, 2048) } : exit;
    this.#hasStarted = false;
    this.#setState({ terminated: terminated(result, process.id, this.#startedAtMs) });
    return { ended: result };
  }

  #couldNotStart(error: unknown, log: LogBuffer): Outcome {
    const reason = error instanceof ContainerStartError ? error.code : 'CreateContainerError';
    const message = messageOf(error);
    this.#options.onEvent('Warning', 'Failed', `Error: ${message}`);
    this.#logger.debug({ container: this.name, reason, message }, 'container not started');
    if (reason === 'CreateContainerConfigError') {
      this.setWaiting(reason, message);
      return { retry: message };
    }
    this.#previousLog = this.#log;
    this.#log = log;
    log.end();
    this.#startedAtMs = Date.now();
    const result: ExitResult = { exitCode: 128, reason: reason === 'StartError' ? 'StartError' : 'ContainerCannotRun', message };
    this.#setState({ terminated: terminated(result, undefined, this.#startedAtMs) });
    return { ended: result };
  }

  #startProbes(): void {
    const { container } = this.#options;
    this.#stopProbes();
    const later = (): void => {
      if (container.readinessProbe !== undefined) this.#startLoop('readiness', container.readinessProbe);
      if (container.livenessProbe !== undefined) this.#startLoop('liveness', container.livenessProbe);
    };
    if (container.startupProbe === undefined) {
      later();
      return;
    }
    this.#startLoop('startup', container.startupProbe, () => {
      if (this.#hasStarted) return;
      this.#hasStarted = true;
      for (const loop of this.#loops.splice(0)) loop.stop();
      later();
    });
  }

  #startLoop(
    kind: 'startup' | 'readiness' | 'liveness',
    probe: NonNullable<Container['livenessProbe']>,
    onSuccess: () => void = () => undefined,
  ): void {
    const loop: ProbeLoop = new ProbeLoop({
      kind,
      probe,
      target: this.#options.probeTarget,
      onResult: (state, result) => {
        if (!result.isSuccess)
          this.#options.onEvent(
            'Warning',
            'Unhealthy',
            `${kind[0]?.toUpperCase()}${kind.slice(1)} probe failed: ${result.output}`,
          );
        if (state.verdict === 'success') onSuccess();
        if (state.verdict === 'failure' && kind !== 'readiness' && !this.#isStopping) {
          this.#stopProbes();
          this.#options.onEvent('Normal', 'Killing', `Container ${this.name} failed ${kind} probe, will be restarted`);
          const graceMs =
            probe.terminationGracePeriodSeconds === undefined
              ? this.#options.graceMs()
              : probe.terminationGracePeriodSeconds * 1000;
          void this.#stopProcess(graceMs, true);
        }
        this.#options.onChange();
      },
    });
    this.#loops.push(loop);
    loop.start();
  }

  #stopProbes(): void {
    for (const loop of this.#loops.splice(0)) loop.stop();
  }

  #isReady(): boolean {
    if (this.#state.running === undefined || !this.#hasStarted || !this.#options.isReadyAllowed()) return false;
    const readiness = this.#loops.find((loop) => loop.kind === 'readiness');
    return this.#options.container.readinessProbe === undefined || readiness?.verdict === 'success';
  }

  async #postStart(lifecycle: Lifecycle | undefined, process: ContainerProcess): Promise<void> {
    if (lifecycle?.postStart === undefined) return;
    const result = await runHook(lifecycle.postStart, this.#options.probeTarget, 60_000);
    if (result.isSuccess) return;
    this.#options.onEvent('Warning', 'FailedPostStartHook', `PostStartHook failed: ${result.output}`);
    process.kill();
  }

  async #stopProcess(graceMs: number, isFirst: boolean, reason?: string): Promise<void> {
    const process = this.#process;
    if (process === undefined || this.#state.running === undefined) return;
    const deadline = setTimeout(() => process.kill(), Math.min(graceMs, maxTimerMs));
    if (isFirst) {
      this.#options.onEvent('Normal', 'Killing', reason ?? `Stopping container ${this.name}`);
      void this.#preStopThenTerminate(process, graceMs);
    }
    await process.exited;
    clearTimeout(deadline);
  }

  async #preStopThenTerminate(process: ContainerProcess, graceMs: number): Promise<void> {
    const { lifecycle } = this.#options.container;
    const startMs = Date.now();
    if (lifecycle?.preStop !== undefined && graceMs > 0) {
      const result = await runHook(lifecycle.preStop, this.#options.probeTarget, graceMs);
      if (!result.isSuccess) this.#options.onEvent('Warning', 'FailedPreStopHook', `PreStopHook failed: ${result.output}`);
    }
    const left = Math.max(0, graceMs - (Date.now() - startMs));
    process.terminate(left, lifecycle?.stopSignal);
  }

  async #pause(ms: number): Promise<void> {
    if (this.#isStopping) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => undefined;
  }

  #setState(state: ContainerState): void {
    this.#state = state;
    this.#options.onChange();
  }
}

function terminated(
  result: ExitResult,
  containerID: string | undefined,
  startedAtMs: number,
): NonNullable<ContainerState['terminated']> {
  return {
    exitCode: result.exitCode,
    ...(result.signal === undefined ? {} : { signal: result.signal }),
    reason: result.reason,
    ...(result.message === undefined ? {} : { message: result.message }),
    startedAt: formatTime(new Date(startedAtMs)),
    finishedAt: formatTime(new Date()),
    ...(containerID === undefined ? {} : { containerID }),
  };
}
