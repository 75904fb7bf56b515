/** Label selectors and field selectors: parsing, checking, matching. Grammar of k8s apimachinery/pkg/{labels,fields}. */
import { goQuote } from './field-errors.ts';
import type { LabelSelector } from './kinds/meta.ts';
import { badRequest } from './status.ts';
import { labelValue, qualifiedName } from './validation/identifiers.ts';

export type Labels = Readonly<Record<string, string>>;

export type LabelOperator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';

/** One condition on one label. `values` is empty for the two existence operators. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

/** A compiled label selector. */
export interface LabelSelectorMatcher {
  /** What it demands; empty together with `matchesNothing` false means everything matches. */
  readonly requirements: readonly LabelRequirement[];
  /** The selector of a nil LabelSelector: no object matches. */
  readonly matchesNothing: boolean;
  matches(labels: Labels | undefined): boolean;
}

/** One condition on one field. An absent field compares as the zero value that the server prints for it. */
export interface FieldRequirement {
  readonly field: string;
  readonly isEqual: boolean;
  readonly value: string;
}

/** A compiled field selector. */
export interface FieldSelectorMatcher {
  readonly requirements: readonly FieldRequirement[];
  /** `fields` gives the printed value of each selectable field of an object. */
  matches(fields: Labels): boolean;
  /** The value that the selector demands of a field by equality, if it does; lets a caller look up instead of scan. */
  exactValue(field: string): string | undefined;
}

/** The selector that matches every object. */
export const everything: LabelSelectorMatcher = labelMatcher([], false);

/** The selector that matches no object. */
export const nothing: LabelSelectorMatcher = labelMatcher([], true);

/**
 * Parses the text form: `k`, `!k`, `k=v`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k>1`, `k<1`, joined by commas.
 * Throws a 400 StatusError when it is malformed.
 */
export function parseLabelSelector(text: string): LabelSelectorMatcher {
  const tokens = tokenize(text);
  const requirements: LabelRequirement[] = [];
  let at = 0;
  const next = (): Token => tokens[at++] ?? endToken;
  if (tokens.length === 0) return everything;
  for (;;) {
    requirements.push(parseRequirement(next, () => tokens[at] ?? endToken));
    const separator = next();
    if (separator.kind === 'end') return labelMatcher(requirements, false);
    if (separator.kind !== ',') throw unparsable(`found '${separator.text}', expected: ',' or 'end of string'`);
  }
}

/** The selector of an API object (`spec.selector` of a Deployment and others). Absent matches nothing, `{}` everything. */
export function labelSelectorFromObject(selector: LabelSelector | null | undefined): LabelSelectorMatcher {
  if (selector === undefined || selector === null) return nothing;
  const requirements = mapRequirements(selector.matchLabels ?? {});
  for (const expression of selector.matchExpressions ?? []) {
    const operator = expression.operator;
    if (operator !== 'In' && operator !== 'NotIn' && operator !== 'Exists' && operator !== 'DoesNotExist')
      throw badRequest(`${goQuote(operator)} is not a valid label selector operator`);
    requirements.push({ key: expression.key, operator, values: expression.values ?? [] });
  }
  return labelMatcher(requirements, false);
}

/** The selector of a plain map (`spec.selector` of a Service). Absent and empty both match everything: check nil before. */
export function selectorFromMap(map: Labels | null | undefined): LabelSelectorMatcher {
  return labelMatcher(mapRequirements(map ?? {}), false);
}

/** The text form of a selector, as `kubectl scale` and `describe` show it; parses back to the same selector. */
export function printLabelSelector(selector: LabelSelectorMatcher): string {
  const requirements = selector.requirements.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return requirements.map(printRequirement).join(',');
}

/** The text form of an API object's selector; `<none>` when it is absent or selects everything. */
export function describeLabelSelector(selector: LabelSelector | null | undefined): string {
  const text = printLabelSelector(labelSelectorFromObject(selector));
  return text === '' ? '<none>' : text;
}

/** Parses `a=b,c!=d`; `\` escapes `,`, `=` and itself. Throws a 400 StatusError when it is malformed. */
export function parseFieldSelector(text: string): FieldSelectorMatcher {
  const requirements: FieldRequirement[] = [];
  for (const part of splitUnescaped(text)) {
    if (part === '') continue;
    const match = /^((?:[^\\=!]|\\.|!(?!=))*?)(==|!=|=)(.*)$/s.exec(part);
    if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
    const [, field = '', operator = '', value = ''] = match;
    requirements.push({ field, isEqual: operator !== '!=', value: unescapeValue(value) });
  }
  return {
    requirements,
    matches: (fields) => requirements.every(({ field, isEqual, value }) => ((fields[field] ?? '') === value) === isEqual),
    exactValue: (field) => requirements.find((requirement) => requirement.isEqual && requirement.field === field)?.value,
  };
}

/** An entry of labels, annotations or data. Keys are anybody's to choose, and every object seems to have a `constructor`. */
export function entryOf(entries: Labels | undefined, key: string): string | undefined {
  return entries !== undefined && Object.hasOwn(entries, key) ? entries[key] : undefined;
}

