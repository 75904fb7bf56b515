/**
 * Checks of names, labels, ports and other small texts. Each returns one message per broken rule, none when the text is
 * good; the messages are upstream's, word for word (k8s apimachinery/pkg/util/validation).
 */

/** A DNS-1123 label: most names, port names. At most 63 characters. A good subdomain is told that its dots are the fault. */
export function dns1123Label(text: string): string[] {
  const message = dns1123SubdomainPattern.test(text) ? 'must not contain dots' : dns1123LabelMessage;
  return matching(text, dns1123LabelPattern, message, 63);
}

/** A DNS-1035 label: as 1123, but must start with a letter. */
export function dns1035Label(text: string): string[] {
  return matching(text, dns1035LabelPattern, dns1035LabelMessage, 63);
}

/** A DNS-1123 subdomain: labels joined by dots. At most 253 characters. */
export function dns1123Subdomain(text: string): string[] {
  return matching(text, dns1123SubdomainPattern, dns1123SubdomainMessage, 253);
}

/** A DNS-1123 subdomain in which underscores are let through, as in resolv.conf search lists (1.32 and later). */
export function dns1123SubdomainWithUnderscore(text: string): string[] {
  return matching(text, dns1123UnderscorePattern, dns1123UnderscoreMessage, 253);
}

/** A fully qualified domain name: at least two labels, one trailing dot let through. */
export function fullyQualifiedDomainName(text: string): string[] {
  if (text === '') return ['must be non-empty'];
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  const messages = dns1123Subdomain(name);
  if (messages.length > 0) return messages;
  const labels = name.split('.');
  if (labels.length < 2) return ['should be a domain with at least two segments separated by dots'];
  return labels.flatMap((label) => dns1123Label(label));
}

/** `*.` and a DNS-1123 subdomain. */
export function wildcardDns1123Subdomain(text: string): string[] {
  return matching(text, wildcardPattern, wildcardMessage, 253);
}

