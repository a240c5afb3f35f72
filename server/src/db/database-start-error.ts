export type DatabaseStartErrorCode =
  | 'no-binaries'
  | 'not-as-root'
  | 'in-use'
  | 'disk-full'
  | 'not-writable'
  | 'wrong-version'
  | 'unreachable'
  | 'start-failed';

/** The database cannot be started; the message says why and what to do, in words for an operator. */
export class DatabaseStartError extends Error {
  readonly code: DatabaseStartErrorCode;

  constructor(code: DatabaseStartErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DatabaseStartError';
    this.code = code;
  }
}

/** Turns an error of the file system, or PostgreSQL's own words, into one sentence about `directory`. */
export function explainStartFailure(error: unknown, directory: string): DatabaseStartError {
  if (error instanceof DatabaseStartError) return error;
  const code = (error as NodeJS.ErrnoException | null)?.code;
  const text = error instanceof Error ? error.message : String(error);
  if (
    code === 'ENOSPC' ||
    code === 'EDQUOT' ||
    /No space left on device|quota exceeded/i.test(text)
  ) {
    return new DatabaseStartError(
      'disk-full',
      `no space left for the database in ${directory}; free some, or set TRUNKLINE_DATA_DIR to a directory on another disk`,
      { cause: error },
    );
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOTDIR') {
    return new DatabaseStartError(
      'not-writable',
      `the database directory ${directory} cannot be written (${code}); change its owner or set TRUNKLINE_DATA_DIR to one that can`,
      { cause: error },
    );
  }
  return new DatabaseStartError(
    'start-failed',
    `the embedded PostgreSQL in ${directory} did not start: ${lastLines(text)}`,
    { cause: error },
  );
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-4).join(' | ').slice(-800);
}
