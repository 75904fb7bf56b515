/** What can be wrong with a SPDY connection. */
import { CodedError } from '../../observe/index.ts';

/**
 * `BAD_FRAME`, `BAD_HEADERS`, `TOO_LARGE`, `BAD_STREAM`, `FLOW_CONTROL`: the peer broke the protocol. `RESET`: the peer gave up
 * this stream. `GONE`: the connection ended. `CANCELLED`: this side gave the stream up.
 */
export type SpdyFault =
  | 'BAD_FRAME'
  | 'BAD_HEADERS'
  | 'TOO_LARGE'
  | 'BAD_STREAM'
  | 'FLOW_CONTROL'
  | 'RESET'
  | 'GONE'
  | 'CANCELLED';

/** The only error that sessions and streams end with, unless the transport brings its own as `cause`. */
export class SpdyError extends CodedError<{ readonly code: SpdyFault }> {}

/** An error of a code. */
export function spdyError(code: SpdyFault, message: string, options: ErrorOptions = {}): SpdyError {
  return new SpdyError(message, { code }, options);
}
