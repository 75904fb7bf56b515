/** One name server elsewhere: its lines and its health. */
import type { Logger } from '../../observe/index.ts';
import { messageOf } from '../../observe/index.ts';
import { formatHostPort } from '../../net/index.ts';
import type { Message } from '../wire/message.ts';
import { queryMessage } from '../wire/message.ts';
import { classIn, headerFlags } from '../wire/protocol.ts';
import { durationBuckets, histogramRow, observe } from '../metrics/query-counters.ts';
import type { UpstreamAddress, UpstreamLine } from './upstream-line.ts';
import { openTcpLine, openUdpLine, UpstreamError } from './upstream-line.ts';

export interface UpstreamOptions {
  readonly to: UpstreamAddress;
  /** Failures in a row after which it counts as down. 0: never. Default 2. */
  readonly maxFails?: number;
  /** Between probes of a server that failed. Default 500 ms. */
  readonly probeEveryMs?: number;
  /** How long a line is used, so that ports change and dead connections go. Default 10 s. */
  readonly lineAgeMs?: number;
  /** A 16-bit number that no one can guess. */
  readonly randomId: () => number;
}

/** Counts for metrics. */
export interface UpstreamCounts {
  readonly probeFailures: number;
  /** Queries over a line that was there, and lines that were made. */
  readonly lineHits: { readonly udp: number; readonly tcp: number };
  readonly lineMisses: { readonly udp: number; readonly tcp: number };
  /** By answer code: a histogram of how long it took (`observe` over `durationBuckets`). */
  readonly durations: ReadonlyMap<number, Float64Array>;
}

/**
 * Health is passive: the first failure starts probes (`. NS`), and any DNS answer to one, SERVFAIL and REFUSED too, ends them.
 * Lines are replaced after a while, so that ports change and dead connections go.
 */
export class Upstream {
  /** `address:port`. */
  readonly name: string;
  readonly #options: UpstreamOptions;
  readonly #logger: Logger;
  /** In the order of their birth. */
  readonly #lines: Record<'udp' | 'tcp', Line[]> = { udp: [], tcp: [] };
  #fails = 0;
  #probing: NodeJS.Timeout | undefined;
  #isClosed = false;
  readonly #counts = {
    probeFailures: 0,
    lineHits: { udp: 0, tcp: 0 },
    lineMisses: { udp: 0, tcp: 0 },
    durations: new Map<number, Float64Array>(),
  };

  constructor(options: UpstreamOptions, { logger }: { readonly logger: Logger }) {
    this.#options = options;
    this.name = formatHostPort(options.to.address, options.to.port);
    this.#logger = logger.child({ upstream: this.name });
  }

  get counts(): UpstreamCounts {
    return this.#counts;
  }

  get isDown(): boolean {
    const maxFails = this.#options.maxFails ?? 2;
    return maxFails > 0 && this.#fails > maxFails;
  }

  /** Asks. Rejects with `UpstreamError`; that counts against its health. */
  ask(query: Message, isTcp: boolean, timeoutMs: number): Promise<Message> {
    if (this.#isClosed) return Promise.reject(new UpstreamError('forwarder is closed', { code: 'closed' }));
    const startedMs = performance.now();
    return this.#line(isTcp)
      .ask(query, timeoutMs)
      .then(
        (answer) => {
          this.#fails = 0;
          this.#took(answer.rcode, (performance.now() - startedMs) / 1000);
          return answer;
        },
        (error: unknown) => {
          this.#failed(error);
          throw error;
        },
      );
  }

  /** Whether this very query is on its way there: then it is our own, come back to us. */
  isAsking(query: Message): boolean {
    return [...this.#lines.udp, ...this.#lines.tcp].some(({ line }) => line.isAsking(query));
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#probing);
    for (const { line } of [...this.#lines.udp, ...this.#lines.tcp]) line.close();
  }

  #line(isTcp: boolean): UpstreamLine {
    const kind = isTcp ? 'tcp' : 'udp';
    const nowMs = performance.now();
    const lines = this.#lines[kind];
    const lineAgeMs = this.#options.lineAgeMs ?? 10_000;
    let kept = 0;
    let young = 0;
    let idle: UpstreamLine | undefined;
    for (const entry of lines) {
      const { line } = entry;
      const isYoung = nowMs - entry.bornMs <= lineAgeMs;
      if (!line.isOpen || (!isYoung && line.pending === 0)) {
        line.close();
        continue;
      }
      // Old lines that still wait for answers stay in the list, before all young ones, but get no more queries.
      lines[kept++] = entry;
      if (!isYoung) continue;
      young++;
      if (line.pending === 0) idle ??= line;
    }
    lines.length = kept;
    if (young >= maxLines) idle ??= lines[kept - young + (this.#options.randomId() % young)]?.line;
    this.#counts[idle === undefined ? 'lineMisses' : 'lineHits'][kind]++;
    if (idle !== undefined) return idle;
    const line = (isTcp ? openTcpLine : openUdpLine)(this.#options.to, this.#options.randomId);
    lines.push({ line, bornMs: nowMs });
    return line;
  }

  #took(rcode: number, seconds: number): void {
    let row = this.#counts.durations.get(rcode);
    if (row === undefined) this.#counts.durations.set(rcode, (row = new Float64Array(histogramRow(durationBuckets))));
    observe(row, 0, durationBuckets, seconds, 1);
  }

  #failed(error: unknown): void {
    const wasDown = this.isDown;
    this.#fails++;
    if (!wasDown && this.isDown) this.#logger.warn({ problem: messageOf(error) }, 'upstream is down');
    if (this.#probing === undefined && !this.#isClosed) this.#scheduleProbe();
  }

  #scheduleProbe(): void {
    this.#probing = setTimeout(() => void this.#probe(), this.#options.probeEveryMs ?? 500);
    this.#probing.unref();
  }

  async #probe(): Promise<void> {
    const root = queryMessage(0, '\0', 2, headerFlags.RD);
    const wasDown = this.isDown;
    try {
      await this.#line(false).ask({ ...root, questions: [{ name: '\0', type: 2, class: classIn }] }, probeTimeoutMs);
      this.#fails = 0;
      this.#probing = undefined;
      if (wasDown) this.#logger.info({}, 'upstream is up again');
    } catch (error) {
      this.#fails++;
      this.#counts.probeFailures++;
      this.#logger.debug({ problem: messageOf(error) }, 'upstream probe failed');
      if (!this.#isClosed) this.#scheduleProbe();
    }
  }
}

interface Line {
  readonly line: UpstreamLine;
  readonly bornMs: number;
}

/** UDP sockets and TCP connections to one server: several ports make answers hard to forge. */
const maxLines = 8;
const probeTimeoutMs = 1_000;
