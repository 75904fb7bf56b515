/** Tells secondary servers that the zone has changed, so that they fetch it now and not at their next refresh (NOTIFY, RFC 1996). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { NameIndex } from '../../names/index.ts';
import { rrTypes } from '../../names/index.ts';
import type { Logger } from '../../observe/index.ts';
import { messageOf } from '../../observe/index.ts';
import type { Message } from '../wire/message.ts';
import { queryMessage } from '../wire/message.ts';
import { headerFlags, opcodes, rcodeName, rcodes } from '../wire/protocol.ts';
import { soaRecord } from './transfer.ts';
import type { UpstreamAddress } from '../forwarding/upstream-line.ts';
import { openUdpLine } from '../forwarding/upstream-line.ts';

export interface ZoneNotifierOptions {
  readonly targets: readonly UpstreamAddress[];
  readonly index: Pick<NameIndex, 'serial' | 'ttlSeconds' | 'zoneWire'>;
  /** Names are known: before that there is nothing worth fetching. */
  readonly isReady: () => boolean;
  /** A 16-bit number that no one can guess. */
  readonly randomId: () => number;
  /** How often it is looked whether the serial has moved. Default 1000 ms. */
  readonly everyMs?: number;
  /** How long an answer is awaited at first; each try waits twice as long as the one before. Default 2000 ms. */
  readonly timeoutMs?: number;
}

/** Starts telling. Returns a function that stops it. */
export function startZoneNotifier(options: ZoneNotifierOptions, { logger }: { readonly logger: Logger }): () => void {
  const { index, targets } = options;
  const stopping = new AbortController();
  const told = new Map<UpstreamAddress, Told>(targets.map((target) => [target, { serial: 0, isBusy: false, isSilent: false }]));

  const tell = async (target: UpstreamAddress, state: Told): Promise<void> => {
    const { serial } = state;
    for (let attempt = 0; attempt < maxTries && !stopping.signal.aborted && index.serial === serial; attempt++) {
      const line = openUdpLine(target, options.randomId);
      const waitMs = (options.timeoutMs ?? 2_000) * 2 ** attempt;
      const untilMs = performance.now() + waitMs;
      try {
        const answer = await line.ask(notifyMessage(index), waitMs);
        state.isSilent = false;
        if (answer.rcode !== rcodes.NOERROR)
          logger.warn({ ...target, rcode: rcodeName(answer.rcode) }, 'secondary refuses to be notified');
        return;
      } catch (error) {
        logger.debug({ ...target, problem: messageOf(error) }, 'secondary not notified');
      } finally {
        line.close();
      }
      // a refusal comes at once; who starts just now is given its time
      while (performance.now() < untilMs && !stopping.signal.aborted && index.serial === serial)
        await sleep(Math.min(200, waitMs), undefined, { ref: false });
    }
    if (stopping.signal.aborted || index.serial !== serial || state.isSilent) return;
    // said once: a client that may have the zone need not be a server
    state.isSilent = true;
    logger.warn({ ...target, serial }, 'secondary does not answer: it is not told of changes');
  };

  const timer = setInterval(() => {
    if (!options.isReady()) return;
    const { serial } = index;
    for (const [target, state] of told) {
      if (state.isBusy || state.serial === serial) continue;
      state.isBusy = true;
      state.serial = serial;
      // `tell` logs what goes wrong and never rejects
      void tell(target, state).finally(() => (state.isBusy = false));
    }
  }, options.everyMs ?? 1_000);
  timer.unref();
  return () => {
    stopping.abort();
    clearInterval(timer);
  };
}

/** What a secondary was told. */
interface Told {
  serial: number;
  isBusy: boolean;
  isSilent: boolean;
}

/** RFC 1996 §3.6 leaves it to us. */
const maxTries = 5;

function notifyMessage(index: ZoneNotifierOptions['index']): Message {
  const soa = soaRecord(index);
  const flags = (opcodes.NOTIFY << 11) | headerFlags.AA;
  return { ...queryMessage(0, soa.name, rrTypes.SOA, flags), answers: [soa] };
}
