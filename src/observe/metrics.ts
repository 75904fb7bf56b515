/**
 * Metrics in Prometheus' text format 0.0.4. Values are slots of typed arrays: counting allocates nothing once a series is known.
 * What others keep (the kernel's counters) is collected when somebody asks.
 */

/** Label values in the order of the family's label names. */
export type LabelValues = readonly string[];

/** Only rises; name ends in `_total`. */
export interface Counter {
  add(by?: number, ...labels: LabelValues): void;
  value(...labels: LabelValues): number;
}

export interface Gauge {
  set(value: number, ...labels: LabelValues): void;
  value(...labels: LabelValues): number;
  /** Forgets all series: for families that are filled anew at each scrape. */
  clear(): void;
}

export interface Histogram {
  observe(value: number, ...labels: LabelValues): void;
}

/** What a family of metrics is. */
export interface FamilyOptions {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

/** A set of metrics with its text. */
export class MetricsRegistry {
  readonly #families = new Map<string, Family>();
  readonly #collectors: (() => void)[] = [];

  /** Throws `TypeError` for a name that is taken or not a metric's name, here as in the other makers. */
  counter(options: FamilyOptions): Counter {
    if (!options.name.endsWith('_total')) throw new TypeError(`the name of a counter ends in _total: ${options.name}`);
    return this.#add(new ScalarFamily(options, 'counter'));
  }

  gauge(options: FamilyOptions): Gauge {
    return this.#add(new ScalarFamily(options, 'gauge'));
  }

  /** A counter that somebody else keeps: `set` from a collector. */
  collectedCounter(options: FamilyOptions): Gauge {
    return this.#add(new ScalarFamily(options, 'counter'));
  }

  /** A value whose name and kind are at odds, for the sake of compatibility. */
  untyped(options: FamilyOptions): Gauge {
    return this.#add(new ScalarFamily(options, 'untyped'));
  }

  /** `buckets`: upper bounds, rising, without infinity. */
  histogram(options: FamilyOptions & { readonly buckets: readonly number[] }): Histogram {
    return this.#add(new HistogramFamily(options));
  }

  /** Called before each rendering, to fetch values that are kept elsewhere. What it throws, `render` throws. */
  onCollect(collect: () => void): void {
    this.#collectors.push(collect);
  }

  /** All families in the order of their making. Content type: `metricsContentType`. */
  render(): string {
    for (const collect of this.#collectors) collect();
    const lines: string[] = [];
    for (const family of this.#families.values()) family.render(lines);
    return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  }

  #add<F extends Family>(family: F): F {
    const { name, labels } = family;
    if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) throw new TypeError(`not a metric's name: ${name}`);
    for (const label of labels) if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label)) throw new TypeError(`not a label's name: ${label}`);
    if (this.#families.has(name)) throw new TypeError(`two metrics of one name: ${name}`);
    this.#families.set(name, family);
    return family;
  }
}

export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8';

/** `count` bounds from `start`, each `factor` times the one before. */
export function exponentialBuckets(start: number, factor: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => start * factor ** index);
}

/** `count` bounds from `start`, each `width` above the one before. */
export function linearBuckets(start: number, width: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => start + width * index);
}

/** Series of one family: label values to a place in an array that grows by doubling. */
abstract class Family {
  readonly name: string;
  readonly labels: readonly string[];
  readonly #help: string;
  readonly #type: string;
  /** Slots that one series takes. */
  readonly #width: number;
  readonly #places = new Map<string, number>();
  readonly #labelTexts: string[] = [];
  protected slots: Float64Array;

  constructor({ name, help, labels = [] }: FamilyOptions, type: string, width: number) {
    this.name = name;
    this.labels = labels;
    this.#help = help;
    this.#type = type;
    this.#width = width;
    this.slots = new Float64Array(width);
  }

