import { mkdirSync } from 'node:fs';

/**
 * Makes `directory`, and what is missing above it, for this user only; one that exists stays as it
 * is. With `enterable` and as root, others may pass through it to a path that they know: PostgreSQL
 * runs as somebody else then, and has its files below.
 */
export function makePrivateDirectory(
  directory: string,
  options: { enterable?: boolean } = {},
): void {
  const mode = options.enterable && process.getuid?.() === 0 ? 0o711 : 0o700;
  mkdirSync(directory, { recursive: true, mode });
}
