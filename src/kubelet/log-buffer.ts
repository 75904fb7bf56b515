/** A container's log: the last bytes of its output, line by line with their times, in memory only. */

/** Which lines of a log, as `kubectl logs` asks. */
export interface LogQuery {
  readonly timestamps?: boolean | undefined;
  readonly tailLines?: number | undefined;
  readonly limitBytes?: number | undefined;
  /** Lines from this moment on, in ms since 1970. */
  readonly sinceMs?: number | undefined;
}

interface LogLine {
  readonly timeMs: number;
  readonly bytes: Uint8Array;
}

const newline = 0x0a;

/** Keeps whole lines up to `maxBytes`, dropping the oldest. A line without its end counts when the stream ends. */
export class LogBuffer {
  readonly #maxBytes: number;
  readonly #now: () => number;
  #lines: LogLine[] = [];
  /** Lines before this index are dropped; the array is cut now and then, because cutting each time costs its whole length. */
  #first = 0;
  readonly #partial = new Map<string, Uint8Array>();
  readonly #followers = new Set<(line: LogLine | undefined) => void>();
  #sizeBytes = 0;
  #isEnded = false;

  constructor(options: { readonly maxBytes?: number; readonly now?: () => number } = {}) {
    this.#maxBytes = options.maxBytes ?? 1024 * 1024;
    this.#now = options.now ?? Date.now;
  }

  /** Adds output of one stream (`stdout`, `stderr`); lines of different streams do not mix. */
  write(stream: string, chunk: Uint8Array): void {
    let rest = chunk;
    for (let at = rest.indexOf(newline); at >= 0; at = rest.indexOf(newline)) {
      this.#push(this.#joinPartial(stream, rest.subarray(0, at + 1)));
      rest = rest.subarray(at + 1);
    }
    if (rest.length > 0) {
      const joined = this.#joinPartial(stream, rest);
      if (joined.length >= 16_384) this.#push(joined);
      else this.#partial.set(stream, joined);
    }
  }

  /** Adds one line of text. */
  writeLine(text: string): void {
    this.write('stdout', new TextEncoder().encode(`${text}\n`));
  }

  /** No more output: followers end. */
  end(): void {
    for (const stream of this.#partial.keys()) this.#push(this.#joinPartial(stream, new Uint8Array(0)));
    this.#isEnded = true;
    for (const follower of this.#followers) follower(undefined);
    this.#followers.clear();
  }

  /** The last bytes as text, for termination messages. */
  tail(maxLines: number, maxBytes: number): string {
    const text = this.#lines
      .slice(this.#first)
      .slice(-maxLines)
      .map((line) => new TextDecoder().decode(line.bytes))
      .join('');
    return text.slice(-maxBytes);
  }

  /** All that is kept, with what has no end yet, such as a prompt. */
  everything(): Uint8Array {
    return concat([...this.#lines.slice(this.#first).map(({ bytes }) => bytes), ...this.#partial.values()]);
  }

  /** The chosen lines as `kubectl logs` prints them. */
  read(query: LogQuery): Uint8Array {
    const chosen = this.#choose(query).map((line) => render(line, query));
    return limit(concat(chosen), query.limitBytes);
  }

  /**
   * The chosen lines, then each new one until the log ends or `signal` aborts; lines that are there already come in one piece.
   * Waits for the reader, and keeps no more for a slow one than the log itself keeps.
   */
  async *follow(query: LogQuery, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    let queue: LogLine[] = [...this.#choose(query)];
    let queuedBytes = 0;
    let hasEnded = this.#isEnded;
    let wake = (): void => undefined;
    const follower = (line: LogLine | undefined): void => {
      if (line === undefined) hasEnded = true;
      else {
        queue.push(line);
        queuedBytes += line.bytes.length;
        // a reader that is slower than the container misses what the log itself has dropped by now
        if (queuedBytes > 2 * this.#maxBytes) {
          queue = this.#lines.slice(this.#first);
          queuedBytes = this.#sizeBytes;
        }
      }
      wake();
    };
    if (!hasEnded) this.#followers.add(follower);
    const onAbort = (): void => wake();
    signal.addEventListener('abort', onAbort);
    let left = query.limitBytes ?? Infinity;
    try {
      while (!signal.aborted && left > 0) {
        if (queue.length === 0) {
          if (hasEnded) return;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        const lines = queue;
        queue = [];
        queuedBytes = 0;
        const bytes = limit(concat(lines.map((line) => render(line, query))), left);
        left -= bytes.length;
        yield bytes;
      }
    } finally {
      this.#followers.delete(follower);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #choose(query: LogQuery): readonly LogLine[] {
    const since = query.sinceMs;
    const kept = this.#lines.slice(this.#first);
    const lines = since === undefined ? kept : kept.filter((line) => line.timeMs >= since);
    return query.tailLines === undefined ? lines : lines.slice(Math.max(0, lines.length - query.tailLines));
  }

  #joinPartial(stream: string, bytes: Uint8Array): Uint8Array {
    const before = this.#partial.get(stream);
    this.#partial.delete(stream);
    return before === undefined ? bytes.slice() : concat([before, bytes]);
  }

  #push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const line = { timeMs: this.#now(), bytes };
    this.#lines.push(line);
    this.#sizeBytes += bytes.length;
    while (this.#sizeBytes > this.#maxBytes && this.#lines.length - this.#first > 1)
      this.#sizeBytes -= this.#lines[this.#first++]?.bytes.length ?? 0;
    if (this.#first > 1000 && this.#first * 2 > this.#lines.length) {
      this.#lines = this.#lines.slice(this.#first);
      this.#first = 0;
    }
    for (const follower of this.#followers) follower(line);
  }
}

function render(line: LogLine, query: LogQuery): Uint8Array {
  if (query.timestamps !== true) return line.bytes;
  return concat([new TextEncoder().encode(`${new Date(line.timeMs).toISOString()} `), line.bytes]);
}

function limit(bytes: Uint8Array, limitBytes: number | undefined): Uint8Array {
  return limitBytes === undefined || bytes.length <= limitBytes ? bytes : bytes.subarray(0, limitBytes);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
