/** Filling in what an object leaves open. */

/** The object with these members where it has none; the object itself when it has all of them. */
export function fill<T extends object>(object: T, defaults: { readonly [K in keyof T]?: T[K] }): T {
  const missing = Object.entries(defaults).filter(
    ([name, value]) => value !== undefined && (object as Readonly<Record<string, unknown>>)[name] === undefined,
  );
  return missing.length === 0 ? object : { ...object, ...Object.fromEntries(missing) };
}

/** The object with a member changed by `change`, if it has that member. */
export function adjust<T extends object, K extends keyof T>(object: T, name: K, change: (value: NonNullable<T[K]>) => T[K]): T {
  const value = object[name];
  if (value === undefined || value === null) return object;
  const changed = change(value);
  return changed === value ? object : { ...object, [name]: changed };
}

/** Every item changed; the same list when no item did. */
export function adjustItems<T>(items: readonly T[], change: (item: T) => T): readonly T[] {
  const changed = items.map(change);
  return changed.every((item, index) => item === items[index]) ? items : changed;
}
