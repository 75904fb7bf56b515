/** Prometheus' text format 0.0.4. */

/** A page of the text format. */
export class MetricsPage {
  readonly #lines: string[] = [];

  family(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): void {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  }

  sample(name: string, labels: Readonly<Record<string, string>>, value: number): void {
    const text = Object.entries(labels)
      .map(
        ([label, value]) =>
          `${label}="${value.replaceAll(/["\\\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))}"`,
      )
      .join(',');
    this.#lines.push(`${name}${text === '' ? '' : `{${text}}`} ${value}`);
  }

  histogram(
    name: string,
    labels: Readonly<Record<string, string>>,
    data: Float64Array,
    at: number,
    buckets: readonly number[],
  ): void {
    let below = 0;
    for (const [index, bound] of [...buckets, Number.POSITIVE_INFINITY].entries()) {
      below += data[at + index] ?? 0;
      this.sample(`${name}_bucket`, { ...labels, le: bound === Number.POSITIVE_INFINITY ? '+Inf' : String(bound) }, below);
    }
    this.sample(`${name}_sum`, labels, data[at + buckets.length + 1] ?? 0);
    this.sample(`${name}_count`, labels, data[at + buckets.length + 2] ?? 0);
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}
