import { describe, expect, it } from 'vitest';
import { checkExtractionSchema, compileExtractionSchema } from './extraction-schema.ts';

const object = (properties: Record<string, unknown>) => ({ type: 'object', properties });

function deep(levels: number): Record<string, unknown> {
  return levels === 0 ? { type: 'string' } : object({ inner: deep(levels - 1) });
}

describe('an extraction schema', () => {
  it.each<[string, Record<string, unknown>, string, string]>([
    ['is of an object', { type: 'array' }, 'type', 'expected the schema of an object'],
    ['is a schema', object({ a: { type: 'strong' } }), '', 'not a JSON Schema'],
    [
      'fetches nothing',
      object({ a: { $ref: 'http://example.com/x' } }),
      'properties.a.$ref',
      '$ref',
    ],
    [
      'runs nobody’s pattern',
      object({ a: { pattern: '(a+)+$' } }),
      'properties.a.pattern',
      'pattern',
    ],
    ['has few levels', deep(20), 'properties', 'levels'],
    ['is short', { ...object({}), description: 'x'.repeat(60_000) }, '', 'characters'],
  ])('%s', (_name, schema, path, message) => {
    const [problem] = checkExtractionSchema(schema);
    expect(problem?.path.join('.')).toContain(path);
    expect(problem?.message).toContain(message);
  });

  it('may have fields with any name, an id and a pattern too', () => {
    const schema = object({ id: { type: 'string' }, pattern: { enum: ['$ref', 'pattern'] } });
    expect(checkExtractionSchema(schema)).toEqual([]);
  });

  it('checks data and names what is wrong', () => {
    const check = compileExtractionSchema({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      ...object({ mail: { type: 'string', format: 'email' }, count: { type: 'integer' } }),
      additionalProperties: false,
    });
    expect(check({ mail: 'a@b.example', count: 2 })).toEqual([]);
    expect(check({ mail: 'nobody', count: 2.5, more: 1 })).toHaveLength(3);
  });
});
