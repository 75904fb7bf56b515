/**
 * What the kernel holds, as it is read: rows of endpoints become lists at once, since they are by far most of a table, and a list that
 * stays as it is costs nothing afterwards. Rows that spell no whole list (an agent was killed between two transactions, somebody
 * deleted some) stay rows, to be judged one by one. Pure.
 */
import type { IpFamily } from '../../net/index.ts';
import type { EndpointList, KnownLists } from './endpoint-list.ts';
import type { RowSet } from './layout.ts';
import { firstId, outsideOffset, rowSets } from './layout.ts';
import type { Bytes } from './row-bytes.ts';
import { addressLength, packNumber, unpackNumber } from './row-bytes.ts';

/** The maps whose rows are lists. */
export const listSets = ['endpoints', 'slots', 'pinned'] as const satisfies readonly RowSet[];
export type ListSet = (typeof listSets)[number];

/** Whether the rows of a set are lists. */
export function isListSet(set: RowSet): set is ListSet {
  return (listSets as readonly RowSet[]).includes(set);
}

/** What the rows of one frontend spell. */
export interface FoundLists extends KnownLists {
  /** Exactly the rows of these lists are there. Otherwise these are what can be kept, and the rows are among `FoundRows.rows`. */
  readonly isWhole: boolean;
}

/** The rows of a table. */
export interface FoundRows {
  /** By frontend. */
  readonly lists: ReadonlyMap<Bytes, FoundLists>;
  /** All rows that are not in whole lists. */
  readonly rows: ReadonlyMap<RowSet, ReadonlyMap<Bytes, Bytes>>;
  /** The first id that nobody has been given. */
  readonly nextId: number;
}

/** The rows of a table that has just been made. */
export function noRows(): Map<RowSet, Map<Bytes, Bytes>> {
  return new Map(rowSets.map((set) => [set, new Map()]));
}

/** What a table holds that is not there. */
export const nothingFound: FoundRows = { lists: new Map(), rows: noRows(), nextId: firstId };

/** Takes rows in any order. */
export class FoundRowsReader {
  readonly #family: IpFamily;
  readonly #frontends = new Map<Bytes, RawFrontend>();
  readonly #rows = noRows();
  #maxId = 0;

  constructor(family: IpFamily) {
    this.#family = family;
  }

  /** Rows taken of other sets than the `listSets`. */
  get rows(): FoundRows['rows'] {
    return this.#rows;
  }

  /** Takes a row of one of the `listSets`; `number` is the end of its key, an index or an id. */
  addListRow(set: ListSet, frontend: Bytes, number: number, data: Bytes): void {
    let raw = this.#frontends.get(frontend);
    if (raw === undefined) this.#frontends.set(frontend, (raw = { endpoints: new Scopes(), slots: undefined, pins: undefined }));
    if (set === 'endpoints') raw.endpoints.put(number, data);
    else if (set === 'slots') {
      const id = unpackNumber(data);
      this.#maxId = Math.max(this.#maxId, id);
      (raw.slots ??= new Scopes()).put(number, id);
    } else {
      this.#maxId = Math.max(this.#maxId, number);
      (raw.pins ??= new Map()).set(number, data);
    }
  }

  /** Ids in the slots taken. */
  *slotIds(): Generator<readonly [frontend: Bytes, id: number]> {
    for (const [frontend, { slots }] of this.#frontends) for (const [, id] of slots?.entries() ?? []) yield [frontend, id];
  }

  /** Forgets what was taken of one of the `listSets`. */
  forget(set: ListSet): void {
    for (const raw of this.#frontends.values()) {
      if (set === 'endpoints') raw.endpoints = new Scopes();
      else if (set === 'slots') raw.slots = undefined;
      else raw.pins = undefined;
    }
  }

  /** Takes a row of any other set. */
  addRow(set: Exclude<RowSet, ListSet>, key: Bytes, data: Bytes): void {
    this.#rows.get(set)?.set(key, data);
  }

  /** What all the rows say. */
  finish(): FoundRows {
    const lists = new Map<Bytes, FoundLists>();
    for (const [frontend, raw] of this.#frontends) {
      if (raw.endpoints.count === 0 && raw.slots === undefined && raw.pins === undefined) continue;
      const hasOutside = this.#hasOutside(frontend);
      const whole = wholeLists(raw, hasOutside);
      lists.set(frontend, whole ?? keepableLists(raw, hasOutside));
      if (whole === undefined) this.#keepRows(frontend, raw);
    }
    // Clients may still be pinned to ids of frontends that are gone: start far beyond those, rather than read a large map for them.
    const nextId = this.#maxId === 0 ? firstId : (this.#maxId + idGap) % 0xffff_0000;
    return { lists, rows: this.#rows, nextId: Math.max(nextId, firstId) };
  }

  /** Whether outside clients are treated differently there. */
  #hasOutside(frontend: Bytes): boolean {
    const length = addressLength(this.#family);
    const isNodePort = frontend.startsWith('\0'.repeat(length));
    return isNodePort
      ? this.#rows.get('nodeports-outside')?.has(frontend.slice(length)) === true
      : this.#rows.get('services-outside')?.has(frontend) === true;
  }

  #keepRows(frontend: Bytes, { endpoints, slots, pins }: RawFrontend): void {
    for (const [index, endpoint] of endpoints.entries()) this.#rows.get('endpoints')?.set(frontend + packNumber(index), endpoint);
    for (const [index, id] of slots?.entries() ?? []) this.#rows.get('slots')?.set(frontend + packNumber(index), packNumber(id));
    for (const [id, endpoint] of pins ?? []) this.#rows.get('pinned')?.set(frontend + packNumber(id), endpoint);
  }
}

const idGap = 2 ** 24;

/** The list rows of one frontend. */
interface RawFrontend {
  endpoints: Scopes<Bytes>;
  slots: Scopes<number> | undefined;
  pins: Map<number, Bytes> | undefined;
}

/** Values by index: those inside, those outside, and those beyond any index that we write. */
class Scopes<T> {
  readonly inside: (T | undefined)[] = [];
  outside: (T | undefined)[] | undefined;
  #beyond: Map<number, T> | undefined;
  #count = 0;

