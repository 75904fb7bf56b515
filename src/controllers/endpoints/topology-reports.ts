/** Tells a Service what came of topology-mode Auto: once, and again when it changes. */
import type { Service } from '../../api/index.ts';
import { keyOf } from '../../client/index.ts';
import type { EventSink } from '../../client/index.ts';
import type { TopologyOutcome } from '../../slices/index.ts';

/** Remembers what each Service was told. */
export class TopologyReports {
  readonly #events: EventSink;
  /** What was told last, by Service and family. */
  readonly #told = new Map<string, ReadonlyMap<string, TopologyOutcome>>();

  constructor(events: EventSink) {
    this.#events = events;
  }

  /** `outcomes` is empty for a Service that does not ask for it. */
  report(service: Service, outcomes: readonly TopologyOutcome[]): void {
    const key = keyOf(service);
    const before = this.#told.get(key);
    if (outcomes.length === 0) {
      this.#told.delete(key);
      if ([...(before?.values() ?? [])].some((outcome) => outcome.isEnabled))
        this.#tell(service, false, 'Topology Aware Hints has been disabled');
      return;
    }
    for (const outcome of outcomes) {
      const known = before?.get(outcome.family);
      if (known?.message !== outcome.message) this.#tell(service, outcome.isEnabled, outcome.message);
    }
    this.#told.set(key, new Map(outcomes.map((outcome) => [outcome.family, outcome])));
  }

  /** The Service is gone. */
  forget(key: string): void {
    this.#told.delete(key);
  }

  #tell(service: Service, isEnabled: boolean, message: string): void {
    const reason = isEnabled ? 'TopologyAwareHintsEnabled' : 'TopologyAwareHintsDisabled';
    this.#events.event(service, isEnabled ? 'Normal' : 'Warning', reason, message);
  }
}
