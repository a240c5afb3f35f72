import { z } from 'zod';
import type { OffsetPage, OffsetRequest } from '../../db/queries/offset-page.ts';
import { ZentrunkError } from '../../trunk-service/zentrunk-error.ts';
import { FilterError } from './zentrunk-errors.ts';

export const accountParams = z.strictObject({
  auth_id: z
    .string()
    .min(1)
    .max(100)
    .describe('Id of the workspace, as GET /v1/workspaces has it.'),
});
export const itemParams = accountParams.extend({
  uuid: z.string().min(1).max(100),
});
export const trunkParams = accountParams.extend({
  trunk_id: z.string().min(1).max(100),
});
export const numberParams = accountParams.extend({
  number: z.string().min(1).max(40).describe('Digits without plus.'),
});

export const text = z.string().nullable();

export const changedSchema = z
  .object({ api_id: z.string(), message: z.string() })
  .meta({ id: 'ZentrunkChanged' });

/**
 * JSON's boolean, or one in quotes, as some clients send it. Read by `booleanOf`: of a body with a
 * transformation in it the document would show no examples.
 */
export const flag = z.union([z.boolean(), z.enum(['true', 'false'])]);

/** A reference that an empty text or null takes away. Read by `referenceOf`. */
export const reference = z.union([z.uuid(), z.literal(''), z.null()]).optional();

export function booleanOf(given: z.output<typeof flag> | undefined): boolean | undefined {
  return typeof given === 'string' ? given === 'true' : given;
}

export function referenceOf(given: z.output<typeof reference>): string | null | undefined {
  return given === '' ? null : given;
}

/** A list is narrowed by `filters` and by nothing else. ListRequest refuses others, and checks values. */
export function listQuery(filters: readonly string[]) {
  const names = ['limit', 'offset', ...filters];
  return z.looseObject(Object.fromEntries(names.map((name) => [name, z.string().optional()])));
}

export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    api_id: z.string(),
    meta: z.object({
      limit: z.number().int(),
      offset: z.number().int(),
      total_count: z.number().int(),
      previous: text,
      next: text.describe('Path of the next page, without a slash before it.'),
    }),
    objects: z.array(item),
  });
}

const MAX_LIMIT = 20;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** An id of a path that the database can be asked for. @throws ZentrunkError 404 */
export function uuidOr404(uuid: string): string {
  if (UUID.test(uuid)) return uuid;
  throw notFound(uuid);
}

export function notFound(id: string): ZentrunkError {
  return new ZentrunkError(404, `there is no resource ${id.slice(0, 100)} in this account`);
}

/** What a list was asked with. */
export class ListRequest {
  readonly page: OffsetRequest;
  readonly #query: Readonly<Record<string, string>>;

  /** @throws FilterError for a parameter that is none of `filters` */
  constructor(query: Readonly<Record<string, unknown>>, filters: readonly string[]) {
    const single: Record<string, string> = {};
    for (const [name, value] of Object.entries(query)) {
      if (value === undefined) continue;
      if (name !== 'limit' && name !== 'offset' && !filters.includes(name)) {
        throw new FilterError(name);
      }
      if (typeof value !== 'string') throw wrong(name, 'one value');
      single[name] = value;
    }
    this.#query = single;
    const limit = this.whole('limit') ?? MAX_LIMIT;
    if (limit < 1 || limit > MAX_LIMIT) throw wrong('limit', `1 to ${MAX_LIMIT}`);
    this.page = { limit, offset: this.whole('offset') ?? 0 };
  }

  text(name: string): string | undefined {
    return this.#query[name];
  }

  whole(name: string): number | undefined {
    const given = this.#query[name];
    if (given === undefined) return undefined;
    if (!/^\d{1,9}$/.test(given)) throw wrong(name, 'a whole number');
    return Number(given);
  }

  oneOf<const Value extends string>(name: string, values: readonly Value[]): Value | undefined {
    const given = this.#query[name];
    if (given === undefined) return undefined;
    const found = values.find((value) => value === given);
    if (found === undefined) throw wrong(name, values.join(' or '));
    return found;
  }

  uuid(name: string): string | undefined {
    const given = this.#query[name];
    if (given !== undefined && !UUID.test(given)) throw wrong(name, 'a UUID');
    return given;
  }

  /** The answer; `path` is that of the list without a slash before it. */
  answer<Row, Item>(
    apiId: string,
    path: string,
    found: OffsetPage<Row>,
    view: (row: Row) => Item,
  ): {
    api_id: string;
    meta: {
      limit: number;
      offset: number;
      total_count: number;
      previous: string | null;
      next: string | null;
    };
    objects: Item[];
  } {
    const { limit, offset } = this.page;
    const pageAt = (at: number): string => {
      const { limit: _limit, offset: _offset, ...filters } = this.#query;
      const query = new URLSearchParams({ ...filters, limit: String(limit), offset: String(at) });
      return `${path}?${query.toString()}`;
    };
    return {
      api_id: apiId,
      meta: {
        limit,
        offset,
        total_count: found.totalCount,
        previous: offset === 0 ? null : pageAt(Math.max(0, offset - limit)),
        next: offset + limit < found.totalCount ? pageAt(offset + limit) : null,
      },
      objects: found.data.map(view),
    };
  }
}

function wrong(name: string, expected: string): ZentrunkError {
  return new ZentrunkError(400, `${name}: expected ${expected}`);
}
