/** Durations and ages as tables show them: `119s`, `2m`, `3m10s`, `15m`, `3h5m`, `30h`, `3d4h`, `20d`, `2y30d`. */
import { parseTime } from '../timestamps.ts';

/** A duration in the two largest units that still matter. Negative by more than a second is `<invalid>`. */
export function ageText(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 2 * 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return twoUnits(minutes, 'm', seconds % 60, 's');
  if (minutes < 3 * 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return twoUnits(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (hours < 24 * 8) return twoUnits(days, 'd', hours % 24, 'h');
  if (days < 365 * 2) return `${days}d`;
  const years = Math.floor(days / 365);
  return years < 8 ? twoUnits(years, 'y', days % 365, 'd') : `${years}y`;
}

/** How long ago an API time was; `<unknown>` when there is none. */
export function ageSince(time: string | null | undefined, now: Date): string {
  const milliseconds = time === undefined || time === null ? undefined : parseTime(time);
  return milliseconds === undefined ? '<unknown>' : ageText(now.getTime() - milliseconds);
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}