/** Whether a value, or its absence, meets a condition; false for an operator that is not known. */
export function meets(value: string | undefined, operator: string, values: readonly string[]): boolean {
  const [first] = values;
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return isInteger(value) && isInteger(first) && BigInt(value) > BigInt(first);
    case 'Lt':
      return isInteger(value) && isInteger(first) && BigInt(value) < BigInt(first);
    default:
      return false;
  }
}

function labelMatcher(requirements: readonly LabelRequirement[], matchesNothing: boolean): LabelSelectorMatcher {
  return {
    requirements,
    matchesNothing,
    matches: (labels) =>
      !matchesNothing && requirements.every(({ key, operator, values }) => meets(entryOf(labels, key), operator, values)),
  };
}

function isInteger(value: string | undefined): value is string {
  return value !== undefined && /^[-+]?[0-9]+$/.test(value);
}

function mapRequirements(map: Labels): LabelRequirement[] {
  return Object.entries(map).map(([key, value]) => ({ key, operator: 'In', values: [value] }));
}

function printRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'In':
      return values.length === 1 ? `${key}=${values[0] ?? ''}` : `${key} in (${values.toSorted().join(',')})`;
    case 'NotIn':
      return values.length === 1 ? `${key}!=${values[0] ?? ''}` : `${key} notin (${values.toSorted().join(',')})`;
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    case 'Gt':
      return `${key}>${values[0] ?? ''}`;
    case 'Lt':
      return `${key}<${values[0] ?? ''}`;
  }
}

interface Token {
  readonly kind: 'word' | '!' | '(' | ')' | ',' | '=' | '==' | '!=' | '>' | '<' | 'end';
  readonly text: string;
}

const endToken: Token = { kind: 'end', text: '' };

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (const match of text.matchAll(/\s+|==|!=|[!(),=><]|[^\s!(),=><]+/g)) {
    const [word] = match;
    if (word.trim() === '') continue;
    const isSymbol = /^(?:==|!=|[!(),=><])$/.test(word);
    tokens.push({ kind: isSymbol ? (word as Token['kind']) : 'word', text: word });
  }
  return tokens;
}

function parseRequirement(next: () => Token, peek: () => Token): LabelRequirement {
  const first = next();
  if (first.kind === '!') {
    const key = checkedKey(next());
    return { key, operator: 'DoesNotExist', values: [] };
  }
  const key = checkedKey(first);
  const following = peek();
  if (following.kind === 'end' || following.kind === ',') return { key, operator: 'Exists', values: [] };
  const operator = next();
  switch (operator.kind) {
    case '=':
    case '==':
      return { key, operator: 'In', values: [checkedValue(key, exactValue(next, peek))] };
    case '!=':
      return { key, operator: 'NotIn', values: [checkedValue(key, exactValue(next, peek))] };
    case '>':
    case '<': {
      const value = exactValue(next, peek);
      if (!isInteger(value)) throw unparsable(`for 'Gt', 'Lt' operators, the value must be an integer`);
      return { key, operator: operator.kind === '>' ? 'Gt' : 'Lt', values: [value] };
    }
    case 'word':
      if (operator.text === 'in') return { key, operator: 'In', values: parseValues(key, next, peek) };
      if (operator.text === 'notin') return { key, operator: 'NotIn', values: parseValues(key, next, peek) };
      break;
    default:
      break;
  }
  throw unparsable(`found '${operator.text}', expected: in, notin, =, ==, !=, gt, lt`);
}

/** The value of an equality; it may be empty. */
function exactValue(next: () => Token, peek: () => Token): string {
  const { kind } = peek();
  if (kind === 'end' || kind === ',') return '';
  const token = next();
  if (token.kind !== 'word') throw unparsable(`found '${token.text}', expected: identifier`);
  return token.text;
}

function parseValues(key: string, next: () => Token, peek: () => Token): string[] {
  const open = next();
  if (open.kind !== '(') throw unparsable(`found '${open.text}' expected: '('`);
  const values: string[] = [];
  for (;;) {
    values.push(peek().kind === 'word' ? checkedValue(key, next().text) : '');
    const separator = next();
    if (separator.kind === ')') return [...new Set(values)];
    if (separator.kind !== ',') throw unparsable(`found '${separator.text}', expected: ',', or ')'`);
  }
}

function checkedKey(token: Token): string {
  if (token.kind !== 'word') throw unparsable(`found '${token.text}', expected: identifier`);
  const messages = qualifiedName(token.text);
  if (messages.length > 0) throw unparsable(`key: Invalid value: ${goQuote(token.text)}: ${messages.join('; ')}`);
  return token.text;
}

function checkedValue(key: string, value: string): string {
  const messages = labelValue(value);
  if (messages.length > 0) throw unparsable(`values[0][${key}]: Invalid value: ${goQuote(value)}: ${messages.join('; ')}`);
  return value;
}

function unparsable(text: string): Error {
  return badRequest(`unable to parse requirement: ${text}`);
}

function splitUnescaped(text: string): string[] {
  const parts: string[] = [];
  let part = '';
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === '\\') part += character + text.charAt(++index);
    else if (character === ',') {
      parts.push(part);
      part = '';
    } else part += character;
  }
  return [...parts, part];
}

function unescapeValue(value: string): string {
  if (!/^(?:[^\\=]|\\[\\,=])*$/s.test(value)) throw badRequest(`invalid field selector value: ${goQuote(value)}`);
  return value.replace(/\\([\\,=])/g, '$1');
}
