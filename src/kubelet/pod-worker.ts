/** The life of one pod on its node: network, init containers, containers, status, graceful end. */
import type { Container, Pod, PodStatus } from '../api/index.ts';
import { isConflict, isNotFound, pods, formatTime } from '../api/index.ts';
import { maxTimerMs } from '../client/index.ts';
import { messageOf } from '../observe/index.ts';
import type { Logger } from '../observe/index.ts';
import { ContainerLife } from './container-life.ts';
import type { ExitResult } from './container-process.ts';
import type { PodSetup } from './container-start.ts';
import { refreshVolumes, removePodFiles, startContainer } from './container-start.ts';
import { execCaptured } from './exec.ts';
import type { PodContext } from './pod-context.ts';
import { podLabel } from './pod-context.ts';
import { computePodStatus } from './pod-status.ts';
import { PodTokens } from './pod-tokens.ts';
import { PodStatusWriter } from './pod-status-writer.ts';
import type { ProbeTarget } from './prober.ts';
import type { PodNetwork } from './runtime.ts';

/** Set to "false", it holds the pod's containers unready: to try what a Service does then. */
const readyAnnotation = 'fairlead.dev/ready';
const retryMs = 200;

/** One pod, from its binding to this node until it is gone from the API. */
export class PodWorker {
  readonly #context: PodContext;
  readonly #logger: Logger;
  readonly #startTime: string;
  readonly #lives = new Map<string, ContainerLife>();
  readonly #abort = new AbortController();
  readonly #tokens: PodTokens;
  #pod: Pod;
  #network: PodNetwork | undefined;
  #addresses: readonly string[] = [];
  #podIPs: readonly string[] = [];
  #failure: { readonly reason: string; readonly message: string } | undefined;
  readonly #status: PodStatusWriter;
  #isGone = false;
  readonly #waiters = new Set<() => void>();
  #stopDeadlineMs = Infinity;
  #running: Promise<void> | undefined;
  #terminating: Promise<void> | undefined;

  constructor(pod: Pod, context: PodContext) {
    this.#pod = pod;
    this.#context = context;
    this.#logger = context.logger.child({ pod: `${pod.metadata?.namespace ?? ''}/${pod.metadata?.name ?? ''}` });
    this.#tokens = new PodTokens(context);
    this.#startTime = pod.status?.startTime ?? formatTime(new Date());
    this.#status = new PodStatusWriter(
      {
        client: context.client,
        pod: () => this.#pod,
        compute: (previous) => this.#computeStatus(previous),
        signal: this.#abort.signal,
        sleep: (ms) => this.#sleep(ms),
      },
      { logger: this.#logger },
    );
  }

  get pod(): Pod {
    return this.#pod;
  }

  get network(): PodNetwork | undefined {
    return this.#network;
  }

  /** The named container (init containers too), once the pod has begun. */
  container(name: string): ContainerLife | undefined {
    return this.#lives.get(name);
  }

