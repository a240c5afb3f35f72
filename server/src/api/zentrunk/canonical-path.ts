/** As Zentrunk's documentation writes them; clients in the field write `Uri`, too. */
const NAMES = [
  'Account',
  'Zentrunk',
  'Trunk',
  'Credential',
  'IPAccessControlList',
  'URI',
  'Call',
  'Insights',
  'Number',
];
const BY_LOWER_CASE: ReadonlyMap<string, string> = new Map(
  NAMES.map((name) => [name.toLowerCase(), name]),
);
const ZENTRUNK = /^\/v1\/account\/[^/?]+\/(zentrunk|number)(?=[/?]|$)/i;
const AUTH_ID_AT = 3;

/** The path of a Zentrunk request with its resource names in the documented case; others as they are. */
export function canonicalPath(url: string): string {
  if (!ZENTRUNK.test(url)) return url;
  const [path = '', ...query] = url.split('?');
  const parts = path
    .split('/')
    .map((part, at) =>
      at === AUTH_ID_AT ? part : (BY_LOWER_CASE.get(part.toLowerCase()) ?? part),
    );
  return [parts.join('/'), ...query].join('?');
}
