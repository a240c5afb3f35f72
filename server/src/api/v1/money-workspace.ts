import { z } from 'zod';
import type { ApiContext } from '../api-context.ts';
import { ApiError } from '../errors.ts';
import { requiredWorkspace } from './workspace-routes.ts';

/** Names a sub-account in a request about money. */
export const moneyQuery = z.strictObject({
  workspace_id: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('A sub-account, with a key of its parent. Default: the workspace of the key.'),
});

type MoneyRequest = {
  caller: { workspaceId: string };
  query: { workspace_id?: string | undefined };
};

/**
 * Whose money is looked at: the key's own workspace's, or a sub-account's.
 * @throws ApiError `not_found`
 */
export async function moneyOf(
  context: Pick<ApiContext, 'workspaces'>,
  { caller: { workspaceId }, query: { workspace_id: asked } }: MoneyRequest,
): Promise<string> {
  if (asked === undefined || asked === workspaceId) return workspaceId;
  return (await requiredWorkspace(context, workspaceId, asked)).id;
}

/**
 * Whose money or prices are set. What a sub-account has and pays is its parent's to say: else its
 * own first key would fill its wallet.
 * @throws ApiError `not_found`, `forbidden`
 */
export async function moneyToSet(
  context: Pick<ApiContext, 'workspaces'>,
  { caller: { workspaceId }, query: { workspace_id: asked } }: MoneyRequest,
): Promise<string> {
  const { id, parentId } = await requiredWorkspace(context, workspaceId, asked);
  if (id !== workspaceId || parentId === null) return id;
  throw new ApiError(
    'forbidden',
    `money and prices of a sub-account are set with a key of its parent and workspace_id=${id}`,
  );
}
