/** Words of a Corefile as values: zones, servers, numbers, durations. Pure. */
import { encodeName } from '../../names/index.ts';
import { isPort, parseCidr, parseIp } from '../../net/index.ts';
import type { Word } from './corefile-lines.ts';
import { corefileError } from './corefile-lines.ts';
import { rcodes } from '../wire/protocol.ts';
import type { UpstreamAddress } from '../forwarding/upstream-line.ts';

/** An error at a word. */
export function complain(word: Word, problem: string): never {
  throw corefileError(word, problem);
}

/** `words` is a name and its values, of which there may be `most`: a value too many is an error, for it would mean nothing. */
export function refuseExtra(words: readonly Word[], most: number): void {
  const [name, ...values] = words;
  const extra = values[most];
  if (extra === undefined || name === undefined) return;
  const takes = most === 0 ? 'no value' : most === 1 ? 'one value' : `at most ${most} values`;
  complain(extra, `${name.text} takes ${takes}, not ${extra.text}`);
}

/** The same with members that can be set. */
export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A zone by name, or a reverse zone by prefix (`10.96.0.0/16`, whole octets or nibbles). Without a final dot. */
export function readZone(word: Word): string {
  const cidr = parseCidr(word.text);
  if (cidr !== undefined) {
    const bits = cidr.address.family === 'IPv4' ? 8 : 4;
    if (cidr.prefixLength % bits !== 0) complain(word, `a reverse zone by prefix must end at a whole label (every ${bits} bits)`);
    const hex = [...cidr.address.bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const labels = bits === 8 ? [...cidr.address.bytes].map(String) : hex.split('');
    return [...labels.slice(0, cidr.prefixLength / bits).reverse(), bits === 8 ? 'in-addr.arpa' : 'ip6.arpa'].join('.');
  }
  if (encodeName(word.text) === undefined) complain(word, `not a zone: ${word.text}`);
  return word.text === '.' ? '.' : word.text.replace(/\.$/, '').toLowerCase();
}

/** Whether a zone holds names of addresses. */
export function isReverse(zone: string): boolean {
  return zone === 'in-addr.arpa' || zone === 'ip6.arpa' || zone.endsWith('.in-addr.arpa') || zone.endsWith('.ip6.arpa');
}

/** Zones by name; none: those given. */
export function readZones(words: readonly Word[], otherwise: readonly string[]): readonly string[] {
  return words.length === 0 ? otherwise : words.map(readZone);
}

/** A server to ask: ADDRESS, ADDRESS:PORT, [ADDRESS]:PORT; port 53 otherwise. */
export function readUpstream(word: Word): UpstreamAddress {
  const text = word.text.replace(/^dns:\/\//, '');
  if (/^[a-z]+:\/\//.test(text)) complain(word, 'only plain DNS servers are supported');
  if (parseIp(text) !== undefined) return { address: text, port: 53 };
  const match = /^\[?([^\]]*)\]?:([0-9]+)$/.exec(text);
  const [address = '', port] = [match?.[1], Number(match?.[2])];
  if (parseIp(address) === undefined || !isPort(port))
    complain(word, `not a server: ${word.text}; write an address, ADDRESS:PORT or the path of a resolv.conf`);
  return { address, port };
}

/** An address to listen at: :PORT or ADDRESS:PORT; `host` and `port` when the word is left out, `::` for every address. */
export function readListen(word: Word | undefined, port: number, host = ''): { readonly address: string; readonly port: number } {
  const text = word?.text ?? `${host}:${port}`;
  const match = /^\[?([^\]]*?)\]?:([0-9]+)$/.exec(text);
  if (word !== undefined && (match === null || Number(match[2]) > 65_535))
    complain(word, `not an address to listen at: ${text}; write :PORT or ADDRESS:PORT`);
  const address = match?.[1] ?? '';
  return { address: address === '' ? '::' : address, port: Number(match?.[2]) };
}

/** A whole number in decimal digits, with its bounds. */
export function readNumber(word: Word, least: number, most: number): number {
  const number = Number(word.text);
  if (!/^[0-9]+$/.test(word.text) || number < least || number > most)
    complain(word, `${word.text} is not a number from ${least} to ${most}`);
  return number;
}

/** A word of a list. */
export function readChoice<T extends string>(word: Word, choices: readonly T[], of: string): T {
  const found = choices.find((choice) => choice === word.text);
  const list = `${choices.slice(0, -1).join(', ')}${choices.length > 1 ? ' or ' : ''}${choices.at(-1) ?? ''}`;
  return found ?? complain(word, `${of} takes ${list}`);
}

/** Go's form: 30s, 1m30s, 500ms. In milliseconds, ten days at most. */
export function readDuration(word: Word): number {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  if (!/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/.test(word.text)) complain(word, `${word.text} is not a duration such as 5s or 1m30s`);
  let total = 0;
  for (const [, number = '', unit = ''] of word.text.matchAll(/([0-9.]+)(ms|s|m|h)/g))
    total += Number(number) * (units[unit] ?? 0);
  if (total > longestMs) complain(word, `${word.text} is longer than ten days`);
  return total;
}

/** A timer of more than 2^31 ms, some 24 days, would be over at once; some wait for up to twice what is written. */
const longestMs = 10 * 24 * 60 * 60 * 1000;

/** A response code by its name, in any case. */
export function readRcode(word: Word): number {
  const found = Object.entries(rcodes).find(([name]) => name === word.text.toUpperCase());
  if (found === undefined) complain(word, `${word.text} is not a code such as SERVFAIL`);
  return found?.[1] ?? 0;
}
