import { z } from 'zod';
import * as consents from '../../db/queries/consents.ts';
import { newId } from '../../shared/ids.ts';
import { parseE164 } from '../../trunks/e164.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { ApiError } from '../errors.ts';
import {
  idParams,
  isoOrNull,
  pageOf,
  pageQuery,
  readErrors,
  timeOrNull,
  writeErrors,
} from '../schemas/common.ts';

const consentCreateSchema = z
  .strictObject({
    number: z.string().min(1).max(40),
    purpose: z.enum(['service', 'promotional', 'recording']),
    source: z.string().trim().min(1).max(500).describe('Where and how, such as a form’s address.'),
    text_hash: z
      .string()
      .regex(/^[A-Za-z0-9+/=_:-]{8,200}$/, 'expected a hash of 8 to 200 characters')
      .nullable()
      .default(null)
      .describe('Of the text that was agreed to.'),
    obtained_at: z.iso.datetime({ offset: true }).optional().describe('Default: now.'),
  })
  .meta({
    examples: [
      {
        number: '+14155550123',
        purpose: 'promotional',
        source: 'https://example.com/newsletter',
        text_hash: 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef',
        obtained_at: '2026-03-02T09:15:00Z',
      },
    ],
  });

const consentViewSchema = z
  .object({
    id: z.string(),
    number: z.string(),
    purpose: z.enum(['service', 'promotional', 'recording']),
    source: z.string(),
    text_hash: z.string().nullable(),
    obtained_at: z.iso.datetime(),
    revoked_at: timeOrNull,
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'Consent' });

/** `/v1/consents`. */
export function consentRoutes(api: Api, context: ApiContext): void {
  const { clock, database } = context;
  const tags = ['consents'];

  api.post(
    '/consents',
    {
      schema: {
        tags,
        operationId: 'createConsent',
        summary: 'Record that somebody agreed to be called or recorded',
        body: consentCreateSchema,
        response: { 201: consentViewSchema, ...writeErrors },
      },
    },
    async (request, reply) => {
      const { workspaceId } = request.caller;
      const { purpose, source, text_hash: textHash, obtained_at: obtainedAt } = request.body;
      const nowMs = clock.now();
      const row = await consents.insert(database.tenant(workspaceId), {
        id: newId('consent', nowMs),
        workspaceId,
        purpose,
        source,
        textHash,
        number: requireNumber(request.body.number),
        obtainedAt: obtainedAt === undefined ? new Date(nowMs) : new Date(obtainedAt),
        createdAt: new Date(nowMs),
      });
      return reply.status(201).send(consentView(row));
    },
  );

  api.get(
    '/consents',
    {
      schema: {
        tags,
        operationId: 'listConsents',
        summary: 'List consents, revoked ones too',
        querystring: pageQuery.extend({ number: z.string().max(40).optional() }),
        response: { 200: pageOf(consentViewSchema), ...readErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { number, ...page } = request.query;
      const e164 = number === undefined ? undefined : requireNumber(number);
      const found = await consents.list(database.tenant(workspaceId), workspaceId, e164, page);
      return { data: found.data.map(consentView), next_cursor: found.nextCursor };
    },
  );

  api.delete(
    '/consents/:id',
    {
      schema: {
        tags,
        operationId: 'revokeConsent',
        summary: 'Revoke a consent; its record stays',
        params: idParams,
        response: { 200: consentViewSchema, ...writeErrors },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { id } = request.params;
      const at = new Date(clock.now());
      const row = await consents.revoke(database.tenant(workspaceId), workspaceId, id, at);
      if (!row) throw new ApiError('not_found', `there is no consent ${id} in force`);
      return consentView(row);
    },
  );
}

function consentView(row: consents.ConsentRow): z.output<typeof consentViewSchema> {
  return {
    id: row.id,
    number: row.number,
    purpose: row.purpose,
    source: row.source,
    text_hash: row.textHash,
    obtained_at: row.obtainedAt.toISOString(),
    revoked_at: isoOrNull(row.revokedAt),
    created_at: row.createdAt.toISOString(),
  };
}

function requireNumber(text: string): string {
  const trimmed = text.trim();
  const parsed = parseE164(trimmed.startsWith('+') ? trimmed : `+${trimmed}`, { sandbox: true });
  if (!parsed.ok) throw new ApiError('invalid_number', `number: ${parsed.message}`);
  return parsed.e164;
}
