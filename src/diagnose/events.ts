import type { CoreV1Event } from '@kubernetes/client-node';

/** Milliseconds since the epoch, of a time as the API server or a recorded snapshot gives it; 0 where there is none. */
export const millis = (time: Date | string | undefined) =>
  time === undefined ? 0 : new Date(time).getTime();

/** When an event was seen last: each kind of reporter fills in other fields. */
export const seenAt = (event: CoreV1Event) =>
  Math.max(millis(event.lastTimestamp), millis(event.series?.lastObservedTime), millis(event.eventTime));
export const timesSeen = (event: CoreV1Event) => event.series?.count ?? event.count ?? 1;
