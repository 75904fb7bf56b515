/** SPDY/3.1 over any Duplex, for kubectl's port-forward (and exec of old clients). */
export { SpdyError } from './errors.ts';
export type { SpdyFault } from './errors.ts';
export type { SpdyHeaders } from './header-block.ts';
export { SpdySession } from './session.ts';
export type { SpdySessionOptions } from './session.ts';
export type { SpdyStream } from './stream.ts';
