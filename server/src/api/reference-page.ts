import scalarReference from '@scalar/fastify-api-reference';
import type { FastifyInstance } from 'fastify';

const PREFIX = '/docs';

/** The page may talk to the server that it came from, and to nobody else. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'unsafe-inline'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** The API reference at `/docs`: everything that it needs comes from here. */
export async function installReferencePage(app: FastifyInstance): Promise<void> {
  app.addHook('onSend', async (request, reply) => {
    if (request.routeOptions.url?.startsWith(PREFIX)) {
      void reply.header('content-security-policy', CONTENT_SECURITY_POLICY);
    }
  });
  await app.register(scalarReference, {
    routePrefix: PREFIX,
    configuration: {
      title: 'Trunkline API',
      withDefaultFonts: false,
      telemetry: false,
      agent: { disabled: true },
      mcp: { disabled: true },
      showDeveloperTools: 'never',
      hideClientButton: true,
    },
  });
}
