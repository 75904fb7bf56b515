/** Tells a Service, once, that another one has its frontend. */
import type { Logger } from '../observe/index.ts';
import { frontendText } from './rows/row-bytes.ts';
import type { TableState } from './rows/table-state.ts';

export class ClaimReports {
  readonly #tell: (service: string, reason: string, message: string) => void;
  readonly #logger: Logger;
  #told = new Set<string>();
  /** What the last report was made of. */
  #reported: readonly { readonly state: TableState; readonly version: number }[] = [];

  /** `tell` records an event on a Service (`namespace/name`). */
  constructor(tell: (service: string, reason: string, message: string) => void, context: { readonly logger: Logger }) {
    this.#tell = tell;
    this.#logger = context.logger;
  }

  /** A claim that is settled and lost again is told again. */
  report(states: readonly TableState[]): void {
    const isKnown = (state: TableState, at: number): boolean =>
      this.#reported[at]?.state === state && this.#reported[at].version === state.claimsVersion;
    if (states.every(isKnown)) return;
    this.#reported = states.map((state) => ({ state, version: state.claimsVersion }));
    const lost = new Set<string>();
    for (const state of states) {
      for (const { service, winner, frontend } of state.lostClaims()) {
        const text = frontendText(frontend, state.family);
        const id = `${service} ${winner} ${text}`;
        lost.add(id);
        if (this.#told.has(id)) continue;
        this.#logger.warn({ service, winner, frontend: text }, 'two Services claim one frontend');
        this.#tell(service, 'FrontendClaimed', `${text} is served for Service ${winner}, which comes first`);
      }
    }
    this.#told = lost;
  }
}
