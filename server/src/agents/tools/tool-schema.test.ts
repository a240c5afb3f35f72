import { describe, expect, it } from 'vitest';
import { maskArguments, MASK } from './mask-arguments.ts';
import { toolsSchema } from './tool-schema.ts';
import { valueAt } from './tool-response.ts';

const http = (more: Record<string, unknown> = {}, request: Record<string, unknown> = {}) => ({
  type: 'http',
  name: 'look_up',
  description: 'Looks up.',
  request: { url: 'https://api.example.com/v1/{id}', ...request },
  ...more,
});

/** What is wrong with these tools, by field. */
function problems(...tools: unknown[]): Record<string, string> {
  const { error } = toolsSchema.safeParse(tools);
  return Object.fromEntries(
    (error?.issues ?? []).map(({ path, message }) => [path.join('.'), message]),
  );
}

describe('the tools of an agent', () => {
  it('take one of each kind', () => {
    const tools = [
      http(),
      { type: 'transfer_call', targets: [{ name: 'desk', number: '+14155550123' }] },
      { type: 'end_call' },
      { type: 'send_dtmf' },
      { type: 'collect_digits' },
      { type: 'schedule_callback' },
      { type: 'add_to_do_not_call' },
      { type: 'set_variable', variables: ['mood'] },
    ];
    expect(problems(...tools)).toEqual({});
  });

  it.each([
    ['https://{host}/a'],
    ['https://a{b}.example/'],
    ['ftp://example.com/'],
    ['{url}'],
    ['https://user{x}@example.com/'],
  ])('refuse %s: where secrets go is not for a model to say', (url) => {
    expect(Object.keys(problems(http({}, { url })))).toEqual(['0.request.url']);
  });

  it('name what is wrong', () => {
    expect(problems(http(), http())).toEqual({ '1.name': 'look_up is there twice' });
    expect(problems(http({ name: 'end_call' }))).toEqual({ '0.name': 'end_call is built in' });
    expect(Object.keys(problems(http({ retries: 2 })))).toEqual(['0.retries']);
    expect(Object.keys(problems(http({ parameters: { type: 'string' } })))).toEqual([
      '0.parameters.type',
    ]);
    const pattern = { type: 'object', properties: { a: { type: 'string', pattern: '(a+)+$' } } };
    expect(problems(http({ parameters: pattern }))['0.parameters.properties.a.pattern']).toContain(
      'cannot be used',
    );
    const sip = { type: 'transfer_call', targets: [{ name: 'x', number: 'sip:a@evil.example' }] };
    expect(Object.keys(problems(sip))).toEqual(['0.targets.0.number']);
    expect(Object.keys(problems({ type: 'set_variable', variables: ['secrets.A'] }))).toEqual([
      '0.variables.0',
    ]);
  });
});

describe('arguments on record', () => {
  const schema = {
    type: 'object',
    properties: { note: { type: 'string', writeOnly: true }, who: { type: 'object' } },
  };

  it('leave out what is marked, named like a secret, or looks like a card', () => {
    const given = {
      note: 'private',
      pin: '1234',
      who: { api_key: 'abc', name: 'Ann' },
      text: 'my card is 4111 1111 1111 1111 thanks',
      count: 4,
    };
    expect(maskArguments(given, schema)).toEqual({
      note: MASK,
      pin: MASK,
      who: { api_key: MASK, name: 'Ann' },
      text: `my card is ${MASK} thanks`,
      count: 4,
    });
    expect(maskArguments(4_111_111_111_111_111, {})).toBe(MASK);
  });

  it('are bounded', () => {
    const text = JSON.stringify(maskArguments({ a: 'x'.repeat(10_000) }, {}));
    expect(text.length).toBeLessThan(600);
    expect(maskArguments(null, {})).toBeNull();
  });
});

describe('a path into an answer', () => {
  const json = { a: { 'b/c': [1, { d: 2 }] }, '': 3 };
  it.each([
    ['/a/b~1c/1/d', 2],
    ['a.b/c.0', 1],
    ['$.a', json.a],
    ['a[0]', undefined],
    ['/a/none/deeper', undefined],
    ['__proto__', undefined],
    ['', json],
  ])('%s', (path, expected) => {
    expect(valueAt(json, path)).toEqual(expected);
  });
});
