import { z } from 'zod';
import type { NumberRow } from '../../db/queries/numbers.ts';

const id = z.string().min(1).max(100);

const fields = {
  agent_id: id.nullable().describe('Who answers; null: nobody.'),
  trunk_id: id.describe('The trunk that it calls from.'),
  inbound_trunk_id: id
    .nullable()
    .describe('The trunk that calls to it come in by, when that is another one.'),
  name: z.string().max(200),
  provider: z.string().max(100),
};

export const numberCreateSchema = z
  .strictObject({
    ...z.strictObject(fields).partial().shape,
    trunk_id: fields.trunk_id,
    number: z.string().max(40).describe('E.164, such as +14155550123.'),
    e164_check: z
      .boolean()
      .default(true)
      .describe('Whether its country’s numbering plan must have it; false takes it as it is.'),
  })
  .meta({
    examples: [
      {
        number: '+14155550123',
        trunk_id: 'trunk_01j9zq9c5b8d1f4h7k0m3p6s9v',
        agent_id: 'agent_01j9zq8f3v6m2k4n7p0r5t8w1x',
        name: 'Support line',
      },
    ],
  });

export const numberPatchSchema = z
  .strictObject(fields)
  .partial()
  .meta({
    examples: [{ agent_id: 'agent_01j9zq8f3v6m2k4n7p0r5t8w1x', name: 'Sales line' }],
  });

export const numberViewSchema = z
  .object({
    id: z.string(),
    number: z.string(),
    name: z.string(),
    provider: z.string(),
    trunk_id: z.string(),
    inbound_trunk_id: z.string().nullable(),
    agent_id: z.string().nullable(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Number' });

export function numberView(row: NumberRow): z.output<typeof numberViewSchema> {
  return {
    id: row.id,
    number: row.e164,
    name: row.name,
    provider: row.provider,
    trunk_id: row.trunkId,
    inbound_trunk_id: row.inboundTrunkId,
    agent_id: row.agentId,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}
