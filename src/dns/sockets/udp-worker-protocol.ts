/** What the name server and its UDP threads say to each other. */
import type { SharedNames } from '../../names/index.ts';

/** How a thread starts: handed over as `workerData`. */
export interface UdpWorkerStart {
  readonly fd: number;
  readonly family: 4 | 6;
  /** Answers leave from the address that was asked. */
  readonly replyFromArrival: boolean;
  /** Ends a wait: there is a message. */
  readonly waitFd: number;
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

/** To the thread. */
export interface ToUdpWorker {
  readonly kind: 'stop';
}

/** From the thread: a query that needs others, with its sender's sockaddr. */
export interface FromUdpWorker {
  readonly query: Uint8Array;
  readonly source: Uint8Array;
}
