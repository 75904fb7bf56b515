/** What an answer overwrites of its query, kept for the case that it must be begun again. Makes no garbage. */
import { headerBytes, maxUdpPacketBytes } from './protocol.ts';

/** The question itself is never written to: header and what is behind the question are all that must be kept. */
export class KeptQuery {
  readonly #bytes = new Uint8Array(maxUdpPacketBytes);

  keep(packet: Uint8Array, questionEnd: number, length: number): void {
    const kept = this.#bytes;
    for (let at = 0; at < headerBytes; at++) kept[at] = packet[at] as number;
    const end = Math.min(length, kept.length);
    for (let at = questionEnd; at < end; at++) kept[at] = packet[at] as number;
  }

  restore(packet: Uint8Array, questionEnd: number, length: number): void {
    const kept = this.#bytes;
    for (let at = 0; at < headerBytes; at++) packet[at] = kept[at] as number;
    const end = Math.min(length, kept.length);
    for (let at = questionEnd; at < end; at++) packet[at] = kept[at] as number;
  }
}
