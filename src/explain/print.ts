/** An explanation as text for a person. */
import { formatHostPort } from '../net/index.ts';
import type { Explanation } from './explanation.ts';
import { percent } from './route.ts';

/** Lines without a final line break; plain text, no colours. */
export function printExplanation(explanation: Explanation): string {
  const { target, from, node, steps, summary, candidates, excluded, affinity, assumptions } = explanation;
  const lines = [`${target} from ${from}${node === undefined || from === `node/${node}` ? '' : ` (on ${node})`}`, ''];
  for (const [index, step] of steps.entries()) lines.push(`  ${index + 1}. ${step.text}`);
  if (steps.length > 0) lines.push('');
  lines.push(`  => ${summary}`);
  if (candidates.length > 0) {
    const rows = candidates.map((candidate) => [
      percent(candidate.share),
      candidate.port === 0 ? candidate.address : formatHostPort(candidate.address, candidate.port),
      candidate.pod === undefined ? '' : `pod ${candidate.pod}`,
      candidate.node ?? '',
      candidate.reason,
    ]);
    lines.push(...columns(rows).map((row) => `     ${row}`));
    const seen = [...new Set(candidates.map((candidate) => candidate.seenAs))];
    lines.push('', `  the endpoint sees as its client: ${seen.join('; or ')}`);
  }
  if (affinity !== undefined)
    lines.push(`  the same client comes back to the same endpoint for ${affinity.timeoutSeconds} s after each new connection`);
  if (excluded.length > 0) {
    lines.push('', '  not used:');
    const rows = excluded.map((endpoint) => [
      endpoint.address === undefined
        ? '-'
        : endpoint.port === undefined
          ? endpoint.address
          : formatHostPort(endpoint.address, endpoint.port),
      endpoint.pod === undefined ? '' : `pod ${endpoint.pod}`,
      endpoint.node ?? '',
      endpoint.reason,
    ]);
    lines.push(...columns(rows).map((row) => `     ${row}`));
  }
  if (assumptions.length > 0) lines.push('', ...assumptions.map((text) => `  assumed: ${text}`));
  return lines.join('\n');
}

/** Rows of cells as aligned lines; an empty column takes no room. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => ((widths[column] ?? 0) === 0 ? '' : `${cell.padEnd(widths[column] ?? 0)}  `))
      .join('')
      .trimEnd(),
  );
}
