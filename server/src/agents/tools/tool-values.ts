/** What the templates of a tool may name, each from a source of its own. */
export interface ToolValues {
  /** The model's arguments; they go before the variables. */
  args: Readonly<Record<string, unknown>>;
  variables: Readonly<Record<string, string>>;
  /** By name; reached as `{{secrets.NAME}}` only. */
  secrets: Readonly<Record<string, string>>;
}

/** A template names something that is not there. */
export class MissingValueError extends Error {
  constructor(name: string) {
    super(`there is no value of ${name}`);
    this.name = 'MissingValueError';
  }
}

const PLACEHOLDER =
  /\{\{\s{0,20}([A-Za-z_][\w.-]{0,100})\s{0,20}\}\}|\{\s{0,20}([A-Za-z_][\w.-]{0,100})\s{0,20}\}/g;
const ALONE = new RegExp(`^(?:${PLACEHOLDER.source})$`);
const SECRET = 'secrets.';

/**
 * Fills a template in once; values are never expanded again, so neither a caller nor a model can
 * name a secret.
 * @throws MissingValueError for a secret; other unknown names are left out.
 */
export function fillText(
  template: string,
  values: ToolValues,
  escape: (text: string) => string = (text) => text,
): string {
  return template.replace(PLACEHOLDER, (_all, double?: string, single?: string) =>
    escape(textOf(valueOf(double ?? single ?? '', values))),
  );
}

/** The same in every text of a JSON value; a text that is one placeholder alone keeps its kind. */
export function fillJson(template: unknown, values: ToolValues): unknown {
  if (typeof template === 'string') {
    const alone = ALONE.exec(template);
    const name = alone?.[1] ?? alone?.[2];
    return name === undefined ? fillText(template, values) : (valueOf(name, values) ?? null);
  }
  if (Array.isArray(template)) return template.map((item) => fillJson(item, values));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(
    Object.entries(template).map(([name, item]) => [name, fillJson(item, values)]),
  );
}

function valueOf(name: string, { args, variables, secrets }: ToolValues): unknown {
  if (name.startsWith(SECRET)) {
    const key = name.slice(SECRET.length);
    const secret = Object.hasOwn(secrets, key) ? secrets[key] : undefined;
    if (secret === undefined) throw new MissingValueError(name);
    return secret;
  }
  if (Object.hasOwn(args, name)) return args[name];
  if (Object.hasOwn(variables, name)) return variables[name];
  const [first = '', ...rest] = name.split('.');
  let value: unknown = Object.hasOwn(args, first) && rest.length > 0 ? args[first] : undefined;
  for (const key of rest) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** As templates write it. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
