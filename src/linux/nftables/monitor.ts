/**
 * Follows the notifications of nftables (netlink group 7) in one namespace: one message per object, then NEWGEN, which alone
 * says who it was. Event-driven in the calling thread.
 */
import type { Logger } from '../../observe/index.ts';
import { readMessages, AttributeTable, type Message } from '../netlink/message-reader.ts';
import type { NetlinkSocket } from '../netlink/netlink-socket.ts';
import { Notifications } from '../netlink/notifications.ts';
import { decodeGeneration } from './decode.ts';
import { NFNLGRP_NFTABLES, NFT_MSG, familyFromNumber } from './messages.ts';
import type { NftEvent } from './model.ts';

type Change = Extract<NftEvent, { kind: 'change' }>;

/** What a message type announces, and which attribute names it. */
const announcements = new Map<number, Pick<Change, 'action' | 'object'> & { readonly nameType: number }>([
  [NFT_MSG.NEWTABLE, { action: 'new', object: 'table', nameType: 1 }],
  [NFT_MSG.DELTABLE, { action: 'delete', object: 'table', nameType: 1 }],
  [NFT_MSG.NEWCHAIN, { action: 'new', object: 'chain', nameType: 3 }],
  [NFT_MSG.DELCHAIN, { action: 'delete', object: 'chain', nameType: 3 }],
  [NFT_MSG.NEWRULE, { action: 'new', object: 'rule', nameType: 2 }],
  [NFT_MSG.DELRULE, { action: 'delete', object: 'rule', nameType: 2 }],
  [NFT_MSG.NEWSET, { action: 'new', object: 'set', nameType: 2 }],
  [NFT_MSG.DELSET, { action: 'delete', object: 'set', nameType: 2 }],
  [NFT_MSG.NEWSETELEM, { action: 'new', object: 'elements', nameType: 2 }],
  [NFT_MSG.DELSETELEM, { action: 'delete', object: 'elements', nameType: 2 }],
  [NFT_MSG.NEWOBJ, { action: 'new', object: 'object', nameType: 2 }],
  [NFT_MSG.DELOBJ, { action: 'delete', object: 'object', nameType: 2 }],
]);

/**
 * Runs from construction to `close()`. Several equal changes in a row (the elements of one set) are told once. An overrun of
 * the receive buffer is told as such and the following goes on: whoever cares compares everything then.
 */
export class NftMonitor {
  readonly #onEvent: (event: NftEvent) => void;
  readonly #notifications: Notifications;
  #last: Change | undefined;

  /** `socket`: a netfilter socket for this alone, closed with the monitor. */
  constructor(
    { socket, onEvent }: { readonly socket: NetlinkSocket; readonly onEvent: (event: NftEvent) => void },
    context: { readonly logger: Logger },
  ) {
    this.#onEvent = onEvent;
    const onData = (bytes: Uint8Array): void => {
      for (const message of readMessages(bytes)) this.#take(message);
    };
    const onOverrun = (): void => {
      this.#last = undefined;
      onEvent({ kind: 'overrun' });
    };
    const groups = [NFNLGRP_NFTABLES];
    this.#notifications = new Notifications({ socket, groups, subject: 'nftables', onData, onOverrun }, context);
  }

  close(): Promise<void> {
    return this.#notifications.close();
  }

  #take(message: Message): void {
    if (message.type === NFT_MSG.NEWGEN) {
      this.#last = undefined;
      this.#onEvent({ kind: 'generation', generation: decodeGeneration(message) });
      return;
    }
    const change = decodeChange(message);
    if (change === undefined || isSame(change, this.#last)) return;
    this.#last = change;
    this.#onEvent(change);
  }
}

const attributes = new AttributeTable(4);

/** Undefined for families that are not ours. Pure. */
export function decodeChange(message: Message): Change | undefined {
  const family = familyFromNumber(message.bytes[message.start] ?? 0);
  if (family === undefined) return undefined;
  const { action, object, nameType } = announcements.get(message.type) ?? { action: 'new', object: 'other', nameType: 2 };
  attributes.parse(message.bytes, message.start + 4, message.end);
  return {
    kind: 'change',
    action,
    object,
    table: { family, name: attributes.string(1) ?? '' },
    name: attributes.string(nameType) ?? '',
  };
}

function isSame(a: Change, b: Change | undefined): boolean {
  if (b === undefined || a.action !== b.action || a.object !== b.object || a.name !== b.name) return false;
  return a.table.name === b.table.name && a.table.family === b.table.family;
}
