import type { SwaggerOptions } from '@fastify/swagger';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';

/** What the OpenAPI document says besides the routes. */
export function openApiDocument(version: string): SwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Trunkline',
        version,
        description:
          'Phone agents over SIP trunks: place and follow calls, keep agents and trunks.\n\n' +
          'Every answer has the header `x-request-id`. Errors are ' +
          '`{"error": {"code", "message", "details"}}`. Lists answer `data` and `next_cursor`; ' +
          'ask for the next page with `cursor`.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'calls', description: 'Place, follow and end calls.' },
        { name: 'agents', description: 'What speaks on a call.' },
        { name: 'trunks', description: 'SIP trunks at providers.' },
        { name: 'numbers', description: 'Numbers on trunks, and who answers them.' },
        { name: 'keys', description: 'API keys.' },
        { name: 'provider keys', description: 'Keys of providers, for all agents.' },
        { name: 'workspaces', description: 'Tenants and their sub-accounts.' },
        { name: 'bolna', description: 'Bolna’s API: change host and key only.' },
        { name: 'operations', description: 'For those who run it; no key.' },
      ],
      components: {
        securitySchemes: {
          api_key: {
            type: 'http',
            scheme: 'bearer',
            description: 'An API key: `Authorization: Bearer tl_...`.',
          },
        },
      },
      security: [{ api_key: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: (document) =>
      withoutUnused(jsonSchemaTransformObject(document) as OpenApiObject),
  };
}

interface OpenApiObject {
  components?: { schemas?: Record<string, object> };
}

/** The adapter lists each schema as input and as output, whether anything refers to it or not. */
function withoutUnused(document: OpenApiObject): OpenApiObject {
  const text = JSON.stringify(document);
  const schemas = Object.entries(document.components?.schemas ?? {}).filter(([name]) =>
    text.includes(`"#/components/schemas/${name}"`),
  );
  return {
    ...document,
    components: { ...document.components, schemas: Object.fromEntries(schemas) },
  };
}
