/**
 * The body of a UDP thread: a loop of recvmmsg -> answer in place -> sendmmsg that makes no garbage. The names are read where the
 * main thread keeps them, each answer from one state of them.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { originBytes, UdpBatch, wakerOf } from '../../linux/index.ts';
import { openNames } from '../../names/index.ts';
import { sharedNowMs } from '../answers/answer-memory.ts';
import { AnswerReader } from '../answers/answer-reader.ts';
import { collectGarbage } from '../objects/collect-garbage.ts';
import { outcomes, Responder } from '../answers/responder.ts';
import { QueryCounters } from '../metrics/query-counters.ts';
import { createShuffle } from '../answers/shuffle.ts';
import { rcodes } from '../wire/protocol.ts';
import { QueryRingWriter } from './query-ring.ts';
import type { UdpWorkerStart } from './udp-worker-protocol.ts';

/** `ringBell`: tells the main thread that there are queries in the ring, and once that the thread answers from now on. */
function serve(start: UdpWorkerStart, ringBell: () => void): void {
  const index = openNames(start.names);
  const permutation = createShuffle(() => start.seed);
  const remembered =
    start.answers === undefined ? undefined : new AnswerReader(start.answers, permutation, start.responder.maxUdpBytes);
  const responder = new Responder({
    ...start.responder,
    index,
    isSynced: () => index.reader.isComplete,
    permutation,
  });
  const counters = start.counters === undefined ? undefined : new QueryCounters(start.counters);
  const client = { address: start.family === 6 ? '::' : '0.0.0.0', isTcp: false };
  const { fd, family, replyFromArrival } = start;
  // where the address stands in sockaddr_in and sockaddr_in6
  const [addressAt, addressBytes] = family === 6 ? [8, 16] : [4, 4];
  const batch = new UdpBatch({ fd, family, replyFromArrival, waker: wakerOf(start.waitFd), receiveBufferBytes: 4 * 2 ** 20 });
  const ring = new QueryRingWriter(start.ring);
  const origin = new Uint8Array(originBytes);

  let lastBatches = 1_000;
  collectGarbage();
  ringBell();
  for (;;) {
    const { isStopping } = ring;
    // what waits in the socket then is still answered
    const count = batch.receive(isStopping ? 0 : waitMs);
    if (isStopping && (count === 0 || --lastBatches === 0)) return;
    const startedMs = sharedNowMs();
    let answered = 0;
    let handedOver = 0;
    for (let slot = 0; slot < count; slot++) {
      const packet = batch.buffers[slot] as Uint8Array;
      const length = batch.length(slot);
      let outcome = responder.respond(packet, length, false);
      if (outcome === outcomes.search && !responder.isFromPod(packet, batch.sourceBytes(slot), addressAt, addressBytes))
        outcome = responder.respondPlainly(packet, length, false);
      const { query } = responder;
      const found = outcome === outcomes.forward && remembered !== undefined ? remembered.answer(packet, query, startedMs) : 0;
      const needsOthers = outcome < 0 && found === 0;
      if (needsOthers) {
        if (ring.put(packet, length, origin, batch.copyOrigin(slot, origin))) {
          handedOver++;
          continue;
        }
        // as with too many under way upstream: a code that no cache keeps
        outcome = responder.respondWithError(packet, length, false, rcodes.REFUSED);
      }
      if (outcome > 0 || found > 0) {
        const bytes = outcome > 0 ? outcome : found;
        const source = outcome > 0 || remembered === undefined ? responder : remembered;
        batch.reply(slot, bytes);
        answered++;
        counters?.count(query.qtype, query.isDnssecOk, source.rcode, length, bytes, client, needsOthers || found > 0);
        if (found > 0 && remembered !== undefined) counters?.remembered(remembered.isDenial);
      }
    }
    if (handedOver > 0 && ring.mustRing()) ringBell();
    if (answered > 0) {
      batch.flush();
      counters?.took((sharedNowMs() - startedMs) / 1_000, answered);
    }
  }
}

/** Longest wait for a query. Being told to stop ends a wait at once; this only bounds the harm of a lost wake-up. */
const waitMs = 1_000;

serve(workerData as UdpWorkerStart, () => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads has no origin
  parentPort?.postMessage(null);
});
