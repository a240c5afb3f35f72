import { z } from 'zod';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { ApiError } from '../errors.ts';
import { boltiErrors } from './bolti-errors.ts';
import { workspaceParams } from './bolti-schemas.ts';

const creditsSchema = z
  .object({
    balance: z.string().describe('In units of the currency, such as `12.500000`.'),
    available: z.string().describe('What new calls can reserve.'),
    reserved: z.string().describe('What live calls have reserved.'),
    currency: z.string(),
    unlimited: z.boolean().describe('Whether calls are made whatever the balance is.'),
  })
  .meta({ id: 'BoltiCredits' });

const workspaceSchema = z
  .object({ id: z.string(), name: z.string(), timezone: z.string(), created_at: z.string() })
  .meta({ id: 'BoltiWorkspace' });

/** `/workspaces` and their credits. */
export function boltiWorkspaceRoutes(api: Api, context: ApiContext): void {
  const tags = ['bolti'];

  api.get(
    '/workspaces',
    {
      schema: {
        tags,
        operationId: 'listBoltiWorkspaces',
        summary: 'The workspace of this key',
        response: { 200: z.object({ data: z.array(workspaceSchema) }), ...boltiErrors() },
      },
    },
    async (request) => ({ data: [await workspace(request.caller.workspaceId)] }),
  );

  api.get(
    '/workspaces/:workspace_id',
    {
      schema: {
        tags,
        operationId: 'getBoltiWorkspace',
        summary: 'Get a workspace',
        params: workspaceParams,
        response: { 200: workspaceSchema, ...boltiErrors() },
      },
    },
    async (request) => workspace(request.caller.workspaceId),
  );

  api.get(
    '/workspaces/:workspace_id/credits',
    {
      schema: {
        tags,
        operationId: 'getBoltiCredits',
        summary: 'What is left to call with',
        params: workspaceParams,
        response: { 200: creditsSchema, ...boltiErrors() },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const balance = await context.wallet.balance(
        workspaceId,
        context.database.tenant(workspaceId),
      );
      return {
        balance: units(balance.balanceMicros),
        available: units(balance.availableMicros),
        reserved: units(balance.heldMicros),
        currency: balance.currency,
        unlimited: balance.mode === 'unlimited',
      };
    },
  );

  async function workspace(workspaceId: string): Promise<z.output<typeof workspaceSchema>> {
    const row = await context.workspaces.get(workspaceId, workspaceId);
    if (!row) throw new ApiError('not_found', `there is no workspace ${workspaceId}`);
    return {
      id: row.id,
      name: row.name,
      timezone: row.timezone,
      created_at: row.createdAt.toISOString(),
    };
  }
}

/** Micros as a decimal; a float would round. */
function units(micros: number): string {
  const sign = micros < 0 ? '-' : '';
  const digits = String(Math.abs(micros)).padStart(7, '0');
  return `${sign}${digits.slice(0, -6)}.${digits.slice(-6)}`;
}
