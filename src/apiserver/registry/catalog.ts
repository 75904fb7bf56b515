/** The resources that are served, found by group, version and plural name, and how each is stored. */
import type { Event, EventsV1Event, Resource } from '../../api/index.ts';
import { events, eventsV1Events, resources } from '../../api/index.ts';
import type { ApiObject } from '../store/index.ts';
import { coreEventOf, eventsV1EventOf } from './event-conversion.ts';

/** A resource and the form in which its objects are stored. The two differ only where two groups serve one kind of object. */
export interface Served {
  readonly resource: Resource;
  /** The resource under whose name objects are stored. */
  readonly storage: Resource;
  /** Undefined when both are the same. */
  readonly conversion: Conversion | undefined;
}

export interface Conversion {
  toStorage(object: ApiObject): ApiObject;
  fromStorage(object: ApiObject): ApiObject;
}

/** All resources, as served. Reviews are among them, although nothing of them is stored. */
export const catalog: readonly Served[] = resources.map((resource) =>
  resource === eventsV1Events
    ? { resource, storage: events, conversion: eventConversion() }
    : { resource, storage: resource, conversion: undefined },
);

const byPath: ReadonlyMap<string, Served> = new Map(
  catalog.map((served) => [`${served.resource.group}/${served.resource.version}/${served.resource.plural}`, served]),
);

/** The resource of a path, or undefined. */
export function findServed(group: string, version: string, plural: string): Served | undefined {
  return byPath.get(`${group}/${version}/${plural}`);
}

/** The served form of a known resource. */
export function servedOf(resource: Resource): Served {
  const served = findServed(resource.group, resource.version, resource.plural);
  if (served === undefined) throw new Error(`${resource.plural} is not in the catalog`);
  return served;
}

/** Groups in the order of the catalog, each with its versions. */
export function servedGroups(): ReadonlyMap<string, readonly Resource[]> {
  const groups = new Map<string, Resource[]>();
  for (const { resource } of catalog) groups.set(resource.group, [...(groups.get(resource.group) ?? []), resource]);
  return groups;
}

function eventConversion(): Conversion {
  return {
    toStorage: (object) => coreEventOf(object as EventsV1Event),
    fromStorage: (object) => eventsV1EventOf(object as unknown as Event),
  };
}
