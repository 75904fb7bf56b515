/**
 * One family's table as the agent wants it: which Service owns each frontend, how often each shared row and chain is needed, and
 * what has changed since the last transaction. No input or output; the cost of a change is that of the Services it touches.
 */
import type { IpFamily } from '../../net/index.ts';
import type { HealthCheckDecision } from '../../routing/index.ts';
import { Changes } from './changes.ts';
import type { Row } from './changes.ts';
import { Claims } from './claims.ts';
import type { LostClaim } from './claims.ts';
import type { WantedService } from './compile.ts';
import type { EndpointList, KnownLists } from './endpoint-list.ts';
import type { FoundRows } from './found-rows.ts';
import type { FrontendState, Numbering, ScopeState } from './frontend-rows.ts';
import { diffFrontend, listsOf, placeFrontend, visitListRows, visitOwnRows } from './frontend-rows.ts';
import type { RowSet } from './layout.ts';
import { firstId } from './layout.ts';
import type { Bytes } from './row-bytes.ts';
import { addressLength } from './row-bytes.ts';
import { VerdictChains } from './verdict-chains.ts';

/** Rows that belong to the node, not to a Service. Interval rows are first and last address, joined. */
export interface NodeRows {
  readonly 'nodeport-ips': readonly Bytes[];
  readonly 'service-cidrs': readonly Bytes[];
  readonly pods: readonly Bytes[];
}

/** What one call of `takeChanges` hands over, with the frontends touched, for whoever must clean up after them. */
export interface TakenChanges {
  readonly changes: Changes;
  readonly touched: readonly { readonly before: FrontendState | undefined; readonly after: FrontendState | undefined }[];
}

