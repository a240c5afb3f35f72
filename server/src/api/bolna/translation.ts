import type { FieldProblem } from '../errors.ts';

/** A field that is kept and has no effect here, or another than at Bolna. */
export interface Warning {
  field: string;
  message: string;
}

/** What came up while a document was read. */
export class Translation {
  readonly problems: FieldProblem[] = [];
  readonly warnings: Warning[] = [];

  /** The document cannot run here because of this field. */
  refuse(field: string, problem: string): void {
    this.problems.push({ field, problem });
  }

  warn(field: string, message: string): void {
    if (this.warnings.length < 200) this.warnings.push({ field, message });
  }
}

export type Json = Record<string, unknown>;

export function asJson(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Json)
    : null;
}

export function asText(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}

/** A list; anything else is an empty one. */
export function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Whether a value is one that a document has where nobody chose anything. */
export function isUnset(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** An entry under a name that a client chose: not what every object has by itself. */
export function entryOf<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
