import { describe, expect, it } from 'vitest';
import { toolsSchema } from '../../agents/tools/tool-schema.ts';
import { readTools } from './tool-config.ts';
import { Translation, type Json } from './translation.ts';

function read(apiTools: unknown): ReturnType<typeof readTools> & { to: Translation } {
  const to = new Translation();
  return { ...readTools(apiTools, 'api_tools', to), to };
}

/** As Bolna's documentation writes a function of one's own and a transfer. */
const DOCUMENT: Json = {
  tools: [
    {
      name: 'get_order',
      key: 'custom_task',
      description: 'Status of an order.',
      parameters: {
        type: 'object',
        properties: { order_id: { type: 'string' }, count: { type: 'integer' } },
        required: ['order_id'],
      },
      pre_call_message: { en: 'Let me look.', hi: '...' },
    },
    {
      name: 'transfer_call_support',
      key: 'transfer_call',
      description: 'Transfer to support.',
      parameters: {
        type: 'object',
        properties: { call_sid: { type: 'string', description: 'unique call id' } },
        required: ['call_sid'],
      },
    },
  ],
  tools_params: {
    get_order: {
      method: 'POST',
      url: 'https://api.example.com/orders/%(order_id)s',
      api_token: 'Bearer abc',
      headers: { 'X-Shop': 'north' },
      param: '{"order": "%(order_id)s", "count": %(count)i}',
    },
    transfer_call_support: {
      method: 'POST',
      url: null,
      api_token: null,
      param: { call_sid: '%(call_sid)s', call_transfer_number: '+91 98765 43210' },
    },
  },
};

describe('api_tools of Bolna’s', () => {
  it('become tools of ours, with the token among the secrets', () => {
    const { tools, secrets, to } = read(DOCUMENT);
    expect(to.problems).toEqual([]);
    expect(tools).toEqual([
      {
        type: 'http',
        name: 'get_order',
        description: 'Status of an order.',
        parameters: (DOCUMENT['tools'] as Json[])[0]?.['parameters'],
        request: {
          method: 'POST',
          url: 'https://api.example.com/orders/{order_id}',
          headers: {
            Authorization: '{{secrets.TOOL_GET_ORDER_AUTHORIZATION}}',
            'X-Shop': 'north',
          },
          body: { order: '{order_id}', count: '{count}' },
        },
        timeout_ms: 10_000,
        retries: 0,
        filler: 'Let me look.',
      },
      {
        type: 'transfer_call',
        name: 'transfer_call_support',
        description: 'Transfer to support.',
        targets: [{ name: 'target', number: '+919876543210' }],
      },
    ]);
    expect(secrets).toEqual({ TOOL_GET_ORDER_AUTHORIZATION: 'Bearer abc' });
    expect(toolsSchema.safeParse(tools).error).toBeUndefined();
  });

  it('are read in the newer form too: value beside the tool, $var, OpenAI’s function', () => {
    const { tools, to } = read({
      tools: [
        {
          type: 'function',
          key: 'custom_task',
          function: { name: 'look', description: 'Looks.', parameters: { type: 'object' } },
          value: { url: 'https://api.example.com/', param: { id: { $var: 'id' } } },
        },
      ],
    });
    expect(to.problems).toEqual([]);
    expect(tools[0]).toMatchObject({
      name: 'look',
      request: { method: 'GET', url: 'https://api.example.com/', query: { id: '{id}' } },
    });
  });

  it('leave a secret as it is where the document comes back with its mask', () => {
    const masked = structuredClone(DOCUMENT);
    const params = (masked['tools_params'] as Record<string, Json>)['get_order'];
    if (params) params['api_token'] = '********';
    expect(read(masked).secrets).toEqual({});
  });

  it.each([
    [{ name: 'a', key: 'transfer_call' }, 'call_transfer_number'],
    [{ name: 'a', key: 'book_appointment' }, 'calendar'],
    [{ name: 'a', key: 'custom_task' }, 'url'],
    [{ name: 'a b', key: 'custom_task' }, 'name'],
    [
      { name: 'a', key: 'switch_language', value: { url: 'https://a.example/' } },
      'switch_language',
    ],
    [
      { name: 'a', key: 'custom_task', value: { url: 'https://a.example/', param: 'nonsense' } },
      'JSON',
    ],
  ])('are refused by name where they cannot run: %j', (tool, words) => {
    const { to } = read({ tools: [tool] });
    expect(to.problems).toHaveLength(1);
    expect(JSON.stringify(to.problems)).toContain(words);
  });

  it('warn of what has no effect, and need no end_call', () => {
    const { tools, to } = read({
      tools: [
        { name: 'end_call', key: 'end_call' },
        {
          name: 'a',
          value: {
            url: 'https://a.example/',
            pre_call_webhook_url: 'https://b.example/',
            scope: 'node',
          },
        },
      ],
    });
    expect(tools).toHaveLength(1);
    expect(to.warnings.map(({ field }) => field)).toEqual([
      'api_tools.a.pre_call_webhook_url',
      'api_tools.a.scope',
    ]);
  });
});
