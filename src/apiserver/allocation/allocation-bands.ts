/**
 * The two bands of a range: explicit requests may take any value, automatic allocation starts above a static band at the
 * bottom and enters it only when the rest is full, so that people can pick low values in peace (KEP-3070, KEP-3668).
 */

/** Size of the static band of an address range. `size` counts every address of the prefix (a /24: 256). */
export function staticAddressBand(size: bigint): bigint {
  return band(size, 16n, 256n);
}

/** Size of the static band of a port range with this many ports. */
export function staticPortBand(size: number): number {
  return Number(band(BigInt(size), 32n, 128n));
}

/** The numbers from `first` to `last`, each once, from a random one on: the rest of the range, then its beginning. */
export function* walkFromRandom(first: bigint, last: bigint, random: () => number): Generator<bigint, undefined> {
  if (last < first) return undefined;
  const size = last - first + 1n;
  // All 53 bits that a random number has; a /64 is walked from one of as many places.
  const start = first + ((BigInt(Math.floor(random() * 2 ** 53)) * size) >> 53n);
  for (let value = start; value <= last; value++) yield value;
  for (let value = first; value < start; value++) yield value;
  return undefined;
}

const smallestBand = 16n;

function band(size: bigint, step: bigint, largest: bigint): bigint {
  if (size <= smallestBand) return 0n;
  const part = size / step;
  return part < smallestBand ? smallestBand : part > largest ? largest : part;
}
