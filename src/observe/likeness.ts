/** Whether two names are the same but for a slip. Pure. */

/** The same but for case, or one within the other (of three letters or more), or one letter away, or two swapped. */
export function isAlike(a: string, b: string): boolean {
  const [left, right] = [a.toLowerCase(), b.toLowerCase()];
  if (left === right) return true;
  const [short, long] = left.length <= right.length ? [left, right] : [right, left];
  return (short.length >= 3 && long.includes(short)) || (short.length >= 3 && isOneEditAway(short, long));
}

function isOneEditAway(short: string, long: string): boolean {
  if (long.length - short.length > 1) return false;
  let at = 0;
  while (at < short.length && short[at] === long[at]) at++;
  const rest = short.length === long.length ? short.slice(at + 1) : short.slice(at);
  if (rest === long.slice(at + 1)) return true;
  // two neighbours swapped
  return (
    short.length === long.length &&
    short[at] === long[at + 1] &&
    short[at + 1] === long[at] &&
    short.slice(at + 2) === long.slice(at + 2)
  );
}