  render(lines: string[]): void {
    lines.push(`# HELP ${this.name} ${escapeHelp(this.#help)}`, `# TYPE ${this.name} ${this.#type}`);
    for (const [index, text] of this.#labelTexts.entries()) this.renderSeries(lines, text, index * this.#width);
  }

  protected abstract renderSeries(lines: string[], labelText: string, place: number): void;

  protected forget(): void {
    this.#places.clear();
    this.#labelTexts.length = 0;
    this.slots.fill(0);
  }

  /** First slot of a series, made when it is new. */
  protected placeOf(values: LabelValues): number {
    const key = values.length === 0 ? '' : values.length === 1 ? (values[0] ?? '') : values.join('\u0000');
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    if (values.length !== this.labels.length)
      throw new TypeError(`${this.name} has the labels [${this.labels.join(', ')}], not ${values.length} of them`);
    const place = this.#labelTexts.length * this.#width;
    this.#places.set(key, place);
    this.#labelTexts.push(this.labels.map((label, index) => `${label}="${escapeValue(values[index] ?? '')}"`).join(','));
    if (place + this.#width > this.slots.length) {
      const larger = new Float64Array(Math.max(this.slots.length * 2, place + this.#width));
      larger.set(this.slots);
      this.slots = larger;
    }
    return place;
  }
}

class ScalarFamily extends Family implements Counter, Gauge {
  constructor(options: FamilyOptions, type: 'counter' | 'gauge' | 'untyped') {
    super(options, type, 1);
    // A family without labels has one series, and it is there from the start.
    if (this.labels.length === 0) this.placeOf([]);
  }

  add(by = 1, ...labels: LabelValues): void {
    const place = this.placeOf(labels);
    this.slots[place] = (this.slots[place] ?? 0) + by;
  }

  set(value: number, ...labels: LabelValues): void {
    const place = this.placeOf(labels);
    this.slots[place] = value;
  }

  value(...labels: LabelValues): number {
    return this.slots[this.placeOf(labels)] ?? 0;
  }

  clear(): void {
    this.forget();
  }

  protected renderSeries(lines: string[], labelText: string, place: number): void {
    lines.push(`${this.name}${braces(labelText)} ${numberText(this.slots[place] ?? 0)}`);
  }
}

/** Slots of a series: one count for each bucket and infinity (not cumulative), then the sum. */
class HistogramFamily extends Family implements Histogram {
  readonly #buckets: readonly number[];

  constructor(options: FamilyOptions & { readonly buckets: readonly number[] }) {
    super(options, 'histogram', options.buckets.length + 2);
    this.#buckets = options.buckets;
    if (this.labels.length === 0) this.placeOf([]);
  }

  observe(value: number, ...labels: LabelValues): void {
    const place = this.placeOf(labels);
    let bucket = 0;
    while (bucket < this.#buckets.length && value > (this.#buckets[bucket] ?? Infinity)) bucket++;
    const sum = place + this.#buckets.length + 1;
    this.slots[place + bucket] = (this.slots[place + bucket] ?? 0) + 1;
    this.slots[sum] = (this.slots[sum] ?? 0) + value;
  }

  protected renderSeries(lines: string[], labelText: string, place: number): void {
    const comma = labelText === '' ? '' : ',';
    let count = 0;
    for (const [index, bound] of [...this.#buckets, Infinity].entries()) {
      count += this.slots[place + index] ?? 0;
      lines.push(`${this.name}_bucket{${labelText}${comma}le="${numberText(bound)}"} ${count}`);
    }
    lines.push(
      `${this.name}_sum${braces(labelText)} ${numberText(this.slots[place + this.#buckets.length + 1] ?? 0)}`,
      `${this.name}_count${braces(labelText)} ${count}`,
    );
  }
}

function braces(labelText: string): string {
  return labelText === '' ? '' : `{${labelText}}`;
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

function escapeValue(text: string): string {
  return text.replaceAll(/["\\\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}

function escapeHelp(text: string): string {
  return text.replaceAll(/[\\\n]/g, (character) => (character === '\n' ? '\\n' : '\\\\'));
}
