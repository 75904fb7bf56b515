/** One of several runs the show: leadership by a Lease (coordination.k8s.io/v1). Semantics of client-go tools/leaderelection. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlreadyExists, isNotFound, leases, formatMicroTime } from '../api/index.ts';
import type { Lease } from '../api/index.ts';
import { messageOf } from '../observe/index.ts';
import type { Logger } from '../observe/index.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import type { KubeClient } from './types.ts';

export interface LeaderElectionOptions {
  readonly namespace: string;
  readonly name: string;
  /** Who we are: different for every process. */
  readonly identity: string;
  /** How long others wait without news of the leader before one of them takes over; milliseconds, whole seconds. */
  readonly leaseMs?: number;
  /** How long a leader that cannot renew goes on before it stops leading; shorter than `leaseMs`. */
  readonly renewDeadlineMs?: number;
  readonly retryMs?: number;
}

/**
 * Campaigns until `signal` aborts. Whenever this process is the leader, `lead` runs with a signal that aborts when leadership is
 * lost; when `lead` returns by itself, leadership is given up and the campaign ends. Clocks of different machines need not agree:
 * a lease is stale when *we* have seen it unchanged for its whole duration.
 */
export async function runAsLeader(
  client: KubeClient,
  options: LeaderElectionOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  { signal, logger, clock = systemClock }: { readonly signal: AbortSignal; readonly logger: Logger; readonly clock?: Clock },
): Promise<void> {
  const { leaseMs = 15_000, renewDeadlineMs = 10_000, retryMs = 2000, identity, name, namespace } = options;
  /** The lease as last seen, and when it was first seen so, by our own clock. */
  let observed: { readonly lease: Lease; readonly at: number } | undefined;
  const log = logger.child({ lease: `${namespace}/${name}`, identity });

  const observe = (lease: Lease): void => {
    const isNews = observed?.lease.metadata?.resourceVersion !== lease.metadata?.resourceVersion;
    if (isNews) observed = { lease, at: performance.now() };
  };
  const pause = (ms: number): Promise<unknown> => sleep(ms, undefined, { signal }).catch(() => undefined);

  /** Takes or renews the lease; false when somebody else holds it. Throws when the server cannot be asked. */
  const tryHold = async (): Promise<boolean> => {
    const renewTime = formatMicroTime(new Date(clock.now()));
    const known = await client.get(leases, name, { namespace, signal }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    const leaseDurationSeconds = Math.ceil(leaseMs / 1000);
    if (known === undefined) {
      const spec = { holderIdentity: identity, leaseDurationSeconds, acquireTime: renewTime, renewTime, leaseTransitions: 0 };
      try {
        observe(
          await client.create(
            leases,
            { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace }, spec },
            { signal },
          ),
        );
        return true;
      } catch (error) {
        if (isAlreadyExists(error)) return false;
        throw error;
      }
    }
    observe(known);
    const holder = known.spec?.holderIdentity ?? '';
    const isOurs = holder === identity;
    const isStale =
      observed !== undefined &&
      performance.now() - observed.at > (known.spec?.leaseDurationSeconds ?? leaseDurationSeconds) * 1000;
    if (!isOurs && holder !== '' && !isStale) return false;
    const transitions = known.spec?.leaseTransitions ?? 0;
    const spec = {
      ...known.spec,
      holderIdentity: identity,
      leaseDurationSeconds,
      acquireTime: isOurs ? known.spec?.acquireTime : renewTime,
      renewTime,
      leaseTransitions: isOurs ? transitions : transitions + 1,
    };
    // Conditional on the version we read: of two that try, one gets a conflict.
    observe(await client.update(leases, { ...known, spec }, { signal }));
    return true;
  };

  const release = async (): Promise<void> => {
    try {
      // Read again: a renewal that was under way when we stopped may have been written.
      const lease = await client.get(leases, name, { namespace });
      if (lease.spec?.holderIdentity !== identity) return;
      const spec = {
        ...lease.spec,
        holderIdentity: '',
        leaseDurationSeconds: 1,
        renewTime: formatMicroTime(new Date(clock.now())),
      };
      await client.update(leases, { ...lease, spec });
    } catch (error) {
      // The others wait a little longer, that is all.
      log.debug({ cause: messageOf(error) }, 'lease not released');
    }
  };

  while (!signal.aborted) {
    const isHeld = await tryHold().catch((error: unknown) => {
      log.debug({ cause: messageOf(error) }, 'cannot take the lease');
      return false;
    });
    if (!isHeld) {
      // Spread, so that several candidates do not ask in step.
      await pause(retryMs * (1 + Math.random() * 0.2));
      continue;
    }
    log.info({}, 'leading');
    const leading = new AbortController();
    const stopLeading = (): void => leading.abort();
    signal.addEventListener('abort', stopLeading, { once: true });
    let isLost = false;
    const work = lead(leading.signal).finally(stopLeading);
    // Whoever awaits `work` below sees its failure.
    work.catch(() => undefined);
    let renewedAt = performance.now();
    while (!leading.signal.aborted) {
      await sleep(retryMs, undefined, { signal: leading.signal }).catch(() => undefined);
      if (leading.signal.aborted) break;
      try {
        if (await tryHold()) renewedAt = performance.now();
        else isLost = true;
      } catch (error) {
        log.warn({ cause: messageOf(error) }, 'cannot renew the lease');
      }
      if (performance.now() - renewedAt > renewDeadlineMs) isLost = true;
      if (isLost) leading.abort();
    }
    signal.removeEventListener('abort', stopLeading);
    await work;
    if (!isLost) return release();
    log.warn({}, 'leadership lost');
  }
}
