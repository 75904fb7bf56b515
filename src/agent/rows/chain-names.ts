/** The chains that others lead to by name: the constant ones, and those that are made on demand. Pure. */

export const rejectNoEndpoint = 'reject-no-endpoint';
export const dropNoLocalEndpoint = 'drop-no-local-endpoint';

/** How the source of an external connection is treated: the chains, and what stands for each in `sources` and `sources-nodeports`. */
export const sourceNumbers = { 'source-cluster': 1, 'source-local': 2 } as const;
export type SourceChain = keyof typeof sourceNumbers;

/** Whose endpoints a chain looks up. */
export interface ListKind {
  /** For node ports: the frontend's address counts as all-zero. */
  readonly isNodePort: boolean;
  readonly isOutside: boolean;
}

/** A chain that draws one of so many endpoints: made on first use, deleted with the last frontend that leads there. */
export interface PickChain extends ListKind {
  readonly count: number;
  /** Present: with affinity. */
  readonly timeoutSeconds?: number;
}

/**
 * Affinity whatever the number of endpoints: `renew` leads a client to the endpoint that it is pinned to, if that is alive; `pin` pins it
 * to the one that was drawn. Made with the first sticky chain of the same timeout.
 */
export interface StickyPart extends ListKind {
  readonly step: 'renew' | 'pin';
  readonly timeoutSeconds: number;
}

/** The list kinds that there are. */
export const listKinds: readonly ListKind[] = [false, true].flatMap((isNodePort) =>
  [false, true].map((isOutside) => ({ isNodePort, isOutside })),
);

/** `[node-](pick|sticky)-[outside-]N[-T]`. */
export function pickChainName({ isNodePort, isOutside, count, timeoutSeconds }: PickChain): string {
  const scope = isOutside ? 'outside-' : '';
  const kind = timeoutSeconds === undefined ? `pick-${scope}${count}` : `sticky-${scope}${count}-${timeoutSeconds}`;
  return isNodePort ? `node-${kind}` : kind;
}

/** The inverse; undefined for any other chain. */
export function parsePickChain(name: string): PickChain | undefined {
  const match = /^(node-)?(?:pick-(outside-)?([1-9]\d*)|sticky-(outside-)?([1-9]\d*)-([1-9]\d*))$/.exec(name);
  if (match === null) return undefined;
  const [, node, pickScope, pickCount, stickyScope, stickyCount, timeout] = match;
  return {
    isNodePort: node !== undefined,
    isOutside: pickScope !== undefined || stickyScope !== undefined,
    count: Number(pickCount ?? stickyCount),
    ...(timeout === undefined ? {} : { timeoutSeconds: Number(timeout) }),
  };
}

/** `[node-]pick[-outside]`: the constant chain that leads to the endpoint that was drawn. */
export function endpointChainName({ isNodePort, isOutside }: ListKind): string {
  return `${isNodePort ? 'node-' : ''}pick${isOutside ? '-outside' : ''}`;
}

/** `[node-]renew-T` or `[node-]pin-[outside-]T`. */
export function stickyPartName({ step, isNodePort, isOutside, timeoutSeconds }: StickyPart): string {
  return `${isNodePort ? 'node-' : ''}${step}-${isOutside ? 'outside-' : ''}${timeoutSeconds}`;
}

/** The inverse; undefined for any other chain. */
export function parseStickyPart(name: string): StickyPart | undefined {
  const match = /^(node-)?(?:(renew)|pin)-(outside-)?([1-9]\d*)$/.exec(name);
  if (match === null) return undefined;
  const [, node, renew, outside, timeout] = match;
  return {
    step: renew === undefined ? 'pin' : 'renew',
    isNodePort: node !== undefined,
    isOutside: outside !== undefined,
    timeoutSeconds: Number(timeout),
  };
}

/** The steps of a sticky chain; a pin means the same to clients of both scopes, so they renew it alike. */
export function stickyParts({ isNodePort, isOutside }: ListKind, timeoutSeconds: number): { renew: string; pin: string } {
  return {
    renew: stickyPartName({ step: 'renew', isNodePort, isOutside: false, timeoutSeconds }),
    pin: stickyPartName({ step: 'pin', isNodePort, isOutside, timeoutSeconds }),
  };
}

/** The chains made on demand that a chain leads to. */
export function partsOf(chain: string): readonly string[] {
  const pick = parsePickChain(chain);
  if (pick?.timeoutSeconds === undefined) return [];
  const { renew, pin } = stickyParts(pick, pick.timeoutSeconds);
  return [renew, pin];
}

/** Whether it is made on first use and deleted with its last one. */
export function isMadeOnDemand(chain: string): boolean {
  return parsePickChain(chain) !== undefined || parseStickyPart(chain) !== undefined;
}
