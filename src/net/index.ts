/** IP addresses, prefixes, ports and protocols. Pure. */
export * from './ip.ts';
export * from './protocol.ts';
