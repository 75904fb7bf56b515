/**
 * Domain names in wire form (RFC 1035 §3.1), held as strings of one-byte characters. V8 stores such a string in one byte
 * a character plus 16, where a typed array costs over 100: with hundreds of thousands of names that decides the memory.
 *
 *   "\x03web\x02ns\x03svc"   a relative name: labels, no terminator; "" is the apex
 *   "\x03web\x00"            an absolute name: labels and the root
 */
import type { IpAddress } from '../net/index.ts';

/** Longest name on the wire, terminator included (RFC 1035 §2.3.4). */
export const maxNameBytes = 255;
/** Longest label. */
export const maxLabelBytes = 63;

/**
 * Encodes a dotted name as labels without the terminator; a trailing dot is allowed and changes nothing. `\.`, `\\` and
 * `\DDD` are understood (RFC 1035 §5.1). Undefined when a label is empty or over 63 bytes, the name over 255, or a
 * character is not a byte. Case is kept. "" and "." give "".
 */
export function encodeName(text: string): string | undefined {
  if (text === '' || text === '.') return '';
  let wire = '';
  for (const label of splitLabels(text) ?? ['']) {
    if (label === '' || label.length > maxLabelBytes) return undefined;
    wire += String.fromCharCode(label.length) + label;
  }
  return wire.length + 1 <= maxNameBytes ? wire : undefined;
}

/** Encodes a name that is known to be good. Throws `TypeError` otherwise: for constants and checked configuration only. */
export function mustEncodeName(text: string): string {
  const wire = encodeName(text);
  if (wire === undefined) throw new TypeError(`not a domain name: ${JSON.stringify(text)}`);
  return wire;
}

/** One label in wire form: length octet and bytes, lower-cased. The caller knows that it is 1 to 63 bytes long. */
export function encodeLabel(label: string): string {
  return String.fromCharCode(label.length) + lowerCaseWire(label);
}

/** The labels of a wire name (relative or absolute), leftmost first, unescaped. */
export function labelsOf(wire: string): string[] {
  const labels: string[] = [];
  for (let at = 0; at < wire.length;) {
    const length = wire.charCodeAt(at);
    if (length === 0) break;
    labels.push(wire.slice(at + 1, at + 1 + length));
    at += 1 + length;
  }
  return labels;
}

/** The dotted text of a wire name, escaped as RFC 1035 §5.1 wants, without a final dot; "" for the empty name. */
export function formatName(wire: string): string {
  return labelsOf(wire).map(escapeLabel).join('.');
}

/** ASCII lower case, which is DNS's case rule (RFC 4343); other bytes stay. Length octets (≤ 63) are not letters. */
export function lowerCaseWire(wire: string): string {
  // nearly all are lower case already
  return /[A-Z]/.test(wire) ? wire.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase()) : wire;
}

/** Removes the zone from an absolute-form name without its terminator. Undefined when the name is not in the zone. Both lower case. */
export function stripZone(name: string, zone: string): string | undefined {
  if (!name.endsWith(zone)) return undefined;
  const relative = name.slice(0, name.length - zone.length);
  // The cut must fall between two labels: "evilcluster.local" ends in the same bytes as "cluster.local" never does,
  // because the length octet differs, but a length octet may also occur inside a label as a control byte.
  let at = 0;
  while (at < relative.length) at += 1 + relative.charCodeAt(at);
  return at === relative.length ? relative : undefined;
}

/** An address's bytes as a one-byte string: 4 or 16 characters, the rdata of its A or AAAA record. */
export function addressToWire(ip: IpAddress): string {
  return String.fromCharCode(...ip.bytes);
}

/** The bytes of a one-byte string. */
export function latin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** The name of an address below `arpa` (RFC 1035 §3.5, RFC 3596 §2.5), relative to it: `1.0.96.10.in-addr`. */
export function reverseNameOf(addressWire: string): string {
  const labels: string[] = [];
  if (addressWire.length === 4) {
    for (let index = 3; index >= 0; index--) labels.push(encodeLabel(String(addressWire.charCodeAt(index))));
    labels.push('\x07in-addr');
    return labels.join('');
  }
  for (let index = 15; index >= 0; index--) {
    const byte = addressWire.charCodeAt(index);
    labels.push(encodeLabel((byte & 15).toString(16)), encodeLabel((byte >> 4).toString(16)));
  }
  labels.push('\x03ip6');
  return labels.join('');
}

function splitLabels(text: string): string[] | undefined {
  const labels: string[] = [];
  let label = '';
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (text.charCodeAt(at) > 255) return undefined;
    if (character === '.') {
      labels.push(label);
      label = '';
      if (at === text.length - 1) return labels;
    } else if (character === '\\') {
      const digits = /^[0-9]{3}/.exec(text.slice(at + 1))?.[0];
      if (digits !== undefined) {
        if (Number(digits) > 255) return undefined;
        label += String.fromCharCode(Number(digits));
        at += 3;
      } else {
        at += 1;
        if (at >= text.length || text.charCodeAt(at) > 255) return undefined;
        label += text.charAt(at);
      }
    } else {
      label += character;
    }
  }
  labels.push(label);
  return labels;
}

function escapeLabel(label: string): string {
  return label
    .replaceAll(/[.\\]/g, (character) => `\\${character}`)
    .replaceAll(/[^\x21-\x7e]/g, (character) => `\\${String(character.charCodeAt(0)).padStart(3, '0')}`);
}
