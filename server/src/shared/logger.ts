import { dirname } from 'node:path';
import { pino } from 'pino';
import { makePrivateDirectory } from './private-directory.ts';

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
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: withoutClient },
      redact: {
        paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]),
        censor: '[redacted]',
      },
    },
    openDestination(options.destination),
  );
}

/** An error of the database's driver carries its whole connection, with the key that cancels it. */
function withoutClient(error: Error): unknown {
  const fields: unknown = pino.stdSerializers.err(error);
  if (typeof fields !== 'object' || fields === null || !('client' in fields)) return fields;
  const { client: _client, ...rest } = fields;
  return rest;
}

function openDestination(path: string): ReturnType<typeof pino.destination> {
  if (path === '-') return pino.destination({ dest: 2, sync: true });
  makePrivateDirectory(dirname(path));
  // Lines name people.
  return pino.destination({ dest: path, mode: 0o600, sync: true, append: true });
}

/** A logger that says nothing, for tests. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};
