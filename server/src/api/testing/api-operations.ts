import { createHmac } from 'node:crypto';
import { systemClock } from '../../shared/clock.ts';
import type { ApiLab } from './api-lab.ts';

/** JSON Schema, as far as the tests read it. */
export interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  examples?: unknown[];
  [keyword: string]: unknown;
}

interface Media {
  schema: Schema;
  example?: unknown;
  examples?: Record<string, { value?: unknown }>;
}

export interface Operation {
  method: string;
  path: string;
  operationId: string;
  summary: string;
  tags: string[];
  security?: object[];
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, { description: string; content?: Record<string, Media> }>;
}

export interface OpenApiDocument {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Omit<Operation, 'method' | 'path'>>>;
  components: { securitySchemes: Record<string, object>; schemas: Record<string, Schema> };
}

/** The room that LiveKit tokens of the tests are for. */
export const JUDGED_ROOM = 'judged-room';

/** Who asks: a workspace with a key and a pair of its own. */
export interface Account {
  workspaceId: string;
  key: string;
  livekitKey: string;
  livekitSecret: string;
}

/** The document that the API serves. */
export async function readDocument(lab: ApiLab): Promise<OpenApiDocument> {
  const answer = await lab.send('GET', '/openapi.json', undefined, {});
  return answer.body as OpenApiDocument;
}

export function operationsOf(document: OpenApiDocument): Operation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  );
}

/** The schema itself, or the one that it refers to. */
export function resolved(document: OpenApiDocument, schema: Schema): Schema {
  const name = typeof schema['$ref'] === 'string' ? schema['$ref'].split('/').at(-1) : undefined;
  return name === undefined ? schema : (document.components.schemas[name] ?? {});
}

/** What an operation takes: of one type, all of them JSON but for files. */
export function takenBy({ requestBody }: Operation): { type: string; media: Media } | null {
  const [[type, media] = []] = Object.entries(requestBody?.content ?? {});
  return type === undefined || media === undefined ? null : { type, media };
}

/** A body as it is sent, and the header that says what it is. */
export function payloadOf(
  operation: Operation,
  body: unknown,
): { text: string | undefined; headers: Record<string, string> } {
  if (body === undefined) return { text: undefined, headers: {} };
  const type = takenBy(operation)?.type ?? 'application/json';
  const isFile = type !== 'application/json' && typeof body === 'string';
  return { text: isFile ? body : JSON.stringify(body), headers: { 'content-type': type } };
}

/** The bodies that the document shows for an operation. */
export function examplesOf(document: OpenApiDocument, operation: Operation): unknown[] {
  const media = takenBy(operation)?.media;
  if (!media) return [];
  return [
    ...(media.example === undefined ? [] : [media.example]),
    ...Object.values(media.examples ?? {}).map(({ value }) => value),
    ...(resolved(document, media.schema).examples ?? []),
  ];
}

/** Operations that ask for no key. */
export function isOpen({ security }: Operation): boolean {
  return security?.length === 0;
}

/** A parameter of a path that says whose resources these are. */
export function namesWorkspace(parameter: string): boolean {
  return /^(auth_?id|workspace_?id|account_?id)$/i.test(parameter);
}

export function parametersOf(path: string): string[] {
  return [...path.matchAll(/\{([^}]+)\}/g)].map(([, name = '']) => name);
}

/** The path with its parameters filled in. */
export function pathWith(path: string, valueOf: (parameter: string) => string): string {
  return path.replaceAll(/\{([^}]+)\}/g, (_all, name: string) => valueOf(name));
}

/** A workspace of the lab with keys of each kind. */
export async function openAccount(lab: ApiLab, workspaceId: string): Promise<Account> {
  const made = async (kind: 'api' | 'livekit') =>
    lab.context.createKey({ workspaceId, name: 'judge', kind });
  const { key } = await made('api');
  const pair = await made('livekit');
  return { workspaceId, key, livekitKey: pair.key, livekitSecret: pair.secret ?? '' };
}

/** Signs in as the API of the operation wants it: Bearer, Basic, or a LiveKit token. */
export function headersFor({ path }: Operation, account: Account): Record<string, string> {
  if (path.startsWith('/twirp/')) return { authorization: `Bearer ${livekitToken(account)}` };
  if (/^\/v1\/account\//i.test(path)) {
    const pair = Buffer.from(`${account.workspaceId}:${account.key}`).toString('base64');
    return { authorization: `Basic ${pair}` };
  }
  return { authorization: `Bearer ${account.key}` };
}

/** RFC 7519 by HS256, with every grant that LiveKit knows. */
function livekitToken({ livekitKey, livekitSecret }: Account): string {
  const nowS = Math.floor(systemClock.now() / 1_000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({
    iss: livekitKey,
    sub: 'judge',
    nbf: nowS - 5,
    exp: nowS + 600,
    video: {
      roomCreate: true,
      roomList: true,
      roomRecord: true,
      roomAdmin: true,
      roomJoin: true,
      ingressAdmin: true,
      room: JUDGED_ROOM,
    },
    sip: { admin: true, call: true },
  })}`;
  return `${body}.${createHmac('sha256', livekitSecret).update(body).digest('base64url')}`;
}
