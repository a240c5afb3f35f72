import fc from 'fast-check';
import {
  resolved,
  takenBy,
  type OpenApiDocument,
  type Operation,
  type Schema,
} from './api-operations.ts';

const NASTY = [
  '\ud800',
  'a\udc00b',
  '\0',
  '',
  ' ',
  '__proto__',
  'constructor',
  'x'.repeat(10_000),
  '99999999999999999999',
  '-1',
  '1e400',
  '+15005550101',
  "'; drop table calls; --",
  '../../etc/passwd',
  '%00',
  '\u202e\u0007\r\n',
  '😀',
];

export const nastyText = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.string({ unit: 'binary', maxLength: 30 }),
);

const deep = fc.constantFrom(70, 3_000).map((depth) => {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { a: value };
  return value;
});

const nastyValue: fc.Arbitrary<unknown> = fc.oneof(
  nastyText,
  fc.constantFrom(null, true, 0, -1, 1e21, 2 ** 63, 0.1, [], {}),
  deep,
  fc.jsonValue({ maxDepth: 3 }),
);

/** Makes requests out of what the document says that operations take. */
export interface OpenApiValues {
  /** Bodies that the schema means, and now and then ones that it does not. */
  body(operation: Operation): fc.Arbitrary<unknown>;
  /** Bodies that the schema means, as far as its keywords tell. */
  plainBody(operation: Operation): fc.Arbitrary<unknown>;
  /** From the question mark on; empty where there is no parameter. */
  query(operation: Operation): fc.Arbitrary<string>;
}

const MAX_DEPTH = 6;

export function openApiValues(document: OpenApiDocument): OpenApiValues {
  const resolve = (schema: Schema): Schema => resolved(document, schema);

  /** Values that a schema means, and, where `wild`, one of six that it does not. */
  function valueOf(schema: Schema, wild: boolean, depth = 0): fc.Arbitrary<unknown> {
    const meant = meantValue(schema, wild, depth + 1);
    if (!wild) return meant;
    return fc.oneof({ weight: 5, arbitrary: meant }, { weight: 1, arbitrary: nastyValue });
  }

  function meantValue(reference: Schema, wild: boolean, depth: number): fc.Arbitrary<unknown> {
    const schema = resolve(reference);
    if (depth > MAX_DEPTH) return fc.constant(null);
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum) return fc.constantFrom(...schema.enum);
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices) return fc.oneof(...choices.map((one) => valueOf(one, wild, depth)));
    switch ([schema.type].flat()[0]) {
      case 'string':
        return textOf(schema, wild);
      case 'integer':
      case 'number':
        return numberOf(schema, wild);
      case 'boolean':
        return fc.boolean();
      case 'array':
        return fc.array(valueOf(schema.items ?? {}, wild, depth), {
          minLength: wild ? 0 : Math.min(Number(schema['minItems'] ?? 0), 4),
          maxLength: 4,
        });
      case 'object':
        return objectOf(schema, wild, depth);
      case 'null':
        return fc.constant(null);
      default:
        return wild ? nastyValue : fc.constant('x');
    }
  }

  function textOf(schema: Schema, wild: boolean): fc.Arbitrary<string> {
    const texts = ['+15005550101', 'a', 'some text', '2036-01-01T00:00:00Z'];
    if (schema['format'] === 'date-time') texts.unshift('2036-01-01T00:00:00Z');
    const meant = fc.constantFrom(...texts);
    return wild ? fc.oneof(nastyText, meant) : meant;
  }

  function numberOf(schema: Schema, wild: boolean): fc.Arbitrary<number> {
    if (wild) return fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.double());
    const min = Math.ceil(Number(schema['minimum'] ?? 1));
    const max = Math.floor(Number(schema['maximum'] ?? min + 100));
    return fc.integer({ min, max: Math.max(min, max) });
  }

  /** A field that is required is left out only now and then: the checks behind are reached. */
  function objectOf(schema: Schema, wild: boolean, depth: number): fc.Arbitrary<unknown> {
    const known = Object.fromEntries(
      Object.entries(schema.properties ?? {}).map(([name, inner]) => [
        name,
        valueOf(inner, wild, depth),
      ]),
    );
    const required = (schema.required ?? []).filter((name) => Object.hasOwn(known, name));
    const fields = fc.record(known, { requiredKeys: required });
    if (!wild) return fields;
    const extra = fc.dictionary(nastyText, nastyValue, { maxKeys: 1 });
    return fc.oneof(
      { weight: 5, arbitrary: fields },
      { weight: 1, arbitrary: fc.record(known, { requiredKeys: [] }) },
      {
        weight: 1,
        arbitrary: fc.tuple(fields, extra).map(([given, more]) => ({ ...given, ...more })),
      },
    );
  }

  function bodyOf(operation: Operation, wild: boolean): fc.Arbitrary<unknown> {
    const schema = takenBy(operation)?.media.schema;
    return schema ? valueOf(schema, wild) : fc.constant(undefined);
  }

  return {
    body: (operation) => bodyOf(operation, true),
    plainBody: (operation) => bodyOf(operation, false),
    query({ parameters = [] }) {
      const names = parameters.filter((one) => one.in === 'query').map(({ name }) => name);
      return fc
        .dictionary(fc.oneof(fc.constantFrom('x', ...names), nastyText), nastyText, { maxKeys: 2 })
        .map((query) => {
          const pairs = Object.entries(query).map(
            ([name, value]) => `${inUrl(name)}=${inUrl(value)}`,
          );
          return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
        });
    },
  };
}

/** As a client would, and half of a surrogate pair as the bytes that it has no right to be. */
export function inUrl(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
