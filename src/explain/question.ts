/** What a person types: where a request goes to, and where it comes from. */
import { isPort, parseIp, formatIp } from '../net/index.ts';
import type { Protocol } from '../net/index.ts';
import { CodedError } from '../observe/index.ts';

/** Where the request goes. */
export type Target =
  /** A name to be resolved as a pod would: `my-service`, `my-service.ns`, `www.example.com`. */
  | {
      readonly kind: 'name';
      readonly name: string;
      readonly port?: number;
      readonly portName?: string;
      readonly protocol: Protocol;
    }
  | { readonly kind: 'address'; readonly address: string; readonly port?: number; readonly protocol: Protocol }
  /** A port of a node: `node/node-1:30080`. */
  | { readonly kind: 'node'; readonly node: string; readonly port?: number; readonly protocol: Protocol };

/** Where the request comes from. */
export type Place =
  | { readonly kind: 'pod'; readonly name: string; readonly namespace?: string }
  | { readonly kind: 'node'; readonly name: string }
  /** `address`: which of the clients out there, where it matters. */
  | { readonly kind: 'outside'; readonly address?: string };

/** A question that cannot be understood; the message says what to write. */
export class QuestionError extends CodedError<{
  readonly code: 'bad-target' | 'bad-place' | 'unknown-place' | 'unknown-node';
  readonly text: string;
}> {}

/** RFC 1035 section 2.3.4, as text. */
const maxNameLength = 253;
const maxLabelLength = 63;

const schemePorts: Readonly<Record<string, number>> = { http: 80, https: 443 };

/**
 * Reads a target: `my-service`, `my-service.ns:80`, `my-service:http`, `http://my-service/path`, `10.96.0.10:53/udp`,
 * `[fd00::1]:80`, `node/node-1:30080`. TCP unless `/udp` or `/sctp` says otherwise. Throws `QuestionError`.
 */
export function parseTarget(text: string): Target {
  const url = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i.exec(text);
  const scheme = url?.[1]?.toLowerCase();
  const withoutScheme = url === null ? text : (url[2] ?? '').replace(/^[^@]*@/, '');
  const { rest, protocol } = url === null ? splitProtocol(withoutScheme) : { rest: withoutScheme, protocol: 'TCP' as const };
  const isNode = url === null && rest.startsWith('node/');
  const { host, port } = splitPort(isNode ? rest.slice('node/'.length) : rest, text);
  if (host === '') throw badTarget(text, 'it names no host');
  if (scheme !== undefined && schemePorts[scheme] === undefined) throw badTarget(text, `${scheme}:// is not http:// or https://`);
  const fallback = scheme === undefined ? undefined : schemePorts[scheme];
  const number = port === undefined ? fallback : /^\d+$/.test(port) ? Number(port) : undefined;
  if (number !== undefined && !isPort(number)) throw badTarget(text, `port ${port} is not between 1 and 65535`);
  const numbered = number === undefined ? {} : { port: number };
  if (isNode) return { kind: 'node', node: host, ...numbered, protocol };
  const ip = parseIp(host);
  if (ip !== undefined) return { kind: 'address', address: formatIp(ip), ...numbered, protocol };
  if (!/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?$/i.test(host))
    throw badTarget(text, `${JSON.stringify(host)} is neither a name nor an address`);
  if (host.replace(/\.$/, '').length > maxNameLength || host.split('.').some((label) => label.length > maxLabelLength))
    throw badTarget(text, `a name has at most ${maxNameLength} characters, and at most ${maxLabelLength} between two dots`);
  const named = port !== undefined && number === undefined ? { portName: port } : {};
  return { kind: 'name', name: host.toLowerCase(), ...numbered, ...named, protocol };
}

/** Reads a place: `pod/NAME`, `pod/NAMESPACE/NAME`, `node/NAME`, `outside`, `outside/ADDRESS`. Throws `QuestionError`. */
export function parsePlace(text: string): Place {
  if (text === 'outside') return { kind: 'outside' };
  const [kind, ...rest] = text.split('/');
  const [first = '', second] = rest;
  const ip = kind === 'outside' && rest.length === 1 ? parseIp(first) : undefined;
  if (ip !== undefined) return { kind: 'outside', address: formatIp(ip) };
  if (first !== '' && rest.length <= 2) {
    if ((kind === 'pod' || kind === 'pods' || kind === 'po') && rest.length === 1) return { kind: 'pod', name: first };
    if ((kind === 'pod' || kind === 'pods' || kind === 'po') && second !== undefined && second !== '')
      return { kind: 'pod', namespace: first, name: second };
    if ((kind === 'node' || kind === 'nodes' || kind === 'no') && rest.length === 1) return { kind: 'node', name: first };
  }
  const hint = 'write pod/NAME, pod/NAMESPACE/NAME, node/NAME, outside or outside/ADDRESS';
  throw new QuestionError(`${JSON.stringify(text)} is no place: ${hint}`, { code: 'bad-place', text });
}

/** The text of a place, as `parsePlace` reads it. */
export function formatPlace(place: Place): string {
  if (place.kind === 'outside') return place.address === undefined ? 'outside' : `outside/${place.address}`;
  if (place.kind === 'node') return `node/${place.name}`;
  return place.namespace === undefined ? `pod/${place.name}` : `pod/${place.namespace}/${place.name}`;
}

function splitProtocol(text: string): { rest: string; protocol: Protocol } {
  const match = /^(.*)\/(tcp|udp|sctp)$/i.exec(text);
  if (match === null) return { rest: text, protocol: 'TCP' };
  const protocol = (match[2] ?? '').toUpperCase();
  return { rest: match[1] ?? '', protocol: protocol === 'UDP' ? 'UDP' : protocol === 'SCTP' ? 'SCTP' : 'TCP' };
}

function splitPort(text: string, whole: string): { host: string; port: string | undefined } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed !== null) return { host: bracketed[1] ?? '', port: bracketed[2] };
  // a bare IPv6 address has more than one colon and no port
  if ((text.match(/:/g) ?? []).length > 1) return { host: text, port: undefined };
  const [host = '', port] = text.split(':');
  if (port === '') throw badTarget(whole, 'the port after the colon is missing');
  return { host, port };
}

function badTarget(text: string, why: string): QuestionError {
  const hint = 'write for example my-service, my-service.ns:80, http://my-service/, 10.96.0.10:53/udp or node/node-1:30080';
  return new QuestionError(`${JSON.stringify(text)} is no target: ${why}; ${hint}`, { code: 'bad-target', text });
}
