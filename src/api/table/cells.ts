/** What rows are made of, and the texts that several kinds share. */
import type { PodSpec } from '../kinds/index.ts';

export type Cell = string | number | boolean;

/** Makes the cells of a row, in the order of the resource's columns. `now` is what ages are counted to. */
export type RowMaker<T> = (object: T, now: Date) => readonly Cell[];

export const none = '<none>';
export const unknownCell = '<unknown>';
export const unset = '<unset>';

/** The text, or `<none>` when there is none. */
export function orNone(text: string | undefined): string {
  return text === undefined || text === '' ? none : text;
}

/** The items with commas between them, or `<none>`. */
export function joined(items: readonly string[] | undefined): string {
  return orNone(items?.join(','));
}

/** `a=b,c=d` in order of the keys, or `<none>`. */
export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return orNone(pairs.toSorted().join(','));
}

/** The first `shown` items, and how many more there are. */
export function truncated(items: readonly string[], shown: number, separator = ','): string {
  const head = items.slice(0, shown).join(separator);
  return items.length > shown ? `${head} + ${items.length - shown} more...` : head;
}

/** Names and images of the containers: the two wide columns of every workload. */
export function containerCells(spec: PodSpec | undefined): readonly [names: string, images: string] {
  const containers = spec?.containers ?? [];
  return [containers.map(({ name }) => name).join(','), containers.map(({ image }) => image ?? '').join(',')];
}
