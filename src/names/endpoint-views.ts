/** Endpoints as a person sees them: every one that the slices of a Service list, ready or not. Pure. */
import { objectsIn, textsIn } from '../api/index.ts';
import type { Endpoint, EndpointSlice } from '../api/index.ts';
import { parseIp } from '../net/index.ts';
import type { KnownService, NameIndex } from './name-index.ts';
import { endpointLabel, isReady } from './service-records.ts';
import { addressToWire } from './wire-name.ts';

/** One endpoint of a Service as its slice lists it. */
export interface EndpointView {
  readonly address: string;
  /** Its label below the Service's name. */
  readonly label: string;
  readonly isReady: boolean;
  readonly isTerminating: boolean;
  /** `Pod/name`, where the endpoint says. */
  readonly target?: string;
  readonly nodeName?: string;
}

/** Every endpoint that the slices of a Service list, ready or not. */
export function endpointViews(
  index: NameIndex,
  known: KnownService,
): { readonly view: EndpointView; readonly slice: EndpointSlice; readonly addressWire: string }[] {
  return known.slices.flatMap((slice) =>
    objectsIn(slice.endpoints).flatMap((endpoint) =>
      textsIn(endpoint.addresses).flatMap((address) => {
        const ip = parseIp(address);
        if (ip === undefined) return [];
        return [{ view: viewOf(endpoint, address, index), slice, addressWire: addressToWire(ip) }];
      }),
    ),
  );
}

function viewOf(endpoint: Endpoint, address: string, index: NameIndex): EndpointView {
  const { targetRef, nodeName } = endpoint;
  return {
    address,
    label: endpointLabel(endpoint, address, index.recordOptions),
    isReady: isReady(endpoint),
    isTerminating: endpoint.conditions?.terminating === true,
    ...(targetRef?.name === undefined ? {} : { target: `${targetRef.kind ?? 'Pod'}/${targetRef.name}` }),
    ...(nodeName === undefined ? {} : { nodeName }),
  };
}
