/** Numbers of the DNS protocol (RFC 1035, RFC 6891; IANA DNS parameters). */

/** Answer codes. BADVERS needs the four extra bits of an OPT record. */
export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  NOTAUTH: 9,
  BADVERS: 16,
} as const;

/** Query kinds in the header. */
export const opcodes = { QUERY: 0, NOTIFY: 4 } as const;

/** Types that a question may ask for beyond those that the index holds. */
export const queryTypes = { HINFO: 13, MX: 15, OPT: 41, IXFR: 251, AXFR: 252, ANY: 255 } as const;

/** The Internet class. */
export const classIn = 1;

/** Header flags, as bits of the second 16-bit word. */
export const headerFlags = { QR: 0x8000, AA: 0x0400, TC: 0x0200, RD: 0x0100, RA: 0x0080, AD: 0x0020, CD: 0x0010 } as const;

/** Bytes of the header; the question follows. */
export const headerBytes = 12;
/** Bytes of an OPT record without options. */
export const optBytes = 11;
/** Largest answer over UDP to a client that says nothing else (RFC 1035 §4.2.1). */
export const plainUdpBytes = 512;
/** Largest answer over UDP to any client (`bufsize` allows no more). */
export const maxUdpPacketBytes = 4096;
/** Largest message over TCP. */
export const maxMessageBytes = 65_535;

/** Names of types for logs, metrics and explanations; `TYPE<n>` (RFC 3597) otherwise. */
export function typeName(type: number): string {
  return typeNames.get(type) ?? `TYPE${type}`;
}

/** The number of a type's name, `TYPE<n>` included. */
export function typeNumber(name: string): number | undefined {
  const upper = name.toUpperCase();
  for (const [number, known] of typeNames) if (known === upper) return number;
  const match = /^TYPE([0-9]{1,5})$/.exec(upper);
  return match !== null && Number(match[1]) <= 0xffff ? Number(match[1]) : undefined;
}

/** The name of an answer code, as dig prints it. */
export function rcodeName(rcode: number): string {
  return rcodeNames.get(rcode) ?? `RCODE${rcode}`;
}

const typeNames = new Map<number, string>([
  [1, 'A'],
  [2, 'NS'],
  [5, 'CNAME'],
  [6, 'SOA'],
  [12, 'PTR'],
  [13, 'HINFO'],
  [15, 'MX'],
  [16, 'TXT'],
  [28, 'AAAA'],
  [33, 'SRV'],
  [35, 'NAPTR'],
  [39, 'DNAME'],
  [41, 'OPT'],
  [43, 'DS'],
  [46, 'RRSIG'],
  [47, 'NSEC'],
  [48, 'DNSKEY'],
  [50, 'NSEC3'],
  [64, 'SVCB'],
  [65, 'HTTPS'],
  [251, 'IXFR'],
  [252, 'AXFR'],
  [255, 'ANY'],
  [257, 'CAA'],
]);

const rcodeNames = new Map<number, string>(Object.entries(rcodes).map(([name, number]) => [number, name]));
