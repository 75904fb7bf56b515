/** The steps of a start, as they are done. On a terminal each has its time, and what is waited for shows in a line that goes again. */

/** Where progress goes; `process.stderr` is one. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Says what is done, and what is waited for. */
export class Progress {
  readonly #stream: ProgressStream;
  readonly #isQuiet: boolean;
  readonly #now: () => number;
  readonly #startMs: number;
  #hasStatus = false;

  /** `isQuiet`: only what a terminal shows; a program that reads the output of the user's command gets nothing else. */
  constructor(
    options: { readonly isQuiet: boolean },
    parts: { readonly stream?: ProgressStream; readonly now?: () => number } = {},
  ) {
    this.#isQuiet = options.isQuiet;
    this.#stream = parts.stream ?? process.stderr;
    this.#now = parts.now ?? ((): number => performance.now());
    // what came before, Node's own start among it, is part of what the user waits for
    this.#startMs = parts.now === undefined ? 0 : this.#now();
  }

  /** A step is done. */
  step(text: string): void {
    this.clear();
    if (this.#stream.isTTY === true) this.#stream.write(`  ✔ ${this.#seconds().padStart(6)}  ${text}\n`);
    else if (!this.#isQuiet) this.#stream.write(`  ${text}\n`);
  }

  /** Something that the user ought to know, whoever reads the output. */
  warning(text: string): void {
    this.clear();
    this.#stream.write(`Warning: ${text}\n`);
  }

  /** Shows what is waited for, on a terminal, until the next call. */
  waiting(missing: readonly string[]): void {
    this.clear();
    if (this.#stream.isTTY !== true || missing.length === 0) return;
    const more = missing.length > 3 ? `, and ${missing.length - 3} more` : '';
    const line = `  … ${this.#seconds().padStart(6)}  waiting for ${missing.slice(0, 3).join(', ')}${more}`;
    const { columns = 80 } = this.#stream;
    this.#stream.write(line.length < columns ? line : `${line.slice(0, columns - 2)}…`);
    this.#hasStatus = true;
  }

  /** Takes the status line away. */
  clear(): void {
    // carriage return, erase the line (ECMA-48 EL)
    if (this.#hasStatus) this.#stream.write('\r\u001b[2K');
    this.#hasStatus = false;
  }

  #seconds(): string {
    return `${((this.#now() - this.#startMs) / 1000).toFixed(2)} s`;
  }
}
