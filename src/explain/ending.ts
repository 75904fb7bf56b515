/** The parts that every answer has. */
import type { Explanation, Outcome, Step } from './explanation.ts';

/** What is known before anything is looked up. */
export type Base = Pick<Explanation, 'target' | 'from' | 'assumptions'> & { readonly node?: string };

/** An answer without endpoints, but for what `more` adds. */
export function ending(
  base: Base,
  outcome: Outcome,
  summary: string,
  steps: readonly Step[],
  more: Partial<Explanation> = {},
): Explanation {
  const { target, from, node, assumptions } = base;
  return {
    target,
    from,
    ...(node === undefined ? {} : { node }),
    outcome,
    summary,
    steps,
    candidates: [],
    excluded: [],
    findings: [],
    assumptions,
    ...more,
  };
}
