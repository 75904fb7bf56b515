/** Transport protocols and ports. */

export type Protocol = 'TCP' | 'UDP' | 'SCTP';

/** IANA protocol numbers, as they stand in packets and in nftables keys. */
export const protocolNumbers: Readonly<Record<Protocol, number>> = { TCP: 6, UDP: 17, SCTP: 132 };

/** The protocol with this IANA number, if it is one that a Service can name. */
export function protocolFromNumber(number: number): Protocol | undefined {
  return number === 6 ? 'TCP' : number === 17 ? 'UDP' : number === 132 ? 'SCTP' : undefined;
}

/** Whether the text is a protocol that a Service can name (upper case, as in the API). */
export function isProtocol(text: string): text is Protocol {
  return text === 'TCP' || text === 'UDP' || text === 'SCTP';
}

/** Whether the number is a port that can be dialled: 1 to 65535. */
export function isPort(number: number): boolean {
  return Number.isInteger(number) && number >= 1 && number <= 65_535;
}

/** `address:port`, with brackets around IPv6. */
export function formatHostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
