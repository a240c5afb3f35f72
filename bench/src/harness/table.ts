/** Cells by column name. Null: there was nothing to measure. */
export type Row = Record<string, string | number | null>;

/** Prints rows under one another; columns are those of all rows in order of appearance. */
export function printTable(rows: readonly Row[]): void {
  for (const line of tableLines(rows)) console.log(line);
}

/** The lines of a table, numbers to the right. */
export function tableLines(rows: readonly Row[]): string[] {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = [columns, ...rows.map((row) => columns.map((column) => cell(row[column])))];
  const widths = columns.map((_, n) => Math.max(...cells.map((line) => line[n]?.length ?? 0)));
  const isNumber = columns.map((column) =>
    rows.every((row) => typeof (row[column] ?? 0) === 'number'),
  );
  return cells.map((line) =>
    `  ${line
      .map((text, n) => (isNumber[n] ? text.padStart(widths[n] ?? 0) : text.padEnd(widths[n] ?? 0)))
      .join('  ')}`.trimEnd(),
  );
}

function cell(value: string | number | null | undefined): string {
  return value === null || value === undefined ? '-' : String(value);
}
