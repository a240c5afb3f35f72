/** `base` with a path after it, whether or not it ends in a slash. */
export function endpointUrl(base: string, path: string): string {
  return `${base.replace(/\/+$/, '')}${path}`;
}

/** `base` with a path after it and a query, for a WebSocket. */
export function socketUrl(
  base: string,
  path: string,
  query: Readonly<Record<string, string | readonly string[] | undefined>>,
): string {
  const url = new URL(endpointUrl(base, path).replace(/^http/i, 'ws'));
  for (const [name, value] of Object.entries(query)) {
    for (const item of typeof value === 'string' ? [value] : (value ?? [])) {
      url.searchParams.append(name, item);
    }
  }
  return url.href;
}

/** A language with the region that a vendor insists on: `en` becomes `en-US` with `{ en: 'US' }`. */
export function withRegion(language: string, regions: Readonly<Record<string, string>>): string {
  if (language.includes('-')) return language;
  const region = regions[language];
  return region === undefined ? language : `${language}-${region}`;
}

/** A language without its region: `hi` of `hi-IN`. */
export function withoutRegion(language: string): string {
  return language.split('-')[0] ?? language;
}
