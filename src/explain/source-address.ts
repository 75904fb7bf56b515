/** Which address an endpoint sees as its client. Pure. */
import { ipFamilyOf } from '../net/index.ts';
import { internalIpsOf } from '../routing/index.ts';
import type { Frontend } from '../routing/index.ts';
import type { ClientPlace } from './client-place.ts';
import type { SeenAddress } from './explanation.ts';
import { nodeMap } from './world.ts';
import type { World } from './world.ts';

/** Where a packet enters the cluster: the node whose rules decide, and whether the client counts as inside there. */
export interface Entry {
  readonly nodeName: string;
  readonly isInside: boolean;
  /** Probability that the packet enters here. */
  readonly weight: number;
}

/** What an endpoint sees of a client that came through a frontend. One that reaches itself always sees its node. */
export function seenThrough(
  world: World,
  client: ClientPlace,
  entry: Entry,
  frontend: Frontend,
  endpointAddress: string,
): SeenAddress {
  const family = ipFamilyOf(endpointAddress);
  const own = client.addresses.find((address) => ipFamilyOf(address) === family);
  const node = internalIpsOf(nodeMap(world).get(entry.nodeName)).find((address) => ipFamilyOf(address) === family);
  const isHairpin = own !== undefined && own === endpointAddress;
  // a packet for the node itself never passes postrouting, unless it was sent from there
  const isDelivered = node === endpointAddress && !(client.isHostNetwork && client.nodeName === entry.nodeName);
  const scope = !entry.isInside ? 'outside' : client.isHostNetwork ? 'node' : 'pod';
  if (isDelivered || (frontend.source[scope] === 'kept' && !isHairpin)) return seenDirectly(client, endpointAddress);
  return {
    ...(node === undefined ? {} : { address: node }),
    source: isHairpin ? 'hairpin' : 'masqueraded',
    node: entry.nodeName,
  };
}

/** What is seen without any proxy between. */
export function seenDirectly(client: ClientPlace, endpointAddress: string): SeenAddress {
  const own = client.addresses.find((address) => ipFamilyOf(address) === ipFamilyOf(endpointAddress));
  return { ...(own === undefined ? {} : { address: own }), source: 'kept' };
}

/** As words. */
export function seenText({ address, source, node }: SeenAddress): string {
  switch (source) {
    case 'kept':
      return address === undefined ? "the client's own address" : `${address}, the client's own address`;
    case 'hairpin':
      return `${address ?? node ?? ''}, its node ${node ?? ''}: an endpoint that reaches itself`;
    case 'masqueraded':
      return `${address ?? node ?? ''}, the address of ${node ?? ''}: the client's is hidden`;
  }
}
