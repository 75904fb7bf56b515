/** Tells secondary servers that the zone has changed, so that they fetch it now and not at their next refresh (NOTIFY, RFC 1996). */
import type { NameIndex } from '../names/index.ts';
import { rrTypes } from '../names/index.ts';
import type { Logger } from '../observe/index.ts';
import { messageOf } from '../observe/index.ts';
import type { Message } from './message.ts';
import { queryMessage } from './message.ts';
import { headerFlags, opcodes, rcodeName, rcodes } from './protocol.ts';
import { soaRecord } from './transfer.ts';
import type { UpstreamAddress } from './upstream-line.ts';
import { openUdpLine } from './upstream-line.ts';

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
  const told = new Map<UpstreamAddress, { serial: number; isBusy: boolean }>(
    targets.map((target) => [target, { serial: 0, isBusy: false }]),
  );

  const tell = async (target: UpstreamAddress, serial: number): Promise<void> => {
    for (let attempt = 0; attempt < maxTries && !stopping.signal.aborted && index.serial === serial; attempt++) {
      const line = openUdpLine(target, options.randomId);
      try {
        const answer = await line.ask(notifyMessage(index), (options.timeoutMs ?? 2_000) * 2 ** attempt);
        if (answer.rcode !== rcodes.NOERROR)
          logger.warn({ ...target, rcode: rcodeName(answer.rcode) }, 'secondary refuses to be notified');
        return;
      } catch (error) {
        logger.debug({ ...target, problem: messageOf(error) }, 'secondary not notified');
      } finally {
        line.close();
      }
    }
    if (!stopping.signal.aborted && index.serial === serial)
      logger.warn({ ...target, serial }, 'secondary does not answer: it was not notified');
  };

  const timer = setInterval(() => {
    if (!options.isReady()) return;
    const { serial } = index;
    for (const [target, state] of told) {
      if (state.isBusy || state.serial === serial) continue;
      state.isBusy = true;
      state.serial = serial;
      // `tell` logs what goes wrong and never rejects
      void tell(target, serial).finally(() => (state.isBusy = false));
    }
  }, options.everyMs ?? 1_000);
  timer.unref();
  return () => {
    stopping.abort();
    clearInterval(timer);
  };
}

/** RFC 1996 §3.6 leaves it to us. */
const maxTries = 5;

function notifyMessage(index: ZoneNotifierOptions['index']): Message {
  const soa = soaRecord(index);
  const flags = (opcodes.NOTIFY << 11) | headerFlags.AA;
  return { ...queryMessage(0, soa.name, rrTypes.SOA, flags), answers: [soa] };
}
