/** What the name server and its UDP threads say to each other. */
import type { NameIndexOptions } from '../names/index.ts';
import type { IndexEvent } from './index-events.ts';

/** How a thread starts: handed over as `workerData`. */
export interface UdpWorkerStart {
  readonly fd: number;
  readonly family: 4 | 6;
  /** Answers leave from the address that was asked. */
  readonly replyFromArrival: boolean;
  /** Ends a wait: there is a message. */
  readonly waitFd: number;
  readonly index: Omit<NameIndexOptions, 'nowSeconds'>;
  readonly responder: {
    readonly reverseZones?: readonly string[];
    readonly fallthrough?: readonly string[];
    readonly hasUpstream: boolean;
    readonly completesSearch: boolean;
    readonly maxUdpBytes?: number;
  };
  readonly seed: number;
  /** Where to count (`QueryCounters`), if anywhere. */
  readonly counters?: SharedArrayBuffer;
}

/** To the thread. */
export type ToUdpWorker =
  /** `atSeconds` is the server's own clock, so that all serials are one. */
  | { readonly kind: 'event'; readonly event: IndexEvent; readonly atSeconds: number }
  | { readonly kind: 'synced' }
  | { readonly kind: 'stop' };

/** From the thread: a query that needs others, with its sender's sockaddr; or that everything told up to `synced` is taken in. */
export type FromUdpWorker =
  | { readonly kind: 'query'; readonly query: Uint8Array; readonly source: Uint8Array }
  | { readonly kind: 'synced' };
