/** An error of binding that keeps the system's `code` and says which port it is about. */
export function bindError(
  cause: NodeJS.ErrnoException,
  transport: string,
  at: { host: string; port: number },
): NodeJS.ErrnoException {
  const what =
    cause.code === 'EADDRINUSE'
      ? 'is already in use'
      : `cannot be bound (${cause.code ?? 'error'})`;
  const error: NodeJS.ErrnoException = new Error(
    `SIP port ${at.port} (${transport}, ${at.host}) ${what}`,
    { cause },
  );
  if (cause.code !== undefined) error.code = cause.code;
  return error;
}
