import { z } from 'zod';
import type { ApiContext } from './api-context.ts';
import type { Api } from './api-server.ts';
import { statusPage } from './status-page.ts';

const healthSchema = z.object({
  status: z.enum(['ok', 'draining', 'unavailable']),
  version: z.string(),
  checks: z.record(z.string(), z.boolean()),
});

function textAnswer(description: string) {
  return { description, content: { 'text/plain': { schema: z.string() } } };
}

/** What operators and their tools look at; no API key. */
export function operationsRoutes(api: Api, context: ApiContext): void {
  api.get(
    '/healthz',
    {
      schema: {
        tags: ['operations'],
        operationId: 'getHealth',
        summary: 'Whether the process lives',
        security: [],
        response: { 200: textAnswer('ok') },
      },
    },
    async (_request, reply) => reply.type('text/plain').send('ok\n'),
  );

  api.get(
    '/readyz',
    {
      schema: {
        tags: ['operations'],
        operationId: 'getReadiness',
        summary: 'Whether the process takes calls',
        security: [],
        response: { 200: healthSchema, 503: healthSchema },
      },
    },
    async (_request, reply) => {
      const { status, checks } = await context.health();
      return reply
        .status(status === 'ok' ? 200 : 503)
        .send({ status, version: context.version, checks });
    },
  );

  api.get(
    '/metrics',
    {
      schema: {
        tags: ['operations'],
        operationId: 'getMetrics',
        summary: 'Metrics for Prometheus',
        security: [],
        response: { 200: textAnswer('Metrics in the text format of Prometheus.') },
      },
    },
    async (_request, reply) =>
      reply.type('text/plain; version=0.0.4; charset=utf-8').send(await context.metrics()),
  );

  api.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) =>
    reply.type('application/json').send(api.swagger()),
  );

  api.get('/', { schema: { hide: true } }, async (_request, reply) => {
    const { status, checks } = await context.health();
    const page = statusPage({ version: context.version, status, checks });
    return reply
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
      .type('text/html; charset=utf-8')
      .send(page);
  });
}
