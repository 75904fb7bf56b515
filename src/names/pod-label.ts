/** Labels that stand for an address: `10-244-1-7`, `2001-db8--1`. */

/** The label of an address text as it stands in a slice: `.` and `:` become `-`, and an IPv6 text that ends in `-` gets a final `0` (a label must not end in a dash). */
export function dashedLabel(address: string): string {
  const label = address.replaceAll(/[.:]/g, '-');
  return label.endsWith('-') ? `${label}0` : label;
}

/**
 * Reads the address that a label in `bytes[start, end)` stands for into `out` and returns its length: 4, 16, or 0 when the
 * label is no address. Exactly three dashes and no `--`: an IPv4 address; anything else is read as IPv6 with `-` for `:`
 * (CoreDNS's rule). Numbers with leading zeros are refused in IPv4, as everywhere. Makes no garbage.
 */
export function parseDashedLabel(bytes: Uint8Array, start: number, end: number, out: Uint8Array): 0 | 4 | 16 {
  let dashes = 0;
  let hasDouble = false;
  for (let at = start; at < end; at++) {
    if (bytes[at] !== dash) continue;
    dashes++;
    if (at > start && bytes[at - 1] === dash) hasDouble = true;
  }
  if (dashes === 3 && !hasDouble) return readIpv4(bytes, start, end, out) ? 4 : 0;
  return readIpv6(bytes, start, end, out) ? 16 : 0;
}

const dash = 0x2d;

function readIpv4(bytes: Uint8Array, start: number, end: number, out: Uint8Array): boolean {
  let at = start;
  for (let index = 0; index < 4; index++) {
    let value = 0;
    const first = at;
    while (at < end && bytes[at] !== dash) {
      const digit = (bytes[at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9 || at - first >= 3) return false;
      value = value * 10 + digit;
      at++;
    }
    if (at === first || value > 255 || (at - first > 1 && bytes[first] === 0x30)) return false;
    out[index] = value;
    at++;
  }
  return true;
}

function readIpv6(bytes: Uint8Array, start: number, end: number, out: Uint8Array): boolean {
  let groups = 0;
  let gap = -1;
  let at = start;
  if (end - start >= 2 && bytes[at] === dash && bytes[at + 1] === dash) {
    gap = 0;
    at += 2;
  }
  while (at < end) {
    let value = 0;
    const first = at;
    while (at < end && bytes[at] !== dash) {
      const digit = hexDigit(bytes[at] ?? 0);
      if (digit < 0 || at - first >= 4) return false;
      value = value * 16 + digit;
      at++;
    }
    if (at === first || groups === 8) return false;
    out[groups * 2] = value >> 8;
    out[groups * 2 + 1] = value & 0xff;
    groups++;
    if (at === end) break;
    at++; // the dash
    if (at === end) return false;
    if (bytes[at] === dash) {
      if (gap >= 0) return false;
      gap = groups;
      at++;
    }
  }
  if (gap < 0) return groups === 8;
  if (groups > 7) return false;
  const tail = (groups - gap) * 2;
  out.copyWithin(16 - tail, gap * 2, groups * 2);
  out.fill(0, gap * 2, 16 - tail);
  return true;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}
