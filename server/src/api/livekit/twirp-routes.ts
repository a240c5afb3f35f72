import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../../shared/logger.ts';
import { refuseUnstorable } from '../safe-input.ts';
import { requireGrant } from './grants.ts';
import type { LiveKitAuth } from './livekit-auth.ts';
import { toTwirpError } from './to-twirp-error.ts';
import { TwirpError } from './twirp-error.ts';
import type { Decoded, EncodedAnswer, TwirpMethods } from './twirp-method.ts';

export interface TwirpRoutesOptions {
  methods: TwirpMethods;
  auth: LiveKitAuth;
  logger: Logger;
}

const JSON_TYPE = 'application/json';
const PROTOBUF_TYPE = 'application/protobuf';
const MAX_REQUEST_ID_CHARS = 100;

/**
 * `POST /twirp/<service>/<method>`: JSON and protobuf alike, answered as asked. Errors are always
 * JSON, with a content type of exactly `application/json`: with a charset behind it LiveKit's
 * client takes the body for plain text.
 */
export function twirpRoutes(app: FastifyInstance, options: TwirpRoutesOptions): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, request, reply) =>
    answerError(reply, errorOfTransport(error) ?? toTwirpError(error), request, options.logger),
  );
  app.setNotFoundHandler((request, reply) =>
    answerError(reply, badRoute(request), request, options.logger),
  );
  const schema = { hide: true };
  app.post<{ Params: { service: string; method: string } }>(
    '/:service/:method',
    { schema },
    async (request, reply) => {
      const { service, method } = request.params;
      const found = Object.hasOwn(options.methods, `${service}/${method}`)
        ? options.methods[`${service}/${method}`]
        : undefined;
      if (!found) throw badRoute(request);
      const caller = await options.auth(request);
      const binary = mediaType(request) === PROTOBUF_TYPE;
      const decoded = decode(request, () =>
        binary ? found.decodeBinary(bytesOf(request)) : found.decodeJson(jsonOf(request)),
      );
      requireGrant(caller, decoded.needs);
      refuseUnstorable(decoded.json());
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort(new Error('the client has gone away')));
      const answer = await decoded.run({
        caller,
        requestId: requestIdOf(request),
        signal: gone.signal,
        notice: (text) => void reply.header('x-trunkline-notice', text),
      });
      return send(reply, answer, binary);
    },
  );
  // A GET of a method is a bad route here, not a 405.
  app.all('/*', { schema }, (request, reply) =>
    answerError(reply, badRoute(request), request, options.logger),
  );
}

function decode(request: FastifyRequest, read: () => Decoded): Decoded {
  const type = mediaType(request);
  if (type !== JSON_TYPE && type !== PROTOBUF_TYPE) {
    throw new TwirpError('bad_route', `unexpected Content-Type: "${type.slice(0, 100)}"`);
  }
  try {
    return read();
  } catch (error) {
    const kind = type === JSON_TYPE ? 'json' : 'protobuf';
    const { message } = error as Error;
    throw new TwirpError(
      'malformed',
      `the ${kind} request could not be decoded: ${message.toWellFormed().slice(0, 300)}`,
    );
  }
}

function send(reply: FastifyReply, answer: EncodedAnswer, binary: boolean): FastifyReply {
  // Buffers are sent as they are: nothing is added to their content type.
  return binary
    ? reply.header('content-type', PROTOBUF_TYPE).send(Buffer.from(answer.binary()))
    : reply.header('content-type', JSON_TYPE).send(Buffer.from(JSON.stringify(answer.json())));
}

function answerError(
  reply: FastifyReply,
  error: TwirpError,
  request: FastifyRequest,
  logger: Logger,
): FastifyReply {
  if (error.code === 'internal') {
    logger.error({ request_id: request.id, err: error.cause }, 'a LiveKit request failed');
  }
  return reply
    .status(error.status)
    .header('content-type', JSON_TYPE)
    .send(Buffer.from(JSON.stringify(error.toBody())));
}

function badRoute(request: FastifyRequest): TwirpError {
  const path = (request.url.split('?')[0] ?? '').toWellFormed().slice(0, 200);
  return new TwirpError('bad_route', `no handler for path "${path}"`, {
    twirp_invalid_route: `${request.method} ${path}`,
  });
}

/** The answer to a path that is no URL. */
export function answerBadPath(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = badRoute(request);
  return reply
    .status(error.status)
    .header('content-type', JSON_TYPE)
    .send(Buffer.from(JSON.stringify(error.toBody())));
}

/** What Fastify itself refuses. */
function errorOfTransport(error: unknown): TwirpError | null {
  const { code } = error as { code?: unknown };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new TwirpError('malformed', 'the request is larger than 1 MiB');
  }
  if (code === 'FST_ERR_CTP_INVALID_CONTENT_LENGTH') {
    return new TwirpError('malformed', 'the request is not as long as content-length says');
  }
  return null;
}

function mediaType({ headers }: FastifyRequest): string {
  return (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

function bytesOf({ body }: FastifyRequest): Uint8Array {
  return Buffer.isBuffer(body) ? body : new Uint8Array();
}

function jsonOf(request: FastifyRequest): unknown {
  const text = Buffer.from(bytesOf(request)).toString('utf8');
  // An empty request is written `{}`; some clients leave it out.
  return text === '' ? {} : JSON.parse(text);
}

function requestIdOf({ headers }: FastifyRequest): string | null {
  const id = headers['x-livekit-request-id'];
  return typeof id === 'string' && id !== '' ? id.slice(0, MAX_REQUEST_ID_CHARS) : null;
}
