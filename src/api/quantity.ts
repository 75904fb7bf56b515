/**
 * Quantities: `500m`, `1Gi`, `2e3`. Parsing, the canonical text that Kubernetes stores, and numbers to reckon with
 * (k8s apimachinery/pkg/api/resource). Held in billionths, rounded up, as upstream does.
 */

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** A parsed quantity. `nanos` is the value in billionths. */
export interface Quantity {
  readonly nanos: bigint;
  readonly format: QuantityFormat;
}

export const quantityMessage = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/** Parses a quantity; a number is read as its decimal text. Undefined when it is not one. */
export function parseQuantity(value: string | number): Quantity | undefined {
  const match = /^([+-]?)([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(.*)$/.exec(String(value));
  if (match === null) return undefined;
  const [, sign = '', digits = '', suffix = ''] = match;
  const scale = scaleOf(suffix);
  if (scale === undefined) return undefined;
  const [whole = '', fraction = ''] = digits.split('.');
  const mantissa = BigInt(`${whole}${fraction}`);
  const magnitude = scaleMantissa(mantissa, scale, fraction.length);
  const limited = magnitude > maxNanos ? maxNanos : magnitude;
  return { nanos: sign === '-' ? -limited : limited, format: scale.format };
}

/** The canonical text: `0.5` becomes `500m`, `1024Mi` becomes `1Gi`. The text itself when it is no quantity. */
export function canonicalQuantity(value: string | number): string {
  const quantity = parseQuantity(value);
  return quantity === undefined ? String(value) : formatQuantity(quantity);
}

/** The canonical text of a quantity in its own format. */
export function formatQuantity({ nanos, format }: Quantity): string {
  if (nanos === 0n) return '0';
  const sign = nanos < 0n ? '-' : '';
  const magnitude = nanos < 0n ? -nanos : nanos;
  if (format === 'BinarySI' && magnitude >= 1024n * billion) {
    let rest = divideUp(magnitude, billion);
    let power = 0;
    while (power < binarySuffixes.length - 1 && rest % 1024n === 0n) {
      rest /= 1024n;
      power++;
    }
    return `${sign}${rest}${binarySuffixes[power] ?? ''}`;
  }
  let rest = magnitude;
  let exponent = -9;
  while (exponent < 18 && rest % 1000n === 0n) {
    rest /= 1000n;
    exponent += 3;
  }
  if (format === 'DecimalExponent') return exponent === 0 ? `${sign}${rest}` : `${sign}${rest}e${exponent}`;
  return `${sign}${rest}${decimalSuffixes[exponent] ?? ''}`;
}

/** The value as a number, rounded as doubles are; 0 when absent or malformed. For sums and comparisons of resources. */
export function quantityToNumber(value: string | number | undefined): number {
  const quantity = value === undefined ? undefined : parseQuantity(value);
  return quantity === undefined ? 0 : Number(quantity.nanos) / 1e9;
}

interface Scale {
  readonly format: QuantityFormat;
  readonly base: 2n | 10n;
  readonly exponent: number;
}

const billion = 1_000_000_000n;
/** 2^63-1 whole units: larger amounts are capped, as upstream caps them. */
const maxNanos = ((1n << 63n) - 1n) * billion;

const binarySuffixes: readonly string[] = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const decimalSuffixes: Readonly<Record<number, string>> = {
  [-9]: 'n',
  [-6]: 'u',
  [-3]: 'm',
  0: '',
  3: 'k',
  6: 'M',
  9: 'G',
  12: 'T',
  15: 'P',
  18: 'E',
};

const scales: ReadonlyMap<string, Scale> = new Map([
  ...binarySuffixes
    .slice(1)
    .map((suffix, index): [string, Scale] => [suffix, { format: 'BinarySI', base: 2n, exponent: 10 * (index + 1) }]),
  ...Object.entries(decimalSuffixes).map(([exponent, suffix]): [string, Scale] => [
    suffix,
    { format: 'DecimalSI', base: 10n, exponent: Number(exponent) },
  ]),
]);

function scaleOf(suffix: string): Scale | undefined {
  const known = scales.get(suffix);
  if (known !== undefined) return known;
  const match = /^[eE]([-+]?[0-9]{1,3})$/.exec(suffix);
  return match === null ? undefined : { format: 'DecimalExponent', base: 10n, exponent: Number(match[1]) };
}

/** mantissa / 10^fractionDigits * base^exponent, in billionths, rounded up. */
function scaleMantissa(mantissa: bigint, { base, exponent }: Scale, fractionDigits: number): bigint {
  let numerator = mantissa * billion;
  let denominator = 10n ** BigInt(fractionDigits);
  if (exponent >= 0) numerator *= base ** BigInt(exponent);
  else denominator *= base ** BigInt(-exponent);
  return divideUp(numerator, denominator);
}

function divideUp(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}
