/** Names of the rest of the world: a small zone that the lab serves itself, and what lies beyond it if the user says where. */
import {
  bytesOf,
  classIn,
  createCachingForwarder,
  createForwarder,
  createHostsForwarder,
  createZoneForwarder,
  emptyAnswer,
  headerFlags,
  rcodes,
  startForwardingServer,
} from '../dns/index.ts';
import type { Forwarder, ForwardingServer, ResourceRecord, UpstreamAddress } from '../dns/index.ts';
import type { Place } from '../lab/index.ts';
import { mustEncodeName, rrTypes } from '../names/index.ts';
import { CodedError } from '../observe/index.ts';
import type { Logger } from '../observe/index.ts';
import { isPort, parseIp } from '../net/index.ts';

/** The zone of `outside`. The lab is its authority: what is not in it does not exist. */
export const outsideZone = 'outside.example';

/** Names that lead to `outside`. The last is the one that Kubernetes' own example of an ExternalName Service points to. */
export const outsideNames = [`www.${outsideZone}`, `echo.${outsideZone}`, outsideZone, 'thisis.externalname.com'] as const;

/** Thrown for a `forward` that is no address. */
export class ForwardAddressError extends CodedError<{ readonly code: 'forward-address'; readonly text: string }> {}

/**
 * Answers the names of `outside`, and asks `upstreams` for all others. Without any the lab is the whole world, and other names
 * do not exist: nothing is sent beyond it. (REFUSED would say so better, but musl then asks again for five seconds.)
 */
export function createOutsideForwarder(
  options: { readonly addresses: readonly string[]; readonly upstreams: readonly UpstreamAddress[] },
  { logger }: { readonly logger: Logger },
): Forwarder {
  const { addresses, upstreams } = options;
  const beyond =
    upstreams.length === 0
      ? missingFrom('.')
      : createCachingForwarder(createForwarder({ upstreams }, { logger }), { nowMs: () => performance.now() });
  const zones = createZoneForwarder(
    new Map([
      [outsideZone, missingFrom(outsideZone)],
      ['.', beyond],
    ]),
  );
  const entries = addresses.map((address) => ({ address, names: [...outsideNames] }));
  return createHostsForwarder(entries, zones, { ttlSeconds });
}

/** The name server that programs in `outside` find: it knows the world, not the cluster. */
export async function startOutsideNames(
  outside: Place,
  forwarder: Forwarder,
  { logger }: { readonly logger: Logger },
): Promise<ForwardingServer> {
  const places = mainAddresses(outside).map((address) => ({ address, port: 53 }));
  const [udpFds, tcpFds] = await Promise.all([
    Promise.all(places.map((place) => outside.openDatagrams(place))),
    Promise.all(places.map((place) => outside.openListener(place))),
  ]);
  return startForwardingServer({ listen: { udpFds, tcpFds }, forwarder }, { logger });
}

/** The first address of each family: `outside` itself, where its other addresses are clients. */
export function mainAddresses(outside: Pick<Place, 'addresses'>): readonly string[] {
  const first = (isV6: boolean): string[] => outside.addresses.filter((address) => address.includes(':') === isV6).slice(0, 1);
  return [...first(false), ...first(true)];
}

/** The resolv.conf of programs in `outside`. */
export function outsideResolvConf(outside: Pick<Place, 'addresses'>): string {
  return mainAddresses(outside)
    .map((address) => `nameserver ${address}\n`)
    .join('');
}

/** `ADDRESS` or `ADDRESS:PORT` (`[ADDRESS]:PORT` for IPv6). Throws `ForwardAddressError`. */
export function parseForward(text: string): UpstreamAddress {
  if (parseIp(text) !== undefined) return { address: text, port: 53 };
  const match = /^\[?(.*?)\]?:([0-9]+)$/.exec(text);
  const [address, port] = [match?.[1] ?? '', Number(match?.[2])];
  if (parseIp(address) === undefined || !isPort(port))
    throw new ForwardAddressError(`--forward takes ADDRESS or ADDRESS:PORT of a name server, not ${text}`, {
      code: 'forward-address',
      text,
    });
  return { address, port };
}

const ttlSeconds = 30;

/** serial 1, refresh, retry, expire, and how long a missing name may be remembered. */
const soaTimes = [1, 7_200, 1_800, 86_400, ttlSeconds];

/** Nothing that is asked of the zone exists: NXDOMAIN, and the SOA record that lets it be remembered. */
function missingFrom(zone: string): Forwarder {
  const name = zone === '.' ? '\0' : `${mustEncodeName(zone)}\0`;
  const server = `${mustEncodeName(outsideZone)}\0`;
  const startOfAuthority: ResourceRecord = {
    name,
    type: rrTypes.SOA,
    class: classIn,
    ttlSeconds,
    data: Uint8Array.from([
      ...bytesOf(`${server}\x0ahostmaster${server}`),
      ...soaTimes.flatMap((value) => [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]),
    ]),
  };
  return {
    forward: async (query) => {
      const empty = emptyAnswer(query, rcodes.NXDOMAIN);
      return { ...empty, flags: empty.flags | headerFlags.AA, authorities: [startOfAuthority] };
    },
    close: async () => undefined,
  };
}
