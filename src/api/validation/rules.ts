/** Small rules over fields, from which the validation of kinds is put together. A rule returns the faults it finds. */
import type { FieldError } from '../field-errors.ts';
import { duplicate, invalidValue, notSupported, required } from '../field-errors.ts';
import { isEqualJson } from '../json-equality.ts';
import { immutableMessage, inclusiveRangeMessage, negativeMessage, percentage, portNumber } from './identifiers.ts';

/** A check of a text: messages of the rules that it breaks. */
export type TextCheck = (text: string) => readonly string[];

/** One fault for each message of the check. */
export function checkText(path: string, text: string, check: TextCheck): FieldError[] {
  return check(text).map((message) => invalidValue(path, text, message));
}

/** As `checkText`, where an absent or empty text is left alone. */
export function checkOptionalText(path: string, text: string | undefined, check: TextCheck): FieldError[] {
  return text === undefined || text === '' ? [] : checkText(path, text, check);
}

/** As `checkText`, where an absent or empty text is a fault of its own. */
export function checkRequiredText(path: string, text: string | undefined, check: TextCheck): FieldError[] {
  return text === undefined || text === '' ? [required(path)] : checkText(path, text, check);
}

/** The text must be one of these; upstream lists them sorted. */
export function checkOneOf(path: string, text: string | undefined, supported: readonly string[]): FieldError[] {
  if (text === undefined || text === '') return [required(path)];
  return supported.includes(text) ? [] : [notSupported(path, text, supported.toSorted())];
}

/** As `checkOneOf`, where absence is fine. */
export function checkOptionalOneOf(path: string, text: string | undefined, supported: readonly string[]): FieldError[] {
  return text === undefined || text === '' ? [] : checkOneOf(path, text, supported);
}

/** Zero or more; absent is fine. */
export function checkNonNegative(path: string, number: number | undefined): FieldError[] {
  return number !== undefined && number < 0 ? [invalidValue(path, number, negativeMessage)] : [];
}

/** More than zero; absent is fine. */
export function checkPositive(path: string, number: number | undefined): FieldError[] {
  return number !== undefined && number <= 0 ? [invalidValue(path, number, 'must be greater than 0')] : [];
}

/** Within bounds, both included; absent is fine. */
export function checkRange(path: string, number: number | undefined, low: number, high: number): FieldError[] {
  const isOutside = number !== undefined && (number < low || number > high);
  return isOutside ? [invalidValue(path, number, inclusiveRangeMessage(low, high))] : [];
}

/** 1 to 65535. */
export function checkPort(path: string, port: number): FieldError[] {
  return portNumber(port).map((message) => invalidValue(path, port, message));
}

/** A count of zero or more, or a share of at most 100 %. Absent is fine. */
export function checkCountOrShare(path: string, value: number | string | undefined): FieldError[] {
  if (value === undefined) return [];
  if (typeof value === 'number') return checkNonNegative(path, value);
  const errors = checkText(path, value, percentage);
  if (errors.length === 0 && Number.parseInt(value, 10) > 100)
    return [invalidValue(path, value, 'must not be greater than 100%')];
  return errors;
}

/** The value must be what it was. */
export function checkImmutable(path: string, next: unknown, previous: unknown): FieldError[] {
  return isEqualJson(next, previous) ? [] : [invalidValue(path, next, immutableMessage)];
}

/** No text may stand there twice; empty ones are not compared. `pathOf` gives the path of the item at an index. */
export function checkUnique(texts: readonly (string | undefined)[], pathOf: (index: number) => string): FieldError[] {
  const seen = new Set<string>();
  return texts.flatMap((text, index) => {
    if (text === undefined || text === '') return [];
    if (seen.has(text)) return [duplicate(pathOf(index), text)];
    seen.add(text);
    return [];
  });
}

/** Faults of every item, with its path. */
export function checkItems<T>(
  path: string,
  items: readonly T[] | undefined,
  check: (item: T, path: string, index: number) => readonly FieldError[],
): FieldError[] {
  return (items ?? []).flatMap((item, index) => check(item, `${path}[${index}]`, index));
}
