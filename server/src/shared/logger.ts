import { pino } from 'pino';

/** Structured fields of a log line. What names a person goes under `pii`. */
export type LogFields = Record<string, unknown> & { pii?: Record<string, unknown> };

export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LoggerOptions {
  level: LogLevel;
  /** A file's path, or `-` for standard error. */
  destination: string;
}

/** Keys whose values never reach a log, at the top and one or two levels down. */
const SECRET_KEYS = [
  'password',
  'auth_password',
  'api_key',
  'apiKey',
  'authorization',
  'Authorization',
  'secret',
  'token',
  'ha1',
  'masterKey',
];

/** JSON lines. Errors are logged under `err`. */
export function createLogger(options: LoggerOptions): Logger {
  const destination =
    options.destination === '-'
      ? pino.destination({ dest: 2, sync: true })
      : pino.destination({ dest: options.destination, mkdir: true, sync: true, append: true });
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]),
        censor: '[redacted]',
      },
    },
    destination,
  );
}

/** A logger that says nothing, for tests. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};
