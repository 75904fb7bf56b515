/** The names that addresses point back to. Several Services may claim one address; a cluster IP beats endpoints. Pure. */
import { NameTable } from './name-table.ts';
import { nameRRset, rrTypes } from './rrset.ts';
import type { ReverseName } from './service-records.ts';
import { reverseNameOf } from './wire-name.ts';

/** One claim: the name, and whose Service gives it. */
export interface Pointer<Owner> extends ReverseName {
  readonly owner: Owner;
}

/** Keeps the reverse table in step with the claims of each owner. */
export class ReverseIndex<Owner> {
  /** Names below `arpa`, relative to it. */
  readonly table = new NameTable();
  readonly #ttlSeconds: number;
  readonly #hostnamesOnly: boolean;
  /** By address. Nearly every address has one claim, which then stands without an array around it. */
  readonly #claims = new Map<string, Pointer<Owner> | readonly Pointer<Owner>[]>();

  /** `hostnamesOnly`: names by hostname displace generated ones. */
  constructor(ttlSeconds: number, hostnamesOnly = false) {
    this.#ttlSeconds = ttlSeconds;
    this.#hostnamesOnly = hostnamesOnly;
  }

  /** The claims on one address. */
  at(address: string): readonly Pointer<Owner>[] {
    const claims = this.#claims.get(address);
    return claims === undefined ? [] : 'owner' in claims ? [claims] : claims;
  }

  /** Replaces what an owner claimed by what it claims now. Returns its claims as kept, and whether anything changed for a client. */
  replace(
    owner: Owner,
    before: readonly Pointer<Owner>[],
    names: readonly ReverseName[],
  ): { readonly claims: readonly Pointer<Owner>[]; readonly hasChanged: boolean } {
    if (before.length === names.length && names.every((name, index) => isSame(name, before[index]))) {
      return { claims: before, hasChanged: false };
    }
    const known = new Map(before.map((claim) => [idOf(claim), claim]));
    const claims = names.map((name) => known.get(idOf(name)) ?? { ...name, owner });
    const kept = new Set(claims);
    const touched = new Set<string>();
    for (const claim of before) {
      if (kept.has(claim)) continue;
      this.#set(
        claim.address,
        this.at(claim.address).filter((other) => other !== claim),
      );
      touched.add(claim.address);
    }
    for (const claim of claims) {
      if (known.has(idOf(claim))) continue;
      this.#set(claim.address, [...this.at(claim.address), claim]);
      touched.add(claim.address);
    }
    for (const address of touched) this.#publish(address);
    return { claims, hasChanged: true };
  }

  #set(address: string, claims: readonly Pointer<Owner>[]): void {
    const [first] = claims;
    if (first === undefined) this.#claims.delete(address);
    else this.#claims.set(address, claims.length === 1 ? first : claims);
  }

  /** A cluster IP points to its Service alone; any other address to every endpoint name, those with a hostname first. */
  #publish(address: string): void {
    const claims = this.at(address).toSorted(compareNames);
    const virtual = claims.filter(({ kind }) => kind === 'cluster-ip').slice(0, 1);
    const named = this.#hostnamesOnly ? claims.filter(({ kind }) => kind === 'hostname') : [];
    const best = [virtual, named, claims].find(({ length }) => length > 0) ?? [];
    const targets = [...new Set(best.map(({ target }) => target))];
    const rrset = nameRRset(rrTypes.PTR, targets, 0, this.#ttlSeconds);
    const key = reverseNameOf(address);
    if (rrset === undefined) this.table.remove(key);
    else this.table.put(key, [rrset]);
  }
}

function idOf({ kind, address, target }: ReverseName): string {
  return `${kind} ${address} ${target}`;
}

function isSame(a: ReverseName, b: ReverseName | undefined): boolean {
  return b !== undefined && a.kind === b.kind && a.address === b.address && a.target === b.target;
}

/** A total order, so that the answer does not depend on who came first: cluster IPs, then endpoints with a hostname, then the others, by name. */
function compareNames(a: ReverseName, b: ReverseName): number {
  const rank = rankOf(a) - rankOf(b);
  return rank !== 0 ? rank : a.target < b.target ? -1 : Number(a.target > b.target);
}

function rankOf({ kind }: ReverseName): number {
  return kind === 'cluster-ip' ? 0 : kind === 'hostname' ? 1 : 2;
}
