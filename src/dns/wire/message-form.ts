/** What a message consists of, and where the data of records hold names. */
import { CodedError } from '../../observe/index.ts';

export interface Question {
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

export interface ResourceRecord {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly ttlSeconds: number;
  /** Wire form with every name in it uncompressed. */
  readonly data: Uint8Array;
}

export interface Message {
  readonly id: number;
  /** Second word of the header: QR, opcode, AA, TC, RD, RA, AD, CD and the low bits of the code. */
  readonly flags: number;
  /** With the OPT record's bits. */
  readonly rcode: number;
  readonly questions: readonly Question[];
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  /** Without the OPT record. */
  readonly additionals: readonly ResourceRecord[];
  /** Absent without EDNS. */
  readonly edns?: { readonly udpBytes: number; readonly version: number; readonly isDnssecOk: boolean };
}

/** Thrown by `decodeMessage` and `encodeMessage`. */
export class MessageError extends CodedError<{ readonly code: 'truncated' | 'bad-name' | 'bad-record' | 'too-long' }> {}

/** Bytes of a one-byte string. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/**
 * Where names stand in the data of a type: bytes before the first, how many there are, and whether a writer may compress
 * them (RFC 3597 §4: only types of RFC 1035). A reader accepts pointers in all of them.
 */
export const namesInData = new Map<number, { readonly before: number; readonly names: number; readonly mayCompress: boolean }>([
  [2, { before: 0, names: 1, mayCompress: true }], // NS
  [5, { before: 0, names: 1, mayCompress: true }], // CNAME
  [6, { before: 0, names: 2, mayCompress: true }], // SOA
  [12, { before: 0, names: 1, mayCompress: true }], // PTR
  [15, { before: 2, names: 1, mayCompress: true }], // MX
  [17, { before: 0, names: 2, mayCompress: false }], // RP
  [18, { before: 2, names: 1, mayCompress: false }], // AFSDB
  [21, { before: 2, names: 1, mayCompress: false }], // RT
  [33, { before: 6, names: 1, mayCompress: false }], // SRV
  [36, { before: 2, names: 1, mayCompress: false }], // KX
  [39, { before: 0, names: 1, mayCompress: false }], // DNAME
]);
