/** Events of the two groups that serve them: stored as core/v1, converted field by field (k8s pkg/apis/events/v1/conversion.go). */
import type { Event, EventsV1Event } from '../../api/index.ts';

/** The core/v1 form of an events.k8s.io/v1 Event. */
export function coreEventOf(event: EventsV1Event): Event {
  const {
    regarding,
    note,
    deprecatedSource,
    deprecatedFirstTimestamp,
    deprecatedLastTimestamp,
    deprecatedCount,
    reportingController,
    ...same
  } = event;
  return {
    ...same,
    apiVersion: 'v1',
    kind: 'Event',
    metadata: event.metadata ?? {},
    involvedObject: regarding ?? {},
    ...given({
      message: note,
      source: deprecatedSource,
      firstTimestamp: deprecatedFirstTimestamp,
      lastTimestamp: deprecatedLastTimestamp,
      count: deprecatedCount,
      reportingComponent: reportingController,
    }),
  };
}

/** The events.k8s.io/v1 form of a core/v1 Event. */
export function eventsV1EventOf(event: Event): EventsV1Event {
  const {
    involvedObject,
    message,
    source,
    firstTimestamp,
    lastTimestamp,
    count,
    reportingComponent,
    eventTime,
    series,
    ...same
  } = event;
  return {
    ...same,
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    // Required here, and often absent from core events: upstream answers null, which no schema of ours can say.
    eventTime: eventTime ?? lastTimestamp ?? firstTimestamp ?? event.metadata.creationTimestamp ?? '',
    regarding: involvedObject,
    ...(series === undefined ? {} : { series: { count: series.count ?? 0, lastObservedTime: series.lastObservedTime ?? '' } }),
    ...given({
      note: message,
      deprecatedSource: source,
      deprecatedFirstTimestamp: firstTimestamp,
      deprecatedLastTimestamp: lastTimestamp,
      deprecatedCount: count,
      reportingController: reportingComponent,
    }),
  };
}

function given<T extends object>(members: T): T {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;
}
