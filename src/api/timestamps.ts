/** Times in API objects: RFC 3339 in UTC, whole seconds (`Time`) or microseconds (`MicroTime`). */

/** A point in time as `Time` writes it: `2026-01-02T15:04:05Z`. */
export function formatTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** A point in time as `MicroTime` writes it, six digits of which a Date fills three. */
export function formatMicroTime(date: Date): string {
  return `${date.toISOString().slice(0, 23)}000Z`;
}

/** Milliseconds since 1970 of an RFC 3339 text; undefined when it is not one. */
export function parseTime(text: string): number | undefined {
  if (!rfc3339.test(text)) return undefined;
  const milliseconds = Date.parse(text);
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}

/** The same point in time as `Time` writes it; the text itself when it is no time. */
export function canonicalTime(text: string): string {
  const milliseconds = parseTime(text);
  return milliseconds === undefined ? text : formatTime(new Date(Math.floor(milliseconds / 1000) * 1000));
}

/** The same point in time as `MicroTime` writes it; the text itself when it is no time. */
export function canonicalMicroTime(text: string): string {
  const milliseconds = parseTime(text);
  if (milliseconds === undefined) return text;
  const micros = (/\.([0-9]+)/.exec(text)?.[1] ?? '').padEnd(6, '0').slice(0, 6);
  return `${new Date(milliseconds).toISOString().slice(0, 19)}.${micros}Z`;
}

const rfc3339 = /^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](\.[0-9]+)?(Z|[-+][0-2][0-9]:[0-5][0-9])$/;
