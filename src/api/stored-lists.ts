/**
 * Lists as they stand in objects of any server: a list that is empty is often null there (Go writes a nil slice so), and what did not pass
 * this project's own validation may be or hold anything. What cannot be read is left out; what can be is returned as it is, not copied.
 */

/** The members that are objects. */
export function objectsIn<T extends object>(list: readonly T[] | null | undefined): readonly T[] {
  return membersOf(list, isObject);
}

/** The members that are texts. */
export function textsIn<T extends string>(list: readonly T[] | null | undefined): readonly T[] {
  return membersOf(list, isText);
}

/** The text, or undefined where there is something else. */
export function textOf<T extends string>(value: T | null | undefined): T | undefined {
  return typeof value === 'string' ? value : undefined;
}

function membersOf<T>(list: readonly T[] | null | undefined, isWanted: (member: unknown) => boolean): readonly T[] {
  if (!Array.isArray(list)) return [];
  const members: readonly T[] = list;
  return members.every(isWanted) ? members : members.filter(isWanted);
}

function isObject(member: unknown): boolean {
  return typeof member === 'object' && member !== null;
}

function isText(member: unknown): boolean {
  return typeof member === 'string';
}
