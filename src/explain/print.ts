/** An explanation as text for a person. */
import { formatHostPort } from '../net/index.ts';
import type { CandidateEndpoint, ExcludedEndpoint, Explanation } from './explanation.ts';
import { percent } from './route.ts';
import { seenText } from './source-address.ts';

export interface PrintOptions {
  /** Columns. Sentences are wrapped there; tables are not. */
  readonly width?: number;
  /** Rows of a list before the rest is only counted. */
  readonly maxRows?: number;
}

const defaultWidth = 120;
const defaultMaxRows = 20;

/** Lines without a final line break; plain text, no colours. */
export function printExplanation(explanation: Explanation, options: PrintOptions = {}): string {
  const { width = defaultWidth, maxRows = defaultMaxRows } = options;
  const { target, from, node, steps, summary, candidates, excluded, findings, affinity, assumptions } = explanation;
  const lines = [`${target} from ${from}${node === undefined || from === `node/${node}` ? '' : ` (on ${node})`}`, ''];
  const say = (head: string, text: string): void => void lines.push(...wrap(head, text, width));
  for (const [index, step] of steps.entries()) say(`  ${index + 1}. `, step.text);
  if (steps.length > 0) lines.push('');
  say('  => ', summary);
  for (const { text } of findings.filter(({ kind }) => kind === 'cause')) say('     because ', text);
  if (candidates.length > 0) {
    lines.push(...table(candidates.map(candidateRow), maxRows, width));
    const seen = [...new Set(candidates.flatMap((candidate) => candidate.seenAs.map(seenText)))];
    lines.push('');
    say('  the endpoint sees as its client: ', someOf(seen, maxRows).join('; or '));
  }
  if (affinity !== undefined)
    say('  ', `the same client comes back to the same endpoint for ${affinity.timeoutSeconds} s after each new connection`);
  if (excluded.length > 0) lines.push('', '  not used:', ...table(excluded.map(excludedRow), maxRows, width));
  const warnings = findings.filter(({ kind }) => kind === 'warning');
  if (warnings.length > 0) lines.push('');
  for (const { text } of warnings) say('  note: ', text);
  if (assumptions.length > 0) lines.push('');
  for (const text of assumptions) say('  assumed: ', text);
  return lines.join('\n');
}

function candidateRow(candidate: CandidateEndpoint): string[] {
  return [
    percent(candidate.share),
    hostPort(candidate.address, candidate.port),
    candidate.pod === undefined ? '' : `pod ${candidate.pod}`,
    candidate.node ?? '',
    candidate.reason,
  ];
}

function excludedRow(endpoint: ExcludedEndpoint): string[] {
  return [
    endpoint.address === undefined ? '-' : hostPort(endpoint.address, endpoint.port),
    endpoint.pod === undefined ? '' : `pod ${endpoint.pod}`,
    endpoint.node ?? '',
    endpoint.reason,
  ];
}

function hostPort(address: string, port: number | undefined): string {
  return port === undefined ? address : formatHostPort(address, port);
}

function someOf(texts: readonly string[], max: number): readonly string[] {
  return texts.length <= max ? texts : [...texts.slice(0, max), `${texts.length - max} more`];
}

/** Rows of cells as aligned lines; an empty column takes no room, and the last one wraps below itself. */
function table(rows: readonly (readonly string[])[], maxRows: number, width: number): string[] {
  const chosen = rows.slice(0, maxRows);
  const widths = (chosen[0] ?? []).map((_, column) => Math.max(...chosen.map((row) => row[column]?.length ?? 0)));
  const lines = chosen.flatMap((row) => {
    const head = row
      .slice(0, -1)
      .map((cell, column) => ((widths[column] ?? 0) === 0 ? '' : `${cell.padEnd(widths[column] ?? 0)}  `))
      .join('');
    return wrap(`     ${head}`, row.at(-1) ?? '', width);
  });
  return rows.length <= maxRows ? lines : [...lines, `     … and ${rows.length - maxRows} more`];
}

/** The text after its head, broken between words, later lines below the first word. */
function wrap(head: string, text: string, width: number): string[] {
  // a narrow column after a wide head would be unreadable: then the indentation is a small one
  const indent = ' '.repeat(width - head.length < 40 ? 9 : head.length);
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = lines.length === 0 ? head : indent;
    let isEmpty = true;
    const words = lines.length === 0 ? paragraph.split(' ') : [paragraph];
    for (const word of words) {
      if (!isEmpty && line.length + 1 + word.length > width) {
        lines.push(line);
        line = indent;
        isEmpty = true;
      }
      line += isEmpty ? word : ` ${word}`;
      isEmpty = false;
    }
    lines.push(line.trimEnd());
  }
  return lines;
}
