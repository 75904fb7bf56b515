/** `fairlead affinity list|clear`: which clients are pinned to which endpoints, read from the kernel of each node, and removed there. */
import { formatHostPort, parseIp } from '../net/index.ts';
import { CodedError } from '../observe/index.ts';
import { askLab } from './control.ts';
import type { AffinityPin, PinFilter } from './control.ts';
import type { AffinityFlags } from './main.ts';
import { findLab } from './state-directory.ts';
import { formatTable } from './table.ts';

/** A filter that cannot be understood. */
export class AffinityError extends CodedError<{ readonly code: 'bad-filter' }> {}

/** Prints the pins, or how many were removed. */
export async function affinity(action: 'list' | 'clear', flags: AffinityFlags): Promise<void> {
  const filter = filterOf(flags);
  const { controlSocket } = findLab(flags.name).ready;
  if (action === 'clear') {
    const count = await askLab(controlSocket, { op: 'clear-affinity', filter });
    console.log(`${count} ${count === 1 ? 'pin' : 'pins'} removed`);
    return;
  }
  const pins = await askLab(controlSocket, { op: 'affinity', filter });
  console.log(flags.output === 'json' ? JSON.stringify(pins, undefined, 2) : printPins(pins));
}

/** A table, or a sentence when there are none. */
export function printPins(pins: readonly AffinityPin[]): string {
  if (pins.length === 0) return 'no client is pinned';
  const rows = pins.map((pin) => [
    pin.node,
    pin.client,
    pin.service ?? '',
    `${pin.frontend.address === undefined ? `node:${pin.frontend.port}` : formatHostPort(pin.frontend.address, pin.frontend.port)}/${pin.frontend.protocol}`,
    pin.endpoint ?? 'gone',
    // a Service's pods are in its own namespace
    pin.pod?.split('/').at(-1) ?? '',
    `${Math.ceil(pin.secondsLeft)}s`,
  ]);
  return formatTable(['NODE', 'CLIENT', 'SERVICE', 'FRONTEND', 'ENDPOINT', 'POD', 'LEFT'], rows).join('\n');
}

function filterOf({ service, client, node }: AffinityFlags): PinFilter {
  if (client !== undefined && parseIp(client) === undefined)
    throw new AffinityError(`--client ${client} is no IP address`, { code: 'bad-filter' });
  return {
    ...(service === undefined ? {} : { service: service.includes('/') ? service : `default/${service}` }),
    ...(client === undefined ? {} : { client }),
    ...(node === undefined ? {} : { node }),
  };
}
