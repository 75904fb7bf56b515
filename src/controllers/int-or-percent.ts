/** Values like `2` or `25%` of something. Pure. */

/** The number meant: a percentage is taken of `total` and rounded as said. Undefined means 0; nonsense, which validation refuses, too. */
export function scaledValue(value: number | string | undefined, total: number, rounding: 'up' | 'down'): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value ?? '')?.[1];
  if (percent === undefined) return 0;
  const exact = (Number(percent) * total) / 100;
  return rounding === 'up' ? Math.ceil(exact) : Math.floor(exact);
}
