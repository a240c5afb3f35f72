/** What a key may do. `admin` includes all others, keys and workspaces themselves besides. */
export const SCOPES = ['read', 'write', 'calls', 'billing', 'admin'] as const;

export type Scope = (typeof SCOPES)[number];

/** Of the local sign-in, and of keys made without a list. */
export const ALL_SCOPES: ReadonlySet<Scope> = new Set(['admin']);

/** The scopes of a stored list; a word of a newer program gives nothing. */
export function scopesOf(stored: readonly string[]): ReadonlySet<Scope> {
  return new Set(SCOPES.filter((scope) => stored.includes(scope)));
}

export function allows(scopes: ReadonlySet<Scope>, needed: Scope): boolean {
  return scopes.has('admin') || scopes.has(needed);
}
