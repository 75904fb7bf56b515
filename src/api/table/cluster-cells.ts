/** Rows of nodes, namespaces, settings, events and the rest. */
import type {
  ClusterRoleBinding,
  ConfigMap,
  Event,
  EventsV1Event,
  Lease,
  Namespace,
  Node,
  PriorityClass,
  ResourceQuota,
  RoleBinding,
  Secret,
  ServiceAccount,
} from '../kinds/index.ts';
import { ageSince } from './age.ts';
import type { Cell } from './cells.ts';
import { none, orNone, unknownCell } from './cells.ts';

/** Name, status with conditions, roles, age, version, addresses, system. */
export function nodeCells({ metadata, spec, status }: Node, now: Date): readonly Cell[] {
  const addressOf = (type: string): string => orNone(status?.addresses?.find((address) => address.type === type)?.address);
  const info = status?.nodeInfo;
  const kernel = orUnknown(info?.kernelVersion);
  const architecture = info?.architecture ?? '';
  return [
    metadata?.name ?? '',
    nodeStatus(spec?.unschedulable === true, status?.conditions),
    nodeRoles(metadata?.labels ?? {}),
    ageSince(metadata?.creationTimestamp, now),
    info?.kubeletVersion ?? '',
    addressOf('InternalIP'),
    addressOf('ExternalIP'),
    orUnknown(info?.osImage),
    architecture === '' ? kernel : `${kernel} (${architecture})`,
    orUnknown(info?.containerRuntimeVersion),
  ];
}

function nodeStatus(
  isUnschedulable: boolean,
  conditions: readonly { readonly type: string; readonly status: string }[] | undefined,
): string {
  const ready = conditions?.find(({ type }) => type === 'Ready');
  const state = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return isUnschedulable ? `${state},SchedulingDisabled` : state;
}

function nodeRoles(labels: Readonly<Record<string, string>>): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(labels)) {
    if (key.startsWith(prefix) && key.length > prefix.length) roles.add(key.slice(prefix.length));
    else if (key === 'kubernetes.io/role' && value !== '') roles.add(value);
  }
  return orNone([...roles].toSorted().join(','));
}

/** Name, phase, age. */
export function namespaceCells({ metadata, status }: Namespace, now: Date): readonly Cell[] {
  return [metadata?.name ?? '', status?.phase ?? '', ageSince(metadata?.creationTimestamp, now)];
}

/** Name, number of keys, age. */
export function configMapCells({ metadata, data, binaryData }: ConfigMap, now: Date): readonly Cell[] {
  const count = Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length;
  return [metadata?.name ?? '', count, ageSince(metadata?.creationTimestamp, now)];
}

/** Name, type, number of keys, age. */
export function secretCells({ metadata, type, data }: Secret, now: Date): readonly Cell[] {
  return [metadata?.name ?? '', type ?? '', Object.keys(data ?? {}).length, ageSince(metadata?.creationTimestamp, now)];
}

/** Name, age. */
export function serviceAccountCells({ metadata }: ServiceAccount, now: Date): readonly Cell[] {
  return [metadata?.name ?? '', ageSince(metadata?.creationTimestamp, now)];
}

/** Name, holder, age. */
export function leaseCells({ metadata, spec }: Lease, now: Date): readonly Cell[] {
  return [metadata?.name ?? '', spec?.holderIdentity ?? '', ageSince(metadata?.creationTimestamp, now)];
}

/** When last seen, type, reason, object, message, and wide: who and how often. */
export function eventCells(event: Event, now: Date): readonly Cell[] {
  const { metadata, involvedObject, source, series, eventTime } = event;
  return eventRow(
    {
      name: metadata.name,
      type: event.type,
      reason: event.reason,
      message: event.message,
      object: involvedObject,
      component: source?.component ?? event.reportingComponent,
      host: source?.host,
      first: event.firstTimestamp ?? eventTime,
      last: series?.lastObservedTime ?? event.lastTimestamp ?? eventTime,
      count: series?.count ?? event.count,
    },
    now,
  );
}

/** The same of the newer kind. */
export function eventsV1EventCells(event: EventsV1Event, now: Date): readonly Cell[] {
  const { metadata, regarding, series, eventTime } = event;
  return eventRow(
    {
      name: metadata?.name,
      type: event.type,
      reason: event.reason,
      message: event.note,
      object: regarding,
      component: event.deprecatedSource?.component ?? event.reportingController,
      host: event.deprecatedSource?.host,
      first: event.deprecatedFirstTimestamp ?? eventTime,
      last: series?.lastObservedTime ?? event.deprecatedLastTimestamp ?? eventTime,
      count: series?.count ?? event.deprecatedCount,
    },
    now,
  );
}

interface EventFacts {
  readonly name: string | undefined;
  readonly type: string | undefined;
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly object:
    | { readonly kind?: string | undefined; readonly name?: string | undefined; readonly fieldPath?: string | undefined }
    | undefined;
  readonly component: string | undefined;
  readonly host: string | undefined;
  readonly first: string | undefined;
  readonly last: string | undefined;
  readonly count: number | undefined;
}

function eventRow(event: EventFacts, now: Date): readonly Cell[] {
  const { object } = event;
  const target = object?.name === undefined || object.name === '' ? '' : `/${object.name}`;
  const source = [event.component, event.host].filter((part) => part !== undefined && part !== '');
  return [
    ageSince(event.last ?? event.first, now),
    event.type ?? '',
    event.reason ?? '',
    `${(object?.kind ?? '').toLowerCase()}${target}`,
    object?.fieldPath ?? '',
    source.join(', '),
    (event.message ?? '').trim(),
    ageSince(event.first ?? event.last, now),
    // An event without a count was seen once.
    event.count === undefined || event.count === 0 ? 1 : event.count,
    event.name ?? '',
  ];
}

/** Name, what is used of what is allowed, age. */
export function resourceQuotaCells({ metadata, status }: ResourceQuota, now: Date): readonly Cell[] {
  const names = Object.keys(status?.hard ?? {}).toSorted();
  const show = (name: string): string => `${name}: ${status?.used?.[name] ?? '0'}/${status?.hard?.[name] ?? '0'}`;
  const isLimit = (name: string): boolean => name.startsWith('limits.');
  return [
    metadata?.name ?? '',
    names
      .filter((name) => !isLimit(name))
      .map(show)
      .join(', '),
    names.filter(isLimit).map(show).join(', '),
    ageSince(metadata?.creationTimestamp, now),
  ];
}

/** Name, role, age, and wide: who has it. */
export function roleBindingCells(
  { metadata, roleRef, subjects = [] }: RoleBinding | ClusterRoleBinding,
  now: Date,
): readonly Cell[] {
  const named = (kind: string): string =>
    subjects
      .filter((subject) => subject.kind === kind)
      .map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name))
      .join(', ');
  return [
    metadata?.name ?? '',
    `${roleRef?.kind ?? ''}/${roleRef?.name ?? ''}`,
    ageSince(metadata?.creationTimestamp, now),
    named('User'),
    named('Group'),
    named('ServiceAccount'),
  ];
}

/** Name, value, whether it is the default, age. */
export function priorityClassCells(
  { metadata, value, globalDefault, preemptionPolicy }: PriorityClass,
  now: Date,
): readonly Cell[] {
  return [
    metadata?.name ?? '',
    value ?? 0,
    globalDefault ?? false,
    ageSince(metadata?.creationTimestamp, now),
    preemptionPolicy ?? none,
  ];
}

function orUnknown(text: string | undefined): string {
  return text === undefined || text === '' ? unknownCell : text;
}
