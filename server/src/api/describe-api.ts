import type { ApiContext } from './api-context.ts';
import { buildApi } from './api-server.ts';

/** The OpenAPI document without a running program, for the reference pages. */
export async function describeApi(version: string): Promise<object> {
  // The routes are only listed, never asked, so there is nothing behind them.
  const app = await buildApi({ version, database: {} } as ApiContext);
  const document = app.swagger();
  await app.close();
  return document;
}
