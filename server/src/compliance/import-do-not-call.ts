import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { parsePhoneNumberFromString, type CountryCode } from 'libphonenumber-js/max';
import * as queries from '../db/queries/do-not-call.ts';
import type { Queryable } from '../db/queries/queryable.ts';

export interface DoNotCallImport {
  workspaceId: string;
  list: { id: string; kind: queries.DoNotCallKind; country: string | null };
  /** First the list is emptied: a registry is a state, not a change. */
  replace: boolean;
  csv: string;
  at: Date;
}

export interface ImportReport {
  rows: number;
  added: number;
  alreadyListed: number;
  invalid: number;
  /** The first hundred rows that were left out, counted from 1. */
  errors: { row: number; problem: string }[];
}

interface CsvRecord {
  record: string[];
  info: { lines: number };
}

const E164 = /^\+[1-9]\d{6,14}$/;
const NUMBER_COLUMN = /^(?:number|phone|phone_?number|e164|to|msisdn)$/i;
const NOTE_COLUMN = /^(?:note|notes|reason|comment)$/i;
const BATCH_ROWS = 1_000;
const SLICE_CHARS = 1 << 16;
const MAX_ERRORS = 100;
const MAX_NOTE_CHARS = 500;
const MAX_ROWS = 1_000_000;

/** The file cannot be read as CSV at all. */
export class ImportError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ImportError';
  }
}

/**
 * Reads a file of numbers onto a list, in the caller's transaction: the first column, or the one
 * called `number` or `phone`; `note` is kept. Rows without a number are left out and told. Numbers
 * without a plus are read in the list's country.
 * @throws ImportError
 */
export async function importDoNotCall(
  client: Queryable,
  wanted: DoNotCallImport,
): Promise<ImportReport> {
  const { workspaceId, list, at } = wanted;
  await queries.ensureList(client, { workspaceId, ...list, importedAt: at }, true);
  if (wanted.replace) await queries.clearList(client, workspaceId, list.id);
  const report: ImportReport = { rows: 0, added: 0, alreadyListed: 0, invalid: 0, errors: [] };
  let columns: { number: number; note: number } | null = null;
  let batch = new Map<string, string | null>();

  async function flush(): Promise<void> {
    if (batch.size === 0) return;
    const entries = [...batch].map(([number, note]) => ({ number, note }));
    batch = new Map();
    const added = await queries.insertMany(client, {
      workspaceId,
      listId: list.id,
      source: 'import',
      createdAt: at,
      entries,
    });
    report.added += added;
    report.alreadyListed += entries.length - added;
  }

  for await (const { record, info } of records(wanted.csv)) {
    if (columns === null) {
      columns = columnsOf(record);
      if (isHeader(record)) continue;
    }
    report.rows++;
    if (report.rows > MAX_ROWS)
      throw new ImportError(`expected at most ${MAX_ROWS} rows in a file`);
    const number = numberOf(record[columns.number] ?? '', list.country);
    if (number === null) {
      report.invalid++;
      if (report.errors.length < MAX_ERRORS) {
        report.errors.push({ row: info.lines, problem: problemOf(list.country) });
      }
      continue;
    }
    if (batch.has(number)) report.alreadyListed++;
    const note = record[columns.note]?.slice(0, MAX_NOTE_CHARS) ?? null;
    batch.set(number, note === '' ? null : note);
    if (batch.size >= BATCH_ROWS) await flush();
  }
  await flush();
  return report;
}

/** In slices, so that a large file does not hold up the calls of this thread. */
async function* records(csv: string): AsyncGenerator<CsvRecord> {
  const slices = function* (): Generator<string> {
    for (let at = 0; at < csv.length; at += SLICE_CHARS) yield csv.slice(at, at + SLICE_CHARS);
  };
  const parser = Readable.from(slices()).pipe(
    parse({
      bom: true,
      info: true,
      trim: true,
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: 1e4,
      delimiter: [',', ';', '	'],
    }),
  );
  try {
    for await (const record of parser) yield record as CsvRecord;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new ImportError(`the file is no CSV: ${error.message}`, { cause: error });
  }
}

function isHeader(record: readonly string[]): boolean {
  return record.every((cell) => !/\d{5}/.test(cell));
}

function columnsOf(record: readonly string[]): { number: number; note: number } {
  if (!isHeader(record)) return { number: 0, note: 1 };
  return {
    number: Math.max(
      0,
      record.findIndex((cell) => NUMBER_COLUMN.test(cell)),
    ),
    note: record.findIndex((cell) => NOTE_COLUMN.test(cell)),
  };
}

function numberOf(text: string, country: string | null): string | null {
  const compact = text.replace(/[\s().-]/g, '');
  if (E164.test(compact)) return compact;
  if (country === null || compact === '' || compact.length > 20) return null;
  const parsed = parsePhoneNumberFromString(compact, country as CountryCode);
  return parsed?.isPossible() ? parsed.number : null;
}

function problemOf(country: string | null): string {
  return country === null
    ? 'expected a number in E.164 form, such as +14155550123'
    : `expected a number in E.164 form or of ${country}`;
}
