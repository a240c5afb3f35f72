import { createHash } from 'node:crypto';
import { z } from 'zod';
import * as calls from '../../db/queries/calls.ts';
import * as customModels from '../../db/queries/custom-models.ts';
import { LOCAL_VOICES, VENDORS } from '../../providers/vendors.ts';
import { bolnaId } from '../../webhooks/formats/bolna-execution.ts';
import {
  KEYED_PROVIDERS,
  listProviderKeys,
  removeProviderKey,
  setProviderKey,
  type ProviderKey,
} from '../../workspaces/provider-keys.ts';
import type { ApiContext } from '../api-context.ts';
import type { Api } from '../api-server.ts';
import { BolnaError, bolnaErrors, notFound, unprocessable } from './bolna-errors.ts';

const MICROS_PER_UNIT = 1_000_000;
const MAX_CUSTOM_MODELS = 200;

const providerSchema = z
  .object({
    provider_id: z.string(),
    provider_name: z.string(),
    provider_value: z.string().describe('Masked.'),
    humanized_created_at: z.string(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: 'BolnaProvider' });

const voiceSchema = z
  .object({
    id: z.string(),
    voice_id: z.string(),
    provider: z.string(),
    name: z.string(),
    model: z.string(),
    accent: z.string(),
  })
  .meta({ id: 'BolnaVoice' });

const statusSchema = z.object({ message: z.string(), status: z.string() });

/** What is known of the voices that agents can have. */
const ACCENTS: Record<string, string> = {
  slt: 'american, female',
  rms: 'american, male',
  awb: 'scottish, male',
  kal: 'american, male',
};

/** `/providers`, `/me/voices`, `/user`. */
export function bolnaAccountRoutes(api: Api, context: ApiContext): void {
  const { database } = context;
  const tags = ['bolna'];

  api.get(
    '/providers',
    {
      schema: {
        tags,
        operationId: 'listBolnaProviders',
        summary: 'List the providers that the workspace has a key of',
        response: { 200: z.array(providerSchema), ...bolnaErrors() },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const keys = await listProviderKeys(database.tenant(workspaceId), workspaceId);
      return keys.map(providerView);
    },
  );

  api.post(
    '/providers',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'addBolnaProvider',
        summary: 'Store or replace the key of a provider; it is never shown',
        body: z
          .strictObject({
            provider_name: z.string().min(1).max(100),
            provider_value: z.string().min(1).max(500),
          })
          .meta({
            examples: [{ provider_name: 'OPENAI_API_KEY', provider_value: 'sk-0123456789abcdef' }],
          }),
        response: { 200: statusSchema, ...bolnaErrors(400, 422) },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { provider_name: name, provider_value: secret } = request.body;
      const provider = keyedProvider(name);
      if (provider === null) {
        throw unprocessable([
          {
            field: 'provider_name',
            problem: `'${name}' is not there; keys can be kept of ${KEYED_PROVIDERS.join(', ')}`,
          },
        ]);
      }
      const key = { workspaceId, provider, secret };
      await setProviderKey(database.tenant(workspaceId), context, key);
      return { message: 'successful', status: 'added' };
    },
  );

  api.delete(
    '/providers/:provider_key_name',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'removeBolnaProvider',
        summary: 'Forget the key of a provider',
        params: z.strictObject({ provider_key_name: z.string().min(1).max(100) }),
        response: { 200: statusSchema, ...bolnaErrors(404) },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { provider_key_name: name } = request.params;
      const provider = keyedProvider(name);
      const db = database.tenant(workspaceId);
      if (provider === null || !(await removeProviderKey(db, workspaceId, provider))) {
        throw notFound('Provider', name);
      }
      return { message: 'successful', status: 'removed' };
    },
  );

  api.get(
    '/me/voices',
    {
      schema: {
        tags,
        operationId: 'listBolnaVoices',
        summary: 'List the voices that agents can have',
        response: { 200: z.array(voiceSchema), ...bolnaErrors() },
      },
    },
    () => VOICES,
  );

  api.post(
    '/user/model/custom',
    {
      schema: {
        tags,
        operationId: 'addBolnaCustomModel',
        summary: 'Name an OpenAI-compatible endpoint; agents name it as their model or provider',
        body: z
          .strictObject({
            custom_model_name: z.string().trim().min(1).max(200),
            custom_model_url: z.url({ protocol: /^https?$/ }).max(500),
          })
          .meta({
            examples: [
              { custom_model_name: 'house-model', custom_model_url: 'https://llm.example.com/v1' },
            ],
          }),
        response: { 200: statusSchema, ...bolnaErrors(400, 422) },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const { custom_model_name: name, custom_model_url: baseUrl } = request.body;
      const db = database.tenant(workspaceId);
      const known = await customModels.list(db, workspaceId);
      if (known.length >= MAX_CUSTOM_MODELS && known.every((model) => model.name !== name)) {
        throw new BolnaError(400, `expected at most ${MAX_CUSTOM_MODELS} custom models`);
      }
      await customModels.upsert(db, { workspaceId, name, baseUrl });
      return { message: 'successful', status: 'added' };
    },
  );

  api.get(
    '/user/me',
    {
      schema: {
        tags,
        operationId: 'getBolnaUser',
        summary: 'The workspace of the key, as a user',
        response: {
          200: z.object({
            id: z.string(),
            name: z.string(),
            email: z.string().nullable(),
            wallet: z.number().describe('In the workspace’s currency.'),
            concurrency: z.object({ max: z.number().int().nullable(), current: z.number().int() }),
          }),
          ...bolnaErrors(404),
        },
      },
    },
    async (request) => {
      const { workspaceId } = request.caller;
      const workspace = await context.workspaces.get(workspaceId, workspaceId);
      if (!workspace) throw notFound('User', workspaceId);
      const db = database.tenant(workspaceId);
      const { balanceMicros } = await context.wallet.balance(workspaceId, db);
      return {
        id: bolnaId(workspace.id),
        name: workspace.name,
        email: null,
        wallet: balanceMicros / MICROS_PER_UNIT,
        concurrency: {
          max: workspace.maxConcurrentCalls,
          current: await calls.countLive(db, { workspaceId }),
        },
      };
    },
  );
}

/** `OPENAI_API_KEY`, `openai_api_key` and `openai` are one. */
function keyedProvider(name: string): (typeof KEYED_PROVIDERS)[number] | null {
  const plain = plainName(name);
  return (
    KEYED_PROVIDERS.find(
      (provider) => plainName(provider) === plain || plainName(VENDORS[provider].keyName) === plain,
    ) ?? null
  );
}

function plainName(name: string): string {
  return name
    .toLowerCase()
    .replaceAll('-', '_')
    .replace(/_(api_key|auth_token|key)$/, '');
}

function providerView(key: ProviderKey): z.output<typeof providerSchema> {
  return {
    provider_id: uuidOf(`provider:${key.id}`),
    provider_name: key.provider,
    provider_value: `********${key.last4}`,
    humanized_created_at: key.createdAt.toUTCString(),
    created_at: key.createdAt.toISOString(),
  };
}

const VOICES: z.output<typeof voiceSchema>[] = LOCAL_VOICES.map((voice) => ({
  id: uuidOf(`voice:local:${voice}`),
  voice_id: voice,
  provider: 'local',
  name: voice,
  model: 'flite',
  accent: ACCENTS[voice] ?? '',
}));

/** The same UUID for the same name, every time. RFC 9562 §5.8: version 8 is ours to define. */
function uuidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
