/**
 * Addresses and prefixes as texts in old fields of the API. Kubernetes reads them leniently (leading zeros in IPv4,
 * IPv4-mapped IPv6, bits beyond the prefix) and since 1.36 refuses such forms, but not where the stored object already had
 * them. Source: k8s apimachinery/pkg/util/validation/ip.go, KEP-4858.
 */
import type { Cidr, IpAddress } from '../../net/index.ts';
import {
  formatCidr,
  formatIp,
  ipsEqual,
  isIpv4Mapped,
  isLinkLocalMulticast,
  isLinkLocalUnicast,
  isLoopback,
  isUnspecified,
  maskCidr,
  parseCidr,
  parseIp,
} from '../../net/index.ts';
import type { FieldError } from '../field-errors.ts';
import { goQuote, invalidValue } from '../field-errors.ts';
import { notCidrMessage, notIpMessage } from '../validation/identifiers.ts';

/** Reads an address as Kubernetes always has: leading zeros in dotted numbers are decimal, not octal, and dropped. */
export function parseSloppyIp(text: string): IpAddress | undefined {
  return parseIp(withoutLeadingZeros(text));
}

/** Reads a prefix in the same lenient way. Bits beyond the prefix are kept. */
export function parseSloppyCidr(text: string): Cidr | undefined {
  const slash = text.lastIndexOf('/');
  if (slash < 0) return undefined;
  const length = text.slice(slash + 1);
  if (!/^[0-9]+$/.test(length)) return undefined;
  return parseCidr(`${withoutLeadingZeros(text.slice(0, slash))}/${Number(length)}`);
}

/** Faults of an address. Values in `existing`, which the stored object has already, are always accepted. */
export function validateIp(path: string, value: string, existing: readonly string[] = []): FieldError[] {
  if (existing.includes(value)) return [];
  const sloppy = parseSloppyIp(value);
  if (sloppy === undefined) return [invalidValue(path, value, notIpMessage)];
  if (parseIp(value) === undefined) return [invalidValue(path, value, 'must not have leading 0s')];
  if (isIpv4Mapped(sloppy)) return [invalidValue(path, value, 'must not be an IPv4-mapped IPv6 address')];
  return [];
}

/** Faults of a prefix, as `validateIp` does for addresses. */
export function validateCidr(path: string, value: string, existing: readonly string[] = []): FieldError[] {
  if (existing.includes(value)) return [];
  const sloppy = parseSloppyCidr(value);
  if (sloppy === undefined) return [invalidValue(path, value, notCidrMessage)];
  const errors: FieldError[] = [];
  if (hasBitsBeyondPrefix(sloppy)) errors.push(invalidValue(path, value, 'must not have bits set beyond the prefix length'));
  if (parseCidr(value) === undefined) errors.push(invalidValue(path, value, 'must not have leading 0s in IP or prefix length'));
  else if (isIpv4Mapped(sloppy.address)) errors.push(invalidValue(path, value, 'must not have an IPv4-mapped IPv6 address'));
  return errors;
}

/** Faults of an address that must be somebody's own: not unspecified, loopback or link-local. Unreadable texts pass. */
export function validateNonSpecialIp(path: string, value: string): FieldError[] {
  const ip = parseSloppyIp(value);
  if (ip === undefined) return [];
  const messages: string[] = [];
  if (isUnspecified(ip)) messages.push(`may not be unspecified (${formatIp(ip)})`);
  if (isLoopback(ip)) messages.push('may not be in the loopback range (127.0.0.0/8, ::1/128)');
  if (isLinkLocalUnicast(ip)) messages.push('may not be in the link-local range (169.254.0.0/16, fe80::/10)');
  if (isLinkLocalMulticast(ip)) messages.push('may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)');
  return messages.map((message) => invalidValue(path, value, message));
}

/** Remarks on an accepted address that is written in an unusual way. */
export function ipWarnings(path: string, value: string): string[] {
  const sloppy = parseSloppyIp(value);
  if (sloppy === undefined) return [];
  if (parseIp(value) === undefined || isIpv4Mapped(sloppy)) {
    const better = formatIp(unmapped(sloppy));
    return [
      `${path}: non-standard IP address ${goQuote(value)} will be considered invalid in a future Kubernetes release: use ${goQuote(better)}`,
    ];
  }
  const canonical = formatIp(sloppy);
  if (canonical === value) return [];
  return [`${path}: IPv6 address ${goQuote(value)} should be in RFC 5952 canonical format (${goQuote(canonical)})`];
}

/** Remarks on an accepted prefix that is ambiguous or written in an unusual way. */
export function cidrWarnings(path: string, value: string): string[] {
  const sloppy = parseSloppyCidr(value);
  if (sloppy === undefined) return [];
  const warnings: string[] = [];
  const masked = formatCidr(maskCidr(sloppy));
  if (hasBitsBeyondPrefix(sloppy)) {
    const single = formatCidr({ address: sloppy.address, prefixLength: sloppy.address.bytes.length * 8 });
    warnings.push(
      `${path}: CIDR value ${goQuote(value)} is ambiguous in this context (should be ${goQuote(masked)} or ${goQuote(single)}?)`,
    );
  }
  if (parseCidr(value) === undefined || isIpv4Mapped(sloppy.address))
    warnings.push(
      `${path}: non-standard CIDR value ${goQuote(value)} will be considered invalid in a future Kubernetes release: use ${goQuote(masked)}`,
    );
  if (warnings.length === 0 && formatCidr(sloppy) !== value)
    warnings.push(
      `${path}: IPv6 CIDR value ${goQuote(value)} should be in RFC 5952 canonical format (${goQuote(formatCidr(sloppy))})`,
    );
  return warnings;
}

function hasBitsBeyondPrefix(cidr: Cidr): boolean {
  return !ipsEqual(cidr.address, maskCidr(cidr).address);
}

function unmapped(ip: IpAddress): IpAddress {
  return isIpv4Mapped(ip) ? { family: 'IPv4', bytes: ip.bytes.slice(12) } : ip;
}

/** Only the dotted part: a group of IPv6 may begin with zeros by right. */
function withoutLeadingZeros(text: string): string {
  const colon = text.lastIndexOf(':');
  const tail = text.slice(colon + 1);
  if (!tail.includes('.')) return text;
  const parts = tail.split('.').map((part) => part.replace(/^0+(?=[0-9])/, ''));
  return `${text.slice(0, colon + 1)}${parts.join('.')}`;
}
