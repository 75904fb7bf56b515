/** The apex's NS records, and the addresses of `ns.dns`, the primary name server that the SOA record names. Pure. */
import { headerWords } from './name-memory.ts';
import { roots } from './name-reader.ts';
import type { NameTables } from './name-table.ts';
import type { RRset } from './rrset.ts';
import { addressRRset, nameRRset, rrTypes, sameRRsets } from './rrset.ts';

/** `ns.dns`: the primary name server that the SOA record names. */
export const nameServerKey = '\x02ns\x03dns';

/** Keeps them in the tables. There is always at least one NS record. */
export class NameServers {
  readonly #tables: NameTables;
  readonly #ttlSeconds: number;
  #rrset: RRset | undefined;

  constructor(tables: NameTables, ttlSeconds: number) {
    this.#tables = tables;
    this.#ttlSeconds = ttlSeconds;
  }

  /** The NS records. */
  get rrset(): RRset {
    return this.#rrset ?? this.#nameRecords([]);
  }

  /** `names`: those of the Services that lead to this server. Without any it is `ns.dns`, which then has the server's own addresses. */
  update(names: ReadonlySet<string>, ownAddresses: ReadonlySet<string>): void {
    const { forward, apex, reader, memory } = this.#tables;
    const sorted = [...names].sort();
    const addresses = new Set<string>();
    for (const name of sorted) {
      for (const { data, itemBytes } of forward.findText(name)?.rrsets ?? []) {
        for (let at = 0; at < data.length; at += itemBytes) addresses.add(data.slice(at, at + itemBytes));
      }
    }
    const own = [...(names.size === 0 ? ownAddresses : addresses)];
    const glue = [4, 16].flatMap((length) => {
      const rrset = addressRRset(
        own.filter((address) => address.length === length),
        this.#ttlSeconds,
      );
      return rrset === undefined ? [] : [rrset];
    });
    const known = forward.findText(nameServerKey);
    if (known === undefined || !sameRRsets(known.rrsets, glue)) forward.put(nameServerKey, glue);
    const rrset = this.#nameRecords(sorted);
    if (this.#rrset !== undefined && sameRRsets([rrset], [this.#rrset])) return;
    this.#rrset = rrset;
    apex.put(apexKey, [rrset]);
    memory.words[headerWords.nameServers] = reader.firstRRset(this.#tables.held(roots.apex, apexKey));
  }

  #nameRecords(names: readonly string[]): RRset {
    const items = names.length === 0 ? [nameServerKey] : names;
    return nameRRset(rrTypes.NS, items, 0, this.#ttlSeconds) as RRset;
  }
}

/** The apex has no label of its own; below its root it goes by this one. */
const apexKey = '\x01@';
