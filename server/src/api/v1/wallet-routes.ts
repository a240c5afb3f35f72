import { z } from 'zod';
import * as ledger from '../../db/queries/ledger.ts';
import type { BookedCredit } from '../../wallet/wallet.ts';
import { WalletError } from '../../wallet/wallet-error.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { ApiError } from '../errors.ts';
import { errorResponses, pageOf, readErrors, writeErrors } from '../schemas/common.ts';
import {
  entryListQuery,
  ledgerEntrySchema,
  ledgerEntryView,
  ledgerTransactionSchema,
  ledgerTransactionView,
  refundSchema,
  topUpSchema,
  walletPatchSchema,
  walletView,
  walletViewSchema,
} from '../schemas/wallet.ts';
import { invalidRequest } from '../validate.ts';
import { moneyOf, moneyQuery, moneyToSet } from './money-workspace.ts';

const bookingHeaders = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('A second request with the same key books nothing and answers as the first did.'),
});

/** `/v1/wallet`: the workspace's money. */
export function walletRoutes(api: Api, context: ApiContext): void {
  const { wallet, database } = context;
  const tags = ['wallet'];

  api.get(
    '/wallet',
    {
      schema: {
        tags,
        operationId: 'getWallet',
        summary: 'Balance, held money and mode',
        querystring: moneyQuery,
        response: { 200: walletViewSchema, ...readErrors },
      },
    },
    async (request) => {
      const workspaceId = await moneyOf(context, request);
      return walletView(await wallet.balance(workspaceId, database.tenant(workspaceId)));
    },
  );

  api.patch(
    '/wallet',
    {
      config: { scope: 'billing' },
      schema: {
        tags,
        operationId: 'updateWallet',
        summary: 'Change the mode and the low-balance thresholds',
        querystring: moneyQuery,
        body: walletPatchSchema,
        response: { 200: walletViewSchema, ...writeErrors },
      },
    },
    async (request) => {
      const { mode, thresholds_micros: thresholdsMicros } = request.body;
      // When to be told is everybody's own business.
      const whose = mode === undefined ? moneyOf : moneyToSet;
      const workspaceId = await whose(context, request);
      return walletView(await wallet.configure(workspaceId, { mode, thresholdsMicros }));
    },
  );

  api.get(
    '/wallet/entries',
    {
      schema: {
        tags,
        operationId: 'listLedgerEntries',
        summary: 'Every booking, newest first; the entries of a transaction add up to zero',
        querystring: entryListQuery.extend(moneyQuery.shape),
        response: { 200: pageOf(ledgerEntrySchema), ...readErrors },
      },
    },
    async (request) => {
      const { limit, cursor, call_id: callId, account, kind } = request.query;
      const workspaceId = await moneyOf(context, request);
      const page = await ledger.listEntries(
        database.tenant(workspaceId),
        workspaceId,
        { callId, account, kind },
        { limit, beforeId: cursorId(cursor) },
      );
      return {
        data: page.data.map(ledgerEntryView),
        next_cursor: page.nextId === null ? null : String(page.nextId),
      };
    },
  );

  api.post(
    '/wallet/top-ups',
    {
      config: { scope: 'billing' },
      schema: {
        tags,
        operationId: 'topUpWallet',
        summary: 'Book money that was paid in',
        headers: bookingHeaders,
        querystring: moneyQuery,
        body: topUpSchema,
        response: {
          200: ledgerTransactionSchema.describe('Booked before under the same key.'),
          201: ledgerTransactionSchema,
          ...writeErrors,
          ...errorResponses(409),
        },
      },
    },
    async (request, reply) => {
      const { amount_micros: micros, description } = request.body;
      const workspaceId = await moneyToSet(context, request);
      const reference = referenceOf('top-up', request.headers['idempotency-key']);
      const booked = await wallet
        .topUp({ workspaceId, micros, description, reference })
        .catch(refuse);
      return reply.status(booked.created ? 201 : 200).send(viewOf(booked));
    },
  );

  api.post(
    '/wallet/refunds',
    {
      config: { scope: 'billing' },
      schema: {
        tags,
        operationId: 'refundToWallet',
        summary: 'Give back what calls were charged',
        headers: bookingHeaders,
        querystring: moneyQuery,
        body: refundSchema,
        response: {
          200: ledgerTransactionSchema.describe('Booked before under the same key.'),
          201: ledgerTransactionSchema,
          ...writeErrors,
          ...errorResponses(409),
        },
      },
    },
    async (request, reply) => {
      const { amount_micros: micros, call_id: callId, description } = request.body;
      const workspaceId = await moneyToSet(context, request);
      if (callId === undefined && micros === undefined) {
        throw invalidRequest([
          { field: 'amount_micros', problem: 'expected an amount where no call_id is named' },
        ]);
      }
      const reference = referenceOf('refund', request.headers['idempotency-key']);
      const booked = await wallet
        .refund({ workspaceId, micros: micros ?? 0, callId, description, reference })
        .catch(refuse);
      return reply.status(booked.created ? 201 : 200).send(viewOf(booked));
    },
  );
}

function viewOf({ transaction }: BookedCredit): z.output<typeof ledgerTransactionSchema> {
  return ledgerTransactionView(transaction);
}

/** One key may name a top-up and a refund. */
function referenceOf(kind: string, key: string | undefined): string | null {
  return key === undefined ? null : `${kind}:${key}`;
}

function cursorId(cursor: string | undefined): number | null {
  if (cursor === undefined) return null;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw invalidRequest([{ field: 'cursor', problem: 'expected next_cursor of the page before' }]);
}

function refuse(error: unknown): never {
  if (!(error instanceof WalletError)) throw error;
  switch (error.code) {
    case 'reference-taken':
      throw new ApiError('idempotency_mismatch', error.message);
    case 'nothing-to-refund':
      throw new ApiError('conflict', error.message);
    case 'too-much':
      throw invalidRequest([{ field: 'amount_micros', problem: error.message }]);
  }
}
