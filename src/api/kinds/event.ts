/** Schemas of Kubernetes 1.36: event. */
import type { Infer } from '../schema.ts';
import { field, int32, microTime, object, required, string, time } from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';
import { objectReferenceSchema } from './references.ts';

export const eventSeriesSchema = object('io.k8s.api.core.v1.EventSeries', {
  count: field(1, int32),
  lastObservedTime: field(2, microTime),
});
export type EventSeries = Infer<typeof eventSeriesSchema>;

export const eventSourceSchema = object('io.k8s.api.core.v1.EventSource', {
  component: field(1, string),
  host: field(2, string),
});
export type EventSource = Infer<typeof eventSourceSchema>;

export const eventSchema = object(
  'io.k8s.api.core.v1.Event',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: required(1, objectMetaSchema, 'keepsZero'),
    involvedObject: required(2, objectReferenceSchema, 'keepsZero'),
    reason: field(3, string),
    message: field(4, string),
    source: field(5, eventSourceSchema),
    firstTimestamp: field(6, time),
    lastTimestamp: field(7, time),
    count: field(8, int32),
    type: field(9, string),
    eventTime: field(10, microTime),
    series: field(11, eventSeriesSchema, 'pointer'),
    action: field(12, string),
    related: field(13, objectReferenceSchema, 'pointer'),
    reportingComponent: field(14, string, 'keepsZero'),
    reportingInstance: field(15, string, 'keepsZero'),
  },
  { gvk: [['', 'v1', 'Event']] },
);
export type Event = Infer<typeof eventSchema>;

export const eventsV1EventSeriesSchema = object('io.k8s.api.events.v1.EventSeries', {
  count: required(1, int32, 'keepsZero'),
  lastObservedTime: required(2, microTime, 'keepsZero'),
});
export type EventsV1EventSeries = Infer<typeof eventsV1EventSeriesSchema>;

export const eventsV1EventSchema = object(
  'io.k8s.api.events.v1.Event',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema, 'keepsZero'),
    eventTime: required(2, microTime, 'keepsZero'),
    series: field(3, eventsV1EventSeriesSchema, 'pointer'),
    reportingController: field(4, string),
    reportingInstance: field(5, string),
    action: field(6, string),
    reason: field(7, string),
    regarding: field(8, objectReferenceSchema),
    related: field(9, objectReferenceSchema, 'pointer'),
    note: field(10, string),
    type: field(11, string),
    deprecatedSource: field(12, eventSourceSchema),
    deprecatedFirstTimestamp: field(13, time),
    deprecatedLastTimestamp: field(14, time),
    deprecatedCount: field(15, int32),
  },
  { gvk: [['events.k8s.io', 'v1', 'Event']] },
);
export type EventsV1Event = Infer<typeof eventsV1EventSchema>;

export const events = resource({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: eventSchema,
  columns: [
    { name: 'Last Seen', type: 'string', priority: 0 },
    { name: 'Type', type: 'string', priority: 0 },
    { name: 'Reason', type: 'string', priority: 0 },
    { name: 'Object', type: 'string', priority: 0 },
    { name: 'Subobject', type: 'string', priority: 1 },
    { name: 'Source', type: 'string', priority: 1 },
    { name: 'Message', type: 'string', priority: 0 },
    { name: 'First Seen', type: 'string', priority: 1 },
    { name: 'Count', type: 'string', priority: 1 },
    { name: 'Name', type: 'string', format: 'name', priority: 1 },
  ],
});

export const eventsV1Events = resource({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: eventsV1EventSchema,
  columns: [
    { name: 'Last Seen', type: 'string', priority: 0 },
    { name: 'Type', type: 'string', priority: 0 },
    { name: 'Reason', type: 'string', priority: 0 },
    { name: 'Object', type: 'string', priority: 0 },
    { name: 'Subobject', type: 'string', priority: 1 },
    { name: 'Source', type: 'string', priority: 1 },
    { name: 'Message', type: 'string', priority: 0 },
    { name: 'First Seen', type: 'string', priority: 1 },
    { name: 'Count', type: 'string', priority: 1 },
    { name: 'Name', type: 'string', format: 'name', priority: 1 },
  ],
});