export class TableState {
  readonly family: IpFamily;
  readonly #services = new Map<string, WantedService>();
  readonly #claims = new Claims();
  readonly #frontends = new Map<Bytes, FrontendState>();
  readonly #healthChecks = new Map<string, HealthCheckDecision>();
  #hasNewHealthChecks = true;
  /** Uses of rows and chains that several frontends or Services share. */
  readonly #clusterIps = new Map<Bytes, number>();
  readonly #hairpins = new Map<Bytes, number>();
  readonly #chains: VerdictChains;
  #nodeRows: NodeRows = { 'nodeport-ips': [], 'service-cidrs': [], pods: [] };
  #seed: ReadonlyMap<Bytes, KnownLists>;
  #nextId: number;
  readonly #sizes = new Map<RowSet, number>();
  /** As it was at the last transaction, for what has been touched since. */
  readonly #touchedFrontends = new Map<Bytes, FrontendState | undefined>();
  /** Of the shared rows and chains touched: whether they were there. */
  readonly #touchedShared = new Map<Map<Bytes, number>, Map<Bytes, boolean>>();
  #nodeRowsBefore: NodeRows | undefined;
  #hasNodeRows = false;
  readonly #numbering: Numbering = {
    allocateId: () => this.#allocateId(),
    verdictOf: (chain) => this.#chains.numberOf(chain),
  };
  /** Since the last transaction clients may have become outside ones, or inside ones. */
  #haveScopesMoved = false;
  /** False until `takeAll`: what is filled in meanwhile is compared with the kernel as a whole. */
  #isTracking: boolean;

  /** `found`: what was read back, whose lists are kept as far as they go; then `takeAll` comes before the first `takeChanges`. */
  constructor(family: IpFamily, found?: FoundRows) {
    this.family = family;
    this.#seed = found?.lists ?? new Map();
    this.#nextId = found?.nextId ?? firstId;
    this.#chains = new VerdictChains(found?.rows.get('verdicts'));
    this.#isTracking = found === undefined;
    if (found === undefined) return;
    this.#nodeRows = { ...this.#nodeRows, pods: [...(found.rows.get('pods')?.keys() ?? [])] };
    this.#hasNodeRows = true;
  }

  /** Sets what a Service wants; undefined when it is gone. Nothing is programmed before `takeChanges`. */
  setService(key: string, wanted: WantedService | undefined): void {
    const before = this.#services.get(key);
    if (wanted === undefined) this.#services.delete(key);
    else this.#services.set(key, wanted);
    this.#setHealthCheck(key, wanted?.healthCheck);
    for (const frontend of before?.frontends ?? []) this.#claims.remove(frontend);
    for (const frontend of wanted?.frontends ?? []) this.#claims.add(frontend);
    const keys = new Set((wanted?.frontends ?? []).map((frontend) => frontend.key));
    for (const frontend of before?.frontends ?? []) keys.add(frontend.key);
    for (const frontendKey of keys) this.#settle(frontendKey);
    for (const address of wanted?.hairpins ?? []) this.#use(this.#hairpins, address, 1);
    for (const address of before?.hairpins ?? []) this.#use(this.#hairpins, address, -1);
  }

  /** When `pods` changes, all Services must be set anew before `takeChanges` or `takeAll`: clients may have moved from one scope to the other. */
  setNodeRows(rows: NodeRows): void {
    if (this.#hasNodeRows && !haveSameKeys(this.#nodeRows.pods, rows.pods)) this.#haveScopesMoved = true;
    this.#hasNodeRows = true;
    this.#nodeRowsBefore ??= this.#nodeRows;
    this.#nodeRows = rows;
  }

  getService(key: string): WantedService | undefined {
    return this.#services.get(key);
  }

  serviceKeys(): IterableIterator<string> {
    return this.#services.keys();
  }

  getFrontend(key: Bytes): FrontendState | undefined {
    return this.#frontends.get(key);
  }

  frontends(): IterableIterator<FrontendState> {
    return this.#frontends.values();
  }

  get nodeRows(): NodeRows {
    return this.#nodeRows;
  }

  /** Chains made on demand that some frontend needs now, each behind those that it leads to. */
  chainsOnDemand(): Generator<string> {
    return this.#chains.onDemand();
  }

  /** Frontends that several Services want: who lost to whom. */
  lostClaims(): LostClaim[] {
    return this.#claims.lost();
  }

  /** Becomes another number with whatever changes `lostClaims`. */
  get claimsVersion(): number {
    return this.#claims.version;
  }

  /** Whether any health check has changed since the last call; true at first. */
  takeHealthCheckChange(): boolean {
    const hasChanged = this.#hasNewHealthChecks;
    this.#hasNewHealthChecks = false;
    return hasChanged;
  }

  /** Health checks of the Services that have one, by `namespace/name`. */
  healthChecks(): IterableIterator<[string, HealthCheckDecision]> {
    return this.#healthChecks.entries();
  }

  /** Rows of each set after the last `takeChanges` or `takeAll`. */
  get sizes(): ReadonlyMap<RowSet, number> {
    return this.#sizes;
  }

  /** Visits the rows that belong to no frontend alone. */
  visitSharedRows(visit: (row: Row) => void): void {
    this.#chains.visitRows(visit);
    for (const key of this.#clusterIps.keys()) visit({ set: 'cluster-ips', key });
    for (const key of this.#hairpins.keys()) visit({ set: 'hairpin', key: key + key });
    for (const set of nodeSets) for (const key of new Set(this.#nodeRows[set])) visit({ set, key });
  }

  /** Every row that the table must hold, as a list. */
  allRows(): Row[] {
    const rows: Row[] = [];
    const push = (row: Row): void => void rows.push(row);
    for (const frontend of this.#frontends.values()) {
      visitListRows(frontend, push);
      visitOwnRows(frontend, this.family, push);
    }
    this.visitSharedRows(push);
    return rows;
  }

  /** What must be done since the last call, which is thereby taken as done: on failure start over with a new state. */
  takeChanges(): TakenChanges {
    const changes = new Changes();
    const touched: { before: FrontendState | undefined; after: FrontendState | undefined }[] = [];
    for (const [key, before] of this.#touchedFrontends) {
      const after = this.#frontends.get(key);
      if (before === after) continue;
      diffFrontend(before, after, this.family, changes);
      touched.push({ before, after });
    }
    for (const [uses, touchedKeys] of this.#touchedShared) {
      for (const [key, wasThere] of touchedKeys) {
        const isThere = uses.has(key);
        if (isThere === wasThere) continue;
        const row: Row = uses === this.#hairpins ? { set: 'hairpin', key: key + key } : { set: 'cluster-ips', key };
        if (isThere) changes.add(row);
        else changes.delete(row);
      }
    }
    this.#chains.takeChanges(changes);
    if (this.#nodeRowsBefore !== undefined) {
      for (const set of nodeSets) diffKeys(set, this.#nodeRowsBefore[set], this.#nodeRows[set], changes);
    }
    this.#forgetTouched();
    this.#count(changes);
    return { changes, touched };
  }

  /** Takes whatever is pending as done: the changes are `adoptionChanges`. */
  takeAll(): void {
    this.#sizes.clear();
    const count = (set: RowSet, by: number): void => void this.#sizes.set(set, (this.#sizes.get(set) ?? 0) + by);
    for (const frontend of this.#frontends.values()) {
      for (const { list } of scopesOf(frontend)) countList(list, count);
      visitOwnRows(frontend, this.family, ({ set }) => count(set, 1));
    }
    this.#chains.takeAll();
    this.visitSharedRows(({ set }) => count(set, 1));
    this.#forgetTouched();
    this.#isTracking = true;
  }

  /** Ends the memory of what was read back: indexes of frontends that have not been asked for by now are free. */
  dropSeed(): void {
    this.#seed = new Map();
  }

  #setHealthCheck(key: string, check: HealthCheckDecision | undefined): void {
    const before = this.#healthChecks.get(key);
    if (before?.port === check?.port && before?.localReadyCount === check?.localReadyCount) return;
    this.#hasNewHealthChecks = true;
    if (check === undefined) this.#healthChecks.delete(key);
    else this.#healthChecks.set(key, check);
  }

  #settle(key: Bytes): void {
    const before = this.#frontends.get(key);
    const winner = this.#claims.winner(key);
    if (this.#isTracking && !this.#touchedFrontends.has(key)) this.#touchedFrontends.set(key, before);
    // What the kernel holds is kept as far as possible, whatever was wanted in between.
    const inKernel = this.#touchedFrontends.get(key) ?? before;
    const lists = this.#seed.get(key) ?? (inKernel === undefined ? undefined : listsOf(inKernel));
    // An id does not say which scope it was drawn for: a client that changes scope must not keep its pin.
    const isPinVoid = this.#haveScopesMoved && winner?.timeoutSeconds !== undefined && winner.outside !== undefined;
    const known = isPinVoid ? undefined : lists;
    const after = winner === undefined ? undefined : placeFrontend(winner, known, this.#numbering);
    if (after === undefined) this.#frontends.delete(key);
    else this.#frontends.set(key, after);
    this.#useFrontend(after, 1);
    this.#useFrontend(before, -1);
  }

  #useFrontend(state: FrontendState | undefined, by: 1 | -1): void {
    if (state === undefined) return;
    if (state.wanted.kind === 'clusterIP') {
      this.#use(this.#clusterIps, state.wanted.key.slice(0, addressLength(this.family)), by);
    }
    for (const { chain } of scopesOf(state)) this.#chains.use(chain, by);
  }

  #use(uses: Map<Bytes, number>, key: Bytes, by: 1 | -1): void {
    const count = uses.get(key) ?? 0;
    if (this.#isTracking) this.#touch(uses, key, count > 0);
    if (count + by === 0) uses.delete(key);
    else uses.set(key, count + by);
  }

  #touch(uses: Map<Bytes, number>, key: Bytes, wasThere: boolean): void {
    let touched = this.#touchedShared.get(uses);
    if (touched === undefined) this.#touchedShared.set(uses, (touched = new Map()));
    if (!touched.has(key)) touched.set(key, wasThere);
  }

  /** To 2^32 - 1 and over again: at 10,000 new endpoints a second an id comes back after five days, affinity lives one at most. */
  #allocateId(): number {
    const id = this.#nextId;
    this.#nextId = id === 0xffff_ffff ? firstId : id + 1;
    return id;
  }

  #forgetTouched(): void {
    this.#touchedFrontends.clear();
    this.#touchedShared.clear();
    this.#nodeRowsBefore = undefined;
    this.#haveScopesMoved = false;
  }

  #count(changes: Changes): void {
    const count = (set: RowSet, by: number): void => {
      this.#sizes.set(set, (this.#sizes.get(set) ?? 0) + by);
    };
    for (const { kind, row } of [changes.prepare, changes.publish, changes.settle, changes.withdraw, changes.removals].flat()) {
      if (kind !== 'replace') count(row.set, kind === 'add' ? 1 : -1);
    }
    for (const { list } of changes.lists) countList(list, count);
    for (const row of changes.ranges.adds) count(row.set, 1);
    for (const row of changes.ranges.deletes) count(row.set, -1);
  }
}

const nodeSets = ['nodeport-ips', 'service-cidrs', 'pods'] as const satisfies readonly (keyof NodeRows)[];

function countList({ endpoints: { length }, ids }: EndpointList, count: (set: RowSet, by: number) => void): void {
  if (ids === undefined) return count('endpoints', length);
  count('pinned', length);
  count('slots', length);
}

function scopesOf(state: FrontendState): readonly ScopeState[] {
  return state.outside === undefined ? [state.inside] : [state.inside, state.outside];
}

function haveSameKeys(a: readonly Bytes[], b: readonly Bytes[]): boolean {
  return a.every((key) => b.includes(key)) && b.every((key) => a.includes(key));
}

function diffKeys(set: RowSet, before: readonly Bytes[], after: readonly Bytes[], changes: Changes): void {
  const old = new Set(before);
  for (const key of new Set(after)) if (!old.delete(key)) changes.add({ set, key });
  for (const key of old) changes.delete({ set, key });
}