  /** What containers are started into; undefined before the pod has its network. */
  get setup(): PodSetup | undefined {
    if (this.#network === undefined) return undefined;
    return { pod: this.#pod, network: this.#network, context: this.#context, tokens: this.#tokens };
  }

  start(): void {
    if (isTerminal(this.#pod) && this.#pod.metadata?.deletionTimestamp === undefined) return;
    this.#running ??= this.#guard(this.#run());
    if (this.#pod.metadata?.deletionTimestamp !== undefined) this.#terminate();
  }

  /** The API's copy has changed. */
  update(pod: Pod): void {
    this.#pod = pod;
    if (pod.metadata?.deletionTimestamp !== undefined) {
      this.#running ??= Promise.resolve();
      this.#terminate();
    }
    this.#touch();
  }

  /** ConfigMaps or Secrets of the pod's namespace have changed. */
  async referencesChanged(): Promise<void> {
    for (const life of this.#lives.values()) life.poke();
    await this.#refreshVolumes();
  }

  /** Gives the pod's programs new tokens when theirs grow old. */
  async renewTokens(): Promise<void> {
    if (this.#tokens.isDue) await this.#refreshVolumes();
  }

  async #refreshVolumes(): Promise<void> {
    const { setup } = this;
    if (setup === undefined || this.#isGone) return;
    if ([...this.#lives.values()].some((life) => life.process?.pid !== undefined)) await refreshVolumes(setup);
  }

  /** The pod is gone from the API, or the kubelet stops: everything ends now, nothing is written. */
  async remove(): Promise<void> {
    this.#isGone = true;
    this.#abort.abort();
    this.#status.stop();
    for (const life of this.#lives.values()) life.kill();
    await this.#running;
    await this.#terminating;
    await this.#tearDown();
  }

  async #run(): Promise<void> {
    const spec = this.#pod.spec ?? { containers: [] };
    for (const container of spec.initContainers ?? []) this.#addLife(container, true);
    for (const container of spec.containers) this.#addLife(container, false);
    if (!(await this.#setUpNetwork())) return;
    this.#touch();
    const sidecars: Promise<void>[] = [];
    for (const container of spec.initContainers ?? []) {
      const life = this.#lives.get(container.name);
      if (life === undefined || this.#isEnding) return;
      const running = life.run();
      if (container.restartPolicy === 'Always') {
        sidecars.push(running);
        await this.#until(() => life.hasStarted || life.hasFinished);
      } else {
        await running;
        if (life.exitCode !== 0) {
          await this.#stopSidecars(sidecars, 0);
          return;
        }
      }
    }
    if (this.#isEnding) return;
    const main = spec.containers.map(async (container) => this.#lives.get(container.name)?.run());
    this.#watchDeadline(spec.activeDeadlineSeconds);
    await Promise.all(main);
    await this.#stopSidecars(sidecars, this.#graceMs());
    if (!this.#isEnding) await this.#tearDown();
    this.#touch();
  }

  /** A step that fails in a way nobody foresaw is logged; the pod stays as it is until it is deleted. */
  async #guard(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#logger.error({ error: messageOf(error) }, 'pod stuck');
    }
  }

  get #isEnding(): boolean {
    return this.#isGone || this.#terminating !== undefined || this.#failure !== undefined;
  }

  async #setUpNetwork(): Promise<boolean> {
    const { pool, runtime, events } = this.#context;
    const isHost = this.#pod.spec?.hostNetwork === true;
    while (!this.#isEnding) {
      const previous = (this.#pod.status?.podIPs ?? []).map(({ ip }) => ip);
      const addresses = isHost ? runtime.nodeAddresses : pool.allocate(previous);
      if (addresses === undefined) {
        this.#setWaiting('no free pod address left in the podCIDRs of the node');
        await this.#sleep(1000);
        continue;
      }
      try {
        this.#addresses = isHost ? [] : addresses;
        this.#network = await runtime.addPod({ id: this.#id, name: this.#name, addresses, hostNetwork: isHost });
        this.#podIPs = addresses;
        return true;
      } catch (error) {
        if (!isHost) pool.release(addresses);
        this.#addresses = [];
        this.#setWaiting(messageOf(error));
        events.event(this.#pod, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${messageOf(error)}`);
        this.#logger.warn({ error: messageOf(error) }, 'pod network not set up');
        await this.#sleep(1000);
      }
    }
    return false;
  }

  #addLife(container: Container, isInit: boolean): void {
    const life: ContainerLife = new ContainerLife(
      {
        container,
        shouldRestart: (exit) => shouldRestart(container, isInit, this.#pod, exit),
        start: async (log) => {
          const { setup } = this;
          if (setup === undefined) throw new Error('the pod has no network');
          return startContainer(setup, container, log, (stream, chunk) => life.emitOutput(stream, chunk));
        },
        probeTarget: this.#probeTarget(container, () => life),
        podLabel: podLabel(this.#pod),
        isReadyAllowed: () => this.#pod.metadata?.annotations?.[readyAnnotation] !== 'false',
        graceMs: () => this.#graceMs(),
        onChange: () => this.#touch(),
        onEvent: (type, reason, message) => this.#context.events.event(this.#pod, type, reason, message),
      },
      { logger: this.#logger },
    );
    if (!isInit && (this.#pod.spec?.initContainers ?? []).length > 0) life.setWaiting('PodInitializing');
    this.#lives.set(container.name, life);
  }

  #probeTarget(container: Container, life: () => ContainerLife): ProbeTarget {
    return {
      address: () => this.#podIPs[0],
      ports: container.ports ?? [],
      dial: (target, options) => this.#context.runtime.dial(target, options),
      exec: async (command, timeoutMs) => {
        const { setup } = this;
        if (setup === undefined) throw new Error('the pod has no network');
        return execCaptured(setup, container, life().process, command, timeoutMs);
      },
    };
  }

  #terminate(): void {
    const { deletionGracePeriodSeconds, deletionTimestamp } = this.#pod.metadata ?? {};
    const graceMs = (deletionGracePeriodSeconds ?? this.#pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000;
    const deletedAtMs = Date.parse(deletionTimestamp ?? '') - graceMs;
    // a kubelet that learns of the deletion late does not give the grace anew
    const startMs = Number.isFinite(deletedAtMs) && Date.now() - deletedAtMs > 5000 ? deletedAtMs : Date.now();
    const deadlineMs = Math.min(this.#stopDeadlineMs, startMs + graceMs);
    if (this.#terminating !== undefined && deadlineMs >= this.#stopDeadlineMs) return;
    this.#stopDeadlineMs = deadlineMs;
    const leftMs = Math.max(0, deadlineMs - Date.now());
    if (this.#terminating === undefined) this.#terminating = this.#guard(this.#endGracefully(leftMs));
    else for (const life of this.#lives.values()) void life.stop(leftMs);
  }

  async #endGracefully(graceMs: number): Promise<void> {
    const isSidecar = (name: string): boolean =>
      this.#pod.spec?.initContainers?.some((each) => each.name === name && each.restartPolicy === 'Always') === true;
    const lives = [...this.#lives.values()];
    await Promise.all(lives.filter((life) => !isSidecar(life.name)).map((life) => life.stop(graceMs)));
    const left = Math.max(0, this.#stopDeadlineMs - Date.now());
    await Promise.all(lives.filter((life) => isSidecar(life.name)).map((life) => life.stop(left)));
    await this.#running;
    await this.#tearDown();
    this.#touch();
    await this.#status.flush();
    await this.#deleteFromApi();
  }

  async #deleteFromApi(): Promise<void> {
    const { namespace, name = '', uid } = this.#pod.metadata ?? {};
    while (!this.#isGone) {
      try {
        const body = { gracePeriodSeconds: 0, ...(uid === undefined ? {} : { preconditions: { uid } }) };
        await this.#context.client.delete(pods, name, { namespace, signal: this.#abort.signal, body });
        return;
      } catch (error) {
        if (isNotFound(error) || isConflict(error)) return;
        if (!this.#isGone) this.#logger.warn({ error: messageOf(error) }, 'pod not removed from the API yet');
        await this.#sleep(retryMs);
      }
    }
  }

  async #stopSidecars(running: readonly Promise<void>[], graceMs: number): Promise<void> {
    for (const { name, restartPolicy } of this.#pod.spec?.initContainers ?? [])
      if (restartPolicy === 'Always') void this.#lives.get(name)?.stop(graceMs);
    await Promise.all(running);
  }

  #watchDeadline(seconds: number | undefined): void {
    if (seconds === undefined) return;
    void this.#sleep(Date.parse(this.#startTime) + seconds * 1000 - Date.now()).then(() => {
      if (this.#isEnding || [...this.#lives.values()].every((life) => life.hasFinished)) return;
      this.#failure = { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' };
      for (const life of this.#lives.values()) void life.stop(this.#graceMs());
    });
  }

  async #tearDown(): Promise<void> {
    const had = this.#network;
    this.#network = undefined;
    if (had === undefined) return;
    await this.#context.runtime.removePod(this.#id);
    this.#context.pool.release(this.#addresses);
    this.#addresses = [];
    await this.#removeFiles();
  }

  async #removeFiles(): Promise<void> {
    if (!this.#context.isSandboxPrepared()) return;
    try {
      removePodFiles(this.#pod, await this.#context.prepareSandbox());
    } catch (error) {
      this.#logger.debug({ error: messageOf(error) }, 'pod files not removed');
    }
  }

  get #name(): string {
    return `${this.#pod.metadata?.namespace ?? ''}/${this.#pod.metadata?.name ?? ''}`;
  }

  get #id(): string {
    return this.#pod.metadata?.uid ?? '';
  }

  #graceMs(): number {
    return (this.#pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000;
  }

  #setWaiting(message: string): void {
    for (const life of this.#lives.values()) life.setWaiting('ContainerCreating', message);
  }

  #touch(): void {
    this.#notifyWaiters();
    if (!this.#isGone && this.#lives.size > 0) this.#status.touch();
  }

  #computeStatus(previous: PodStatus | undefined): PodStatus {
    const spec = this.#pod.spec ?? { containers: [] };
    const statusOf = (container: Container): ReturnType<ContainerLife['status']>[] => {
      const life = this.#lives.get(container.name);
      return life === undefined ? [] : [life.status()];
    };
    return computePodStatus({
      pod: this.#pod,
      previous,
      initContainers: (spec.initContainers ?? []).flatMap(statusOf),
      containers: spec.containers.flatMap(statusOf),
      podIPs: this.#podIPs,
      hostIPs: this.#context.runtime.nodeAddresses,
      startTime: this.#startTime,
      now: formatTime(new Date()),
      failure: this.#failure,
    });
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.#isEnding) {
      await new Promise<void>((resolve) => {
        this.#waiters.add(resolve);
      });
    }
  }

  #notifyWaiters(): void {
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      waiter();
    }
  }

  async #sleep(ms: number): Promise<void> {
    const { signal } = this.#abort;
    const endMs = performance.now() + ms;
    for (let leftMs = ms; leftMs > 0 && !signal.aborted; leftMs = endMs - performance.now()) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const timer = setTimeout(wake, Math.min(leftMs, maxTimerMs));
        signal.addEventListener('abort', wake);
      });
    }
  }
}

function shouldRestart(container: Container, isInit: boolean, pod: Pod, exit: ExitResult): boolean {
  const policy = container.restartPolicy ?? pod.spec?.restartPolicy ?? 'Always';
  if (isInit && container.restartPolicy !== 'Always') return exit.exitCode !== 0 && pod.spec?.restartPolicy !== 'Never';
  return policy === 'Always' || (policy === 'OnFailure' && exit.exitCode !== 0);
}

function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}