/** A label key or another `prefix/name`: the name at most 63 characters, the optional prefix a DNS-1123 subdomain. */
export function qualifiedName(text: string): string[] {
  const parts = text.split('/');
  if (parts.length > 2)
    return [`a qualified name ${qualifiedNameMessage} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const messages: string[] = [];
  if (parts.length === 2) {
    const [prefix = ''] = parts;
    if (prefix === '') messages.push('prefix part must be non-empty');
    else messages.push(...dns1123Subdomain(prefix).map((message) => `prefix part ${message}`));
  }
  const name = parts.at(-1) ?? '';
  if (name === '') messages.push('name part must be non-empty');
  else if (name.length > 63) messages.push(`name part ${maxLengthMessage(63)}`);
  if (!qualifiedNamePattern.test(name)) messages.push(`name part ${qualifiedNameMessage}`);
  return messages;
}

/** A label value: empty or at most 63 characters of a closed set. */
export function labelValue(text: string): string[] {
  const messages = text.length > 63 ? [maxLengthMessage(63)] : [];
  if (!labelValuePattern.test(text)) messages.push(labelValueMessage);
  return messages;
}

/** A port number: 1 to 65535. */
export function portNumber(port: number): string[] {
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? [] : [inclusiveRangeMessage(1, 65_535)];
}

/** A port name as IANA has them (RFC 6335): what targetPort and container ports use. */
export function portName(text: string): string[] {
  const messages: string[] = [];
  if (text.length > 15) messages.push(maxLengthMessage(15));
  if (!/^[-a-z0-9]+$/.test(text)) messages.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(text)) messages.push('must contain at least one letter (a-z)');
  if (text.includes('--')) messages.push('must not contain consecutive hyphens');
  if (text.startsWith('-') || text.endsWith('-')) messages.push('must not begin or end with a hyphen');
  return messages;
}

/** An environment variable's name: printable ASCII but `=` (the rule since 1.30). */
export function environmentVariableName(text: string): string[] {
  if (text === '') return ['must be non-empty'];
  if (/^[ -<>-~]+$/.test(text)) return [];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** A path that stays below the place it starts at. */
export function descendingPath(text: string): string[] {
  return [
    ...(text.startsWith('/') ? ['must be a relative path'] : []),
    ...(text.split('/').includes('..') ? ["must not contain '..'"] : []),
  ];
}

/** A key of a ConfigMap or Secret: a file name. */
export function configMapKey(text: string): string[] {
  const messages = text.length > 253 ? [maxLengthMessage(253)] : [];
  if (!/^[-._a-zA-Z0-9]+$/.test(text))
    messages.push(
      regexMessage("a valid config key must consist of alphanumeric characters, '-', '_' or '.'", '[-._a-zA-Z0-9]+', [
        'key.name',
        'KEY_NAME',
        'key-name',
      ]),
    );
  if (text === '.') messages.push("must not be '.'");
  else if (text === '..') messages.push("must not be '..'");
  else if (text.startsWith('..')) messages.push("must not start with '..'");
  return messages;
}

/** An HTTP header's name. */
export function httpHeaderName(text: string): string[] {
  if (/^[-A-Za-z0-9]+$/.test(text)) return [];
  return [regexMessage("a valid HTTP header must consist of alphanumeric characters or '-'", '[-A-Za-z0-9]+', ['X-Header-Name'])];
}

/** A name that becomes a part of a URL path: RBAC names, IPAddress names. */
export function pathSegmentName(text: string): string[] {
  if (text === '.' || text === '..') return [`may not be '${text}'`];
  return ['/', '%'].filter((character) => text.includes(character)).map((character) => `may not contain '${character}'`);
}

/** A share such as `25%`. */
export function percentage(text: string): string[] {
  if (/^[0-9]+%$/.test(text)) return [];
  return [regexMessage("a valid percent string must be a numeric string followed by an ending '%'", '[0-9]+%', ['1%', '93%'])];
}

/** `must be no more than N characters`. */
export function maxLengthMessage(length: number): string {
  return `must be no more than ${length} characters`;
}

/** `must be between LOW and HIGH, inclusive`. */
export function inclusiveRangeMessage(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`;
}

export const notIpMessage = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
export const notCidrMessage = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
export const negativeMessage = 'must be greater than or equal to 0';
export const immutableMessage = 'field is immutable';

function matching(text: string, pattern: RegExp, message: string, maxLength: number): string[] {
  const messages = text.length > maxLength ? [maxLengthMessage(maxLength)] : [];
  if (!pattern.test(text)) messages.push(message);
  return messages;
}

/** How upstream words a pattern that did not match; the doubled space before `or` is its own. */
function regexMessage(text: string, pattern: string, examples: readonly string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(' or ');
  return `${text} (e.g. ${shown}regex used for validation is '${pattern}')`;
}

const label1123 = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const label1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const subdomain1123 = `${label1123}(\\.${label1123})*`;
const subdomainUnderscore = '[a-z0-9_]([-_a-z0-9]*[a-z0-9])?(\\.[a-z0-9_]([-_a-z0-9]*[a-z0-9])?)*';
const qualified = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';

const dns1123LabelPattern = new RegExp(`^${label1123}$`);
const dns1035LabelPattern = new RegExp(`^${label1035}$`);
const dns1123SubdomainPattern = new RegExp(`^${subdomain1123}$`);
const dns1123UnderscorePattern = new RegExp(`^${subdomainUnderscore}$`);
const wildcardPattern = new RegExp(`^\\*\\.${subdomain1123}$`);
const qualifiedNamePattern = new RegExp(`^${qualified}$`);
const labelValuePattern = new RegExp(`^(${qualified})?$`);

const dns1123LabelMessage = regexMessage(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  label1123,
  ['my-name', '123-abc'],
);
const dns1035LabelMessage = regexMessage(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  label1035,
  ['my-name', 'abc-123'],
);
const dns1123SubdomainMessage = regexMessage(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  subdomain1123,
  ['example.com'],
);
const dns1123UnderscoreMessage = regexMessage(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  subdomainUnderscore,
  ['example.com'],
);
const wildcardMessage = regexMessage(
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  `\\*\\.${subdomain1123}`,
  ['*.example.com'],
);
const qualifiedNameMessage = regexMessage(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  qualified,
  ['MyName', 'my.name', '123-abc'],
);
const labelValueMessage = regexMessage(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  `(${qualified})?`,
  ['MyValue', 'my_value', '12345'],
);
