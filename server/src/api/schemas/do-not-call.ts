import { z } from 'zod';
import type { DoNotCallListRow, DoNotCallRow } from '../../db/queries/do-not-call.ts';

const listId = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,100}$/, 'expected 1 to 100 letters, digits or _ . -');

export const doNotCallCreateSchema = z
  .strictObject({
    number: z.string().min(1).max(40).describe('E.164, such as +14155550123.'),
    campaign_id: listId.optional().describe('Only this campaign leaves the number alone.'),
    note: z.string().max(500).optional(),
  })
  .meta({
    examples: [
      { number: '+14155550123', campaign_id: 'spring-offer', note: 'Asked for it by e-mail.' },
    ],
  });

export const doNotCallImportBody = z
  .string()
  .describe('CSV: a column `number`, or the first; `note` is kept.')
  .meta({ examples: ['number,note\n+14155550123,asked in a call\n+14155550124,\n'] });

export const doNotCallQuery = z.strictObject({
  list: listId.default('workspace').describe('`workspace`, a campaign’s id or a registry’s name.'),
  limit: z.coerce.number().int().min(1).max(200).default(50).describe('Rows a page.'),
  cursor: z.string().max(200).optional().describe('`next_cursor` of the page before.'),
});

export const numberParams = z.strictObject({
  number: z.string().min(1).max(40).describe('E.164; the plus may be left out.'),
});

export const doNotCallRemoveQuery = z.strictObject({
  list: listId.optional().describe('Default: every list that has the number.'),
});

export const doNotCallImportQuery = z.strictObject({
  list: listId.default('workspace'),
  kind: z.enum(['workspace', 'campaign', 'registry']).optional(),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'expected an ISO country code such as US')
    .optional()
    .describe('Of a registry; numbers without a plus are read in it.'),
  replace: z.stringbool().default(false).describe('Empty the list first.'),
});

export const doNotCallViewSchema = z
  .object({
    number: z.string(),
    list: z.string(),
    source: z.string(),
    call_id: z.string().nullable(),
    note: z.string().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'DoNotCallEntry' });

export function doNotCallView(row: DoNotCallRow): z.output<typeof doNotCallViewSchema> {
  return {
    number: row.number,
    list: row.listId,
    source: row.source,
    call_id: row.callId,
    note: row.note,
    created_at: row.createdAt.toISOString(),
  };
}

export const doNotCallListSchema = z
  .object({
    id: z.string(),
    kind: z.enum(['workspace', 'campaign', 'registry']),
    country: z.string().nullable(),
    numbers: z.number().int(),
    imported_at: z.iso.datetime().describe('How fresh a registry is.'),
  })
  .meta({ id: 'DoNotCallList' });

export function doNotCallListView(
  row: DoNotCallListRow & { count: number },
): z.output<typeof doNotCallListSchema> {
  return {
    id: row.id,
    kind: row.kind,
    country: row.country,
    numbers: row.count,
    imported_at: row.importedAt.toISOString(),
  };
}

export const doNotCallImportViewSchema = z
  .object({
    list: z.string(),
    rows: z.number().int(),
    added: z.number().int(),
    already_listed: z.number().int(),
    invalid: z.number().int(),
    errors: z
      .array(z.object({ row: z.number().int(), problem: z.string() }))
      .describe('The first hundred lines that were left out, counted from 1.'),
  })
  .meta({ id: 'DoNotCallImport' });
