/** The base of every error that the program expects to meet. */

/** What every coded error carries: a stable code and the facts of the case. */
export interface ErrorFacts {
  readonly code: string;
}

/**
 * An error with a stable code and its facts as fields, so that callers switch on `facts.code` and logs get fields, not
 * prose. Each room lists its own codes as a union: `class NetlinkError extends CodedError<NetlinkFacts>`.
 */
export class CodedError<F extends ErrorFacts = ErrorFacts> extends Error {
  readonly facts: F;

  constructor(message: string, facts: F, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.facts = facts;
  }

  get code(): F['code'] {
    return this.facts.code;
  }
}

/** Whether an error has one of these codes: those of Node and of the system (`ENOENT`), and our own. */
export function hasCode(error: unknown, ...codes: readonly string[]): error is Error {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** The text of anything thrown, for a log line or a message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
