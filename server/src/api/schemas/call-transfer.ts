import { z } from 'zod';

export const callTransferSchema = z
  .strictObject({
    to: z.string().min(1).max(40).describe('Number of the one to talk with, such as +14155550123.'),
    method: z
      .enum(['auto', 'refer', 'bridge'])
      .default('auto')
      .describe(
        '`refer`: the carrier moves the call away; `bridge`: the target is called and both are in ' +
          'one room; `auto`: `refer` where the trunk’s `transfer_by_refer` is on, else `bridge`.',
      ),
    ringback: z
      .boolean()
      .default(true)
      .describe('Whether the far end hears ringing meanwhile; of `bridge`.'),
    ring_timeout_s: z.number().int().min(5).max(120).optional(),
    briefing: z
      .string()
      .trim()
      .min(1)
      .max(1_000)
      .optional()
      .describe('Said to the target alone before both are connected; of `bridge`.'),
  })
  .meta({ examples: [{ to: '+15005550101', method: 'bridge', ring_timeout_s: 30 }] });

export const callTransferViewSchema = z
  .object({
    id: z.string(),
    successful: z.boolean(),
    method: z.enum(['refer', 'bridge']),
    reason: z
      .string()
      .nullable()
      .describe('Why not, such as `user-busy`; null: it was successful.'),
    target_call_id: z
      .string()
      .nullable()
      .describe('The call to the target; null: it is the carrier’s.'),
    sip: z.object({ code: z.number().int().nullable(), reason: z.string().nullable() }),
  })
  .meta({ id: 'CallTransfer' });