  put(index: number, value: T): void {
    this.#count++;
    if (index < outsideOffset) this.inside[index] = value;
    else if (index < 2 * outsideOffset) (this.outside ??= [])[index - outsideOffset] = value;
    else (this.#beyond ??= new Map()).set(index, value);
  }

  get count(): number {
    return this.#count;
  }

  /** No index is missing before the last one, and none is beyond. */
  get isDense(): boolean {
    return this.#beyond === undefined && this.#count === this.inside.length + (this.outside?.length ?? 0);
  }

  *entries(): Generator<[index: number, value: T]> {
    for (const [index, value] of this.inside.entries()) if (value !== undefined) yield [index, value];
    for (const [index, value] of this.outside?.entries() ?? []) if (value !== undefined) yield [outsideOffset + index, value];
    yield* this.#beyond ?? [];
  }
}

/** The lists when there is nothing else: of one kind, without holes, every pin in exactly one slot. */
function wholeLists({ endpoints, slots, pins }: RawFrontend, hasOutside: boolean): FoundLists | undefined {
  if (!hasOutside && (endpoints.outside !== undefined || slots?.outside !== undefined)) return undefined;
  if (slots === undefined) {
    if (pins !== undefined || !endpoints.isDense) return undefined;
    const { inside, outside } = endpoints as Scopes<Bytes> & { inside: Bytes[]; outside: Bytes[] | undefined };
    return { isWhole: true, inside: { endpoints: inside }, ...(hasOutside ? { outside: { endpoints: outside ?? [] } } : {}) };
  }
  if (endpoints.count > 0 || !slots.isDense || pins?.size !== slots.count) return undefined;
  const used = new Set<number>();
  const listOf = (ids: number[]): EndpointList => ({
    endpoints: ids.map((id) => {
      used.add(id);
      return pins.get(id) ?? '';
    }),
    ids,
  });
  const { inside, outside } = slots as Scopes<number> & { inside: number[]; outside: number[] | undefined };
  const lists = { isWhole: true, inside: listOf(inside), ...(hasOutside ? { outside: listOf(outside ?? []) } : {}) };
  const isPinned = [...used].every((id) => pins.has(id));
  return isPinned && used.size === pins.size ? lists : undefined;
}

/** Of lists that are not whole, what makes sense up to the first fault. */
function keepableLists({ endpoints, slots, pins }: RawFrontend, hasOutside: boolean): FoundLists {
  const keptIds = new Set<number>();
  const keep = (plain: readonly (Bytes | undefined)[] = [], ids: readonly (number | undefined)[] = []): EndpointList => {
    const kept = new Map<Bytes, number>();
    const isSticky = ids.length > 0;
    for (let index = 0; ; index++) {
      const id = ids[index];
      const endpoint = isSticky ? (id === undefined ? undefined : pins?.get(id)) : plain[index];
      if (endpoint === undefined || kept.has(endpoint) || (id !== undefined && keptIds.has(id))) break;
      kept.set(endpoint, id ?? 0);
      if (id !== undefined) keptIds.add(id);
    }
    return isSticky ? { endpoints: [...kept.keys()], ids: [...kept.values()] } : { endpoints: [...kept.keys()] };
  };
  return {
    isWhole: false,
    inside: keep(endpoints.inside, slots?.inside),
    ...(hasOutside ? { outside: keep(endpoints.outside, slots?.outside) } : {}),
  };
}
