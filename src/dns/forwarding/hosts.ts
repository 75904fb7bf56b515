/** Fixed names, in the form of /etc/hosts: answered before anything is asked elsewhere. */
import { addressToWire, encodeName, lowerCaseWire, reverseNameOf, rrTypes } from '../../names/index.ts';
import { parseIp } from '../../net/index.ts';
import { emptyAnswer, isBelow, zoneSuffix } from './forward.ts';
import type { Message, ResourceRecord } from '../wire/message.ts';
import { bytesOf } from '../wire/message.ts';
import { classIn, headerFlags, rcodes } from '../wire/protocol.ts';
import type { Forwarder } from '../query-handler.ts';

export interface HostsEntry {
  readonly address: string;
  readonly names: readonly string[];
}

/** Reads lines of `ADDRESS NAME…`; `#` starts a comment. Lines that are neither are passed over, as everywhere with this file. */
export function parseHostsText(text: string): HostsEntry[] {
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    return parseIp(address) === undefined || names.length === 0 ? [] : [{ address, names }];
  });
}

/** Fixed names before a forwarder. */
export interface HostsForwarder extends Forwarder {
  /** Other entries from now on. */
  replace(entries: readonly HostsEntry[]): void;
}

export interface HostsOptions {
  /** Default 3600. */
  readonly ttlSeconds?: number;
  /** Whether addresses have names too (PTR). Default true. */
  readonly hasReverse?: boolean;
  /** Zones whose other names go to `next`; elsewhere they are REFUSED. Default: all. */
  readonly fallthrough?: readonly string[];
}

/** Answers A, AAAA and PTR of these entries; other names go to `next`. A name that has only the other family is NODATA. */
export function createHostsForwarder(
  entries: readonly HostsEntry[],
  next: Forwarder,
  options: HostsOptions = {},
): HostsForwarder {
  const { ttlSeconds = 3_600, hasReverse = true } = options;
  const open = (options.fallthrough ?? ['.']).map(zoneSuffix);
  let tables = tablesOf(entries);
  return {
    replace(others) {
      tables = tablesOf(others);
    },
    async forward(query, how) {
      const [question] = query.questions;
      const name = lowerCaseWire(question?.name ?? '\0');
      const pointers = hasReverse && question?.type === rrTypes.PTR ? tables.reverse.get(name) : undefined;
      const addresses = tables.forward.get(name);
      if (question === undefined || (pointers === undefined && addresses === undefined))
        return open.some((zone) => isBelow(name, zone)) ? next.forward(query, how) : emptyAnswer(query, rcodes.REFUSED);
      const bytes = question.type === rrTypes.A ? 4 : question.type === rrTypes.AAAA ? 16 : 0;
      const datas = pointers ?? addresses?.filter((address) => address.length === bytes) ?? [];
      const answers = datas.map((data): ResourceRecord => ({
        name: question.name,
        type: question.type,
        class: classIn,
        ttlSeconds,
        data: bytesOf(data),
      }));
      const empty: Message = emptyAnswer(query, rcodes.NOERROR);
      return { ...empty, flags: empty.flags | headerFlags.AA, answers };
    },
    close: () => next.close(),
  };
}

interface HostsTables {
  readonly forward: ReadonlyMap<string, readonly string[]>;
  readonly reverse: ReadonlyMap<string, readonly string[]>;
}

function tablesOf(entries: readonly HostsEntry[]): HostsTables {
  const forward = new Map<string, string[]>();
  const reverse = new Map<string, string[]>();
  const add = (map: Map<string, string[]>, key: string, value: string): void => {
    const values = map.get(key);
    if (values === undefined) map.set(key, [value]);
    else if (!values.includes(value)) values.push(value);
  };
  for (const { address, names } of entries) {
    const ip = parseIp(address);
    if (ip === undefined) continue;
    for (const text of names) {
      const wire = encodeName(text);
      if (wire === undefined || wire === '') continue;
      add(forward, `${lowerCaseWire(wire)}\0`, addressToWire(ip));
      add(reverse, `${reverseNameOf(addressToWire(ip))}\x04arpa\0`, `${wire}\0`);
    }
  }
  return { forward, reverse };
}
