/** Aligned columns, as kubectl prints them. Pure. */

/** A cell: its lines; a text is one line. */
export type Cell = string | readonly string[];

/** Lines of a table with its headings; columns are three spaces apart. A cell of several lines makes its row that high. */
export function formatTable(headings: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
  const lines = [headings, ...rows.flatMap(linesOf)];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) =>
    line
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd(),
  );
}

function linesOf(row: readonly Cell[]): string[][] {
  const cells = row.map((cell) => (typeof cell === 'string' ? [cell] : cell));
  const height = Math.max(1, ...cells.map((cell) => cell.length));
  return Array.from({ length: height }, (_, index) => cells.map((cell) => cell[index] ?? ''));
}
