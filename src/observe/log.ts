/** Logging: one JSON line per event, constant message, facts as fields. */

/** What every room logs through. `error`: an operator must act; `warn`: may become so; `info`: sparse state changes; `debug`: per-object work. */
export interface Logger {
  error(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  info(facts: object, message: string): void;
  debug(facts: object, message: string): void;
  /** A logger that adds these facts to every line. */
  child(facts: object): Logger;
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'silent';

/** A logger that writes JSON lines to standard error, synchronously (safe in Workers and at exit). */
export function createLogger(level: LogLevel = 'info', name = 'fairlead'): Logger {
  // loaded here, because most commands answer and end without a line of log, and a browser has no such module
  const { createRequire } = process.getBuiltinModule('node:module');
  const { pino } = createRequire(import.meta.url)('pino') as typeof import('pino');
  return pino({ name, level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ dest: 2, sync: true }));
}

/** A logger that keeps nothing. */
export const silentLogger: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  child: () => silentLogger,
};
