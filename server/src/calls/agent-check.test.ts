import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../db/database.ts';
import * as agents from '../db/queries/agents.ts';
import { createTestDatabase, type TestDatabase } from '../db/testing/test-database.ts';
import { systemClock } from '../shared/clock.ts';
import { silentLogger } from '../shared/logger.ts';
import { removeProviderKey, setProviderKey } from '../workspaces/provider-keys.ts';
import { createSecrets } from '../workspaces/secrets.ts';
import { agentSecrets } from './agent-check.ts';

const secrets = createSecrets([randomBytes(32)]);
const workspaceId = 'ws_keys';
let test: TestDatabase;
let db: Database;

beforeAll(async () => {
  test = await createTestDatabase();
  db = await openDatabase({ url: test.url, logger: silentLogger, clock: systemClock });
  await db.pool.query('insert into workspaces (id, name) values ($1, $1)', [workspaceId]);
  const key = { workspaceId, provider: 'openai', secret: 'sk-of-the-workspace' };
  await setProviderKey(db.pool, { secrets, clock: systemClock }, key);
});
afterAll(async () => {
  await db.close();
  await test.close();
});

async function keysOf(id: string, llm: object, own?: string): Promise<Record<string, string>> {
  const place = { workspaceId, table: 'agents', id };
  const row = await agents.insert(db.pool, {
    id,
    workspaceId,
    config: { name: id, type: 'llm', llm },
    secrets: own === undefined ? {} : { OPENAI_API_KEY: secrets.seal(place, own) },
  });
  return agentSecrets({ secrets }, db.pool, row);
}

describe('the keys that an agent runs with', () => {
  it('are the workspace’s, unless it has its own', async () => {
    const shared = { OPENAI_API_KEY: 'sk-of-the-workspace' };
    expect(await keysOf('agent_1', {})).toEqual(shared);
    expect(await keysOf('agent_2', { base_url: 'https://api.openai.com/v1' })).toEqual(shared);
    expect(await keysOf('agent_3', {}, 'sk-own')).toEqual({ OPENAI_API_KEY: 'sk-own' });
  });

  it('of another vendor are withheld where that one is asked elsewhere, and there only', async () => {
    const key = { workspaceId, provider: 'azure-openai', secret: 'of-another-vendor' };
    await setProviderKey(db.pool, { secrets, clock: systemClock }, key);
    const rowOf = (id: string, config: object): ReturnType<typeof agents.insert> =>
      agents.insert(db.pool, { id, workspaceId, config: { name: id, ...config }, secrets: {} });
    const elsewhere = { provider: 'azure-openai', base_url: 'https://collector.example' };
    const at = await rowOf('agent_6', { llm: { provider: 'openai', fallbacks: [elsewhere] } });
    expect(await agentSecrets({ secrets }, db.pool, at)).toEqual({
      OPENAI_API_KEY: 'sk-of-the-workspace',
    });
    const own = { provider: 'azure-openai', base_url: 'https://me.openai.azure.com' };
    const home = await rowOf('agent_7', { llm: own });
    expect(await agentSecrets({ secrets }, db.pool, home)).toMatchObject({
      AZURE_OPENAI_API_KEY: 'of-another-vendor',
    });
    await removeProviderKey(db.pool, workspaceId, 'azure-openai');
  });

  it('are never the workspace’s at an endpoint of the agent’s choice', async () => {
    expect(await keysOf('agent_4', { base_url: 'https://collector.example/v1' })).toEqual({});
    const own = await keysOf('agent_5', { base_url: 'https://models.example/v1' }, 'sk-own');
    expect(own).toEqual({ OPENAI_API_KEY: 'sk-own' });
  });
});
