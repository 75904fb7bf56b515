/** The names that addresses point back to. Several Services may claim one address; a cluster IP beats endpoints. Pure. */
import type { NameTable } from './name-table.ts';
import type { ReverseName } from './service-records.ts';
import { reverseNameOf } from './wire-name.ts';

/** Keeps a reverse table in step with what Services claim. The claims stand in the table itself, also those that are beaten. */
export class ReverseIndex {
  readonly #table: NameTable;

  readonly #hostnamesOnly: boolean;

  /** `table`: names below `arpa`, relative to it. `hostnamesOnly`: names by hostname displace generated ones. */
  constructor(table: NameTable, hostnamesOnly = false) {
    this.#table = table;
    this.#hostnamesOnly = hostnamesOnly;
  }

  /** The claims on one address. */
  at(address: string): readonly ReverseName[] {
    return this.#table
      .pointers(reverseNameOf(address))
      .map(({ target, rank }) => ({ address, target, kind: kinds[rank] ?? 'generated' }));
  }

  /** Replaces what one Service claimed by what it claims now. Returns whether anything changed. */
  replace(before: readonly ReverseName[], now: readonly ReverseName[]): boolean {
    const gone = new Map(before.map((claim) => [idOf(claim), claim]));
    /** What comes to each address that something comes to or goes from. */
    const fresh = new Map<string, ReverseName[]>();
    for (const claim of now) {
      if (gone.delete(idOf(claim))) continue;
      const own = fresh.get(claim.address);
      if (own === undefined) fresh.set(claim.address, [claim]);
      else own.push(claim);
    }
    for (const { address } of gone.values()) if (!fresh.has(address)) fresh.set(address, []);
    for (const [address, claims] of fresh) {
      const kept = this.at(address).filter((claim) => !gone.has(idOf(claim)));
      this.#publish(address, [...kept, ...claims]);
    }
    return fresh.size > 0;
  }

  /** A cluster IP points to its Service alone; any other address to every endpoint name, those with a hostname first. */
  #publish(address: string, claims: readonly ReverseName[]): void {
    const key = reverseNameOf(address);
    if (claims.length === 0) {
      this.#table.remove(key);
      return;
    }
    const cells = claims.toSorted(compareNames).map(({ target, kind }) => ({ target, rank: kinds.indexOf(kind) }));
    this.#table.putPointers(key, cells, this.#visibleOf(cells.map(({ rank }) => rank)));
  }

  /** How many of the claims, in order, are records. */
  #visibleOf(ranks: readonly number[]): number {
    if (ranks[0] === 0) return 1;
    const named = this.#hostnamesOnly ? ranks.filter((rank) => rank === 1).length : 0;
    return named > 0 ? named : ranks.length;
  }
}

/** The less, the earlier in an answer. */
const kinds = ['cluster-ip', 'hostname', 'generated'] as const;

function idOf({ kind, address, target }: ReverseName): string {
  return `${kind} ${address} ${target}`;
}

/** A total order, so that the answer does not depend on who came first: cluster IPs, then endpoints with a hostname, then the others, by name. */
function compareNames(a: ReverseName, b: ReverseName): number {
  const rank = kinds.indexOf(a.kind) - kinds.indexOf(b.kind);
  return rank !== 0 ? rank : a.target < b.target ? -1 : Number(a.target > b.target);
}
