/** What the name server and its UDP threads say to each other. */
import type { SharedNames } from '../../names/index.ts';

/** How a thread starts: handed over as `workerData`. What it cannot answer it puts into the ring, and rings with an empty message. */
export interface UdpWorkerStart {
  readonly fd: number;
  readonly family: 4 | 6;
  /** Answers leave from the address that was asked. */
  readonly replyFromArrival: boolean;
  /** Ends a wait: the ring says why. */
  readonly waitFd: number;
  /** Of a `QueryRingWriter`: queries that need others. */
  readonly ring: SharedArrayBuffer;
  /** Read in place. */
  readonly names: SharedNames;
  readonly responder: {
    readonly reverseZones?: readonly string[];
    readonly fallthrough?: readonly string[];
    readonly hasUpstream: boolean;
    readonly completesSearch: boolean;
    readonly maxUdpBytes?: number;
  };
  readonly seed: number;
  /** Of an `AnswerMemory`, if names elsewhere are remembered. */
  readonly answers?: SharedArrayBuffer;
  /** Where to count (`QueryCounters`), if anywhere. */
  readonly counters?: SharedArrayBuffer;
}
