import { z } from 'zod';
import type { LedgerEntryRow, LedgerTransactionRow } from '../../db/queries/ledger.ts';
import { RATE_KINDS, RATE_UNITS, type RateRow } from '../../db/queries/rates.ts';
import { MAX_BALANCE_MICROS, type WalletBalance } from '../../wallet/wallet.ts';
import { pageQuery } from './common.ts';

const modeSchema = z
  .enum(['unlimited', 'prepaid'])
  .describe(
    '`prepaid`: a call must be covered. `unlimited`: the ledger is kept, nothing is refused.',
  );
const micros = z.number().int().describe('Millionths of the workspace’s currency.');
const thresholdsSchema = z
  .array(micros.min(-MAX_BALANCE_MICROS).max(MAX_BALANCE_MICROS))
  .max(10)
  .describe('A balance that falls below one of them sends the event `wallet.low-balance`.');

export const walletViewSchema = z
  .object({
    balance_micros: micros.describe('Paid in, less what calls cost. Held money is part of it.'),
    held_micros: micros.describe('Reserved for calls that are waiting or live.'),
    available_micros: micros.describe('What further calls can reserve.'),
    mode: modeSchema,
    currency: z.string(),
    thresholds_micros: thresholdsSchema,
  })
  .meta({ id: 'Wallet' });

export function walletView(balance: WalletBalance): z.output<typeof walletViewSchema> {
  return {
    balance_micros: balance.balanceMicros,
    held_micros: balance.heldMicros,
    available_micros: balance.availableMicros,
    mode: balance.mode,
    currency: balance.currency,
    thresholds_micros: balance.thresholdsMicros,
  };
}

export const walletPatchSchema = z
  .strictObject({
    mode: modeSchema.optional(),
    thresholds_micros: thresholdsSchema.optional(),
  })
  .meta({ examples: [{ mode: 'prepaid', thresholds_micros: [20_000_000, 5_000_000] }] });

const amountSchema = micros.min(1).max(MAX_BALANCE_MICROS);
const descriptionSchema = z
  .string()
  .max(500)
  .optional()
  .describe('For people, such as an invoice.');

export const topUpSchema = z
  .strictObject({
    amount_micros: amountSchema,
    description: descriptionSchema,
  })
  .meta({ examples: [{ amount_micros: 50_000_000, description: 'Invoice 2026-0312' }] });

export const refundSchema = z
  .strictObject({
    call_id: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe('The call whose charge is given back. Default: a credit that is of no one call.'),
    amount_micros: amountSchema
      .optional()
      .describe('Default: all that is left of the call’s charge.'),
    description: descriptionSchema,
  })
  .meta({
    examples: [
      { call_id: 'call_01j9zqb2d5g8j1m4p7s0v3x6za', description: 'The line was noisy.' },
      { amount_micros: 1_000_000, description: 'Credit for the outage of 2 March.' },
    ],
  });

const kindSchema = z.enum(['top-up', 'hold', 'extend', 'release', 'settle', 'refund']);
const accountSchema = z
  .enum(['available', 'held', 'revenue', 'funding'])
  .describe('`available` and `held` are the workspace’s money.');

export const ledgerTransactionSchema = z
  .object({
    id: z.string(),
    kind: kindSchema,
    amount_micros: micros.describe('What it added to the available money.'),
    call_id: z.string().nullable(),
    description: z.string().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'LedgerTransaction' });

export function ledgerTransactionView(
  row: LedgerTransactionRow & { amountMicros: number },
): z.output<typeof ledgerTransactionSchema> {
  return {
    id: row.id,
    kind: row.kind,
    amount_micros: row.amountMicros,
    call_id: row.callId,
    description: row.description,
    created_at: row.createdAt.toISOString(),
  };
}

export const ledgerEntrySchema = z
  .object({
    id: z.string(),
    transaction_id: z.string().describe('The entries of one transaction add up to zero.'),
    kind: kindSchema,
    account: accountSchema,
    amount_micros: micros,
    call_id: z.string().nullable(),
    description: z.string().nullable(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'LedgerEntry' });

export function ledgerEntryView(row: LedgerEntryRow): z.output<typeof ledgerEntrySchema> {
  return {
    id: `entry_${row.id}`,
    transaction_id: row.transactionId,
    kind: row.kind,
    account: row.account,
    amount_micros: row.amountMicros,
    call_id: row.callId,
    description: row.description,
    created_at: row.createdAt.toISOString(),
  };
}

export const entryListQuery = pageQuery.extend({
  call_id: z.string().max(100).optional(),
  account: accountSchema.optional(),
  kind: kindSchema.optional(),
});

const priceSchema = micros.min(0).max(1_000_000_000_000);

export const rateCreateSchema = z
  .strictObject({
    kind: z.enum(RATE_KINDS),
    provider: z
      .string()
      .min(1)
      .max(100)
      .default('*')
      .describe(
        'Whose use it prices: a provider such as `openai`; of `network` a trunk’s id; `*`: any that has no rate of its own.',
      ),
    prefix: z
      .string()
      .regex(/^[0-9]{0,15}$/, { error: 'expected digits without +' })
      .default('')
      .describe('Of `network`: first digits of the number called, without +. The longest wins.'),
    unit: z.enum(RATE_UNITS),
    micros_per_unit: priceSchema,
    scope: z
      .enum(['workspace', 'platform'])
      .default('workspace')
      .describe(
        '`platform`: of every workspace without a rate of its own; the first workspace only.',
      ),
  })
  .superRefine(({ kind, prefix, unit }, ctx) => {
    if (prefix !== '' && kind !== 'network') {
      ctx.addIssue({
        code: 'custom',
        path: ['prefix'],
        message: 'only network rates have a prefix',
      });
    }
    if (!UNITS_OF[kind].includes(unit)) {
      const message = `expected ${UNITS_OF[kind].join(' or ')} for ${kind}, got ${unit}`;
      ctx.addIssue({ code: 'custom', path: ['unit'], message });
    }
  })
  .meta({
    examples: [
      { kind: 'network', prefix: '49', unit: 'minute', micros_per_unit: 12_000 },
      { kind: 'model', provider: 'openai', unit: 'output_token', micros_per_unit: 2 },
    ],
  });

/** What each kind of cost is counted in. */
const UNITS_OF: Readonly<Record<RateRow['kind'], readonly RateRow['unit'][]>> = {
  platform: ['minute'],
  network: ['minute'],
  transcriber: ['minute'],
  model: ['minute', 'input_token', 'output_token'],
  synthesizer: ['character'],
};

export const ratePatchSchema = z
  .strictObject({ micros_per_unit: priceSchema })
  .meta({ examples: [{ micros_per_unit: 9_500 }] });

export const rateViewSchema = z
  .object({
    id: z.string(),
    scope: z.enum(['workspace', 'platform']),
    kind: z.enum(RATE_KINDS),
    provider: z.string(),
    prefix: z.string(),
    unit: z.enum(RATE_UNITS),
    micros_per_unit: micros,
  })
  .meta({ id: 'Rate' });

export function rateView(row: RateRow): z.output<typeof rateViewSchema> {
  return {
    id: row.id,
    scope: row.workspaceId === null ? 'platform' : 'workspace',
    kind: row.kind,
    provider: row.provider,
    prefix: row.prefix,
    unit: row.unit,
    micros_per_unit: row.microsPerUnit,
  };
}
