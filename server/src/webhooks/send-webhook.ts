import type { KeyObject } from 'node:crypto';
import type { WebhookAttempt } from '../db/queries/webhook-deliveries.ts';
import { EgressError } from '../egress/egress-error.ts';
import type { SafeFetch, SafeResponse } from '../egress/safe-fetch.ts';
import type { Clock } from '../shared/clock.ts';
import type { CallFacts, WebhookEvent, WebhookFormatter } from './formats/webhook-format.ts';
import { retryAfterMs } from './retry-after.ts';
import { signatureHeaders } from './signature.ts';

/** Where a message goes and how. */
export interface WebhookTarget {
  url: string;
  format: WebhookFormatter;
  /** In the words of the format; empty: all of them. */
  events: readonly string[];
  secrets: readonly string[];
  /** Of each secret. */
  signingKeys: readonly KeyObject[];
}

export interface SentWebhook {
  /** `skipped`: the format has nothing to say about it, or not what the endpoint wants. */
  result: 'delivered' | 'failed' | 'skipped' | 'aborted';
  attempt: WebhookAttempt | null;
  /** How long the receiver wants to be left alone; null: it said nothing. */
  retryAfterMs?: number | null;
}

const TIMEOUT_MS = 15_000;
const KEPT_RESPONSE_BYTES = 500;
/** Read of an answer, so that its connection can be used again. */
const MAX_RESPONSE_BYTES = 65_536;

/** Sends one message once. */
export async function sendWebhook(
  ctx: { safeFetch: SafeFetch; clock: Clock; signal: AbortSignal },
  target: WebhookTarget,
  event: WebhookEvent,
  facts: CallFacts | null,
): Promise<SentWebhook> {
  const { clock } = ctx;
  const atMs = clock.now();
  const startedMs = clock.monotonicMs();
  const attempted = (part: Partial<WebhookAttempt>): WebhookAttempt => ({
    at: new Date(atMs).toISOString(),
    status: null,
    latency_ms: Math.round(clock.monotonicMs() - startedMs),
    error: null,
    response: null,
    ...part,
  });
  try {
    const message = await messageOf(target, event, facts, atMs);
    if (!message) return { result: 'skipped', attempt: null };
    const response = await ctx.safeFetch(target.url, {
      method: 'POST',
      headers: message.headers,
      body: message.body,
      timeoutMs: TIMEOUT_MS,
      maxResponseBytes: MAX_RESPONSE_BYTES,
      onLargeResponse: 'cut',
      signal: ctx.signal,
    });
    const { status } = response;
    const attempt = attempted({ status, response: excerptOf(response) });
    if (response.ok) return { result: 'delivered', attempt };
    return { result: 'failed', attempt, retryAfterMs: retryAfterMs(response, clock.now()) };
  } catch (error) {
    if (error instanceof EgressError) {
      if (error.code === 'aborted') return { result: 'aborted', attempt: null };
      return { result: 'failed', attempt: attempted({ error: `${error.code}: ${error.message}` }) };
    }
    // A body that cannot be built is a fault of ours: it is seen, and does not stop the others.
    const why = error instanceof Error ? error.message : String(error);
    return { result: 'failed', attempt: attempted({ error: `not sent: ${why}` }) };
  }
}

async function messageOf(
  target: WebhookTarget,
  event: WebhookEvent,
  facts: CallFacts | null,
  atMs: number,
): Promise<{ body: string; headers: Record<string, string> } | null> {
  const { format, secrets, signingKeys } = target;
  const isTest = event.type === 'webhook.test';
  const payload = isTest ? testPayload(event) : format.build(event, facts);
  if (!payload) return null;
  const isWanted = target.events.length === 0 || target.events.includes(payload.name);
  if (!isWanted && !isTest) return null;
  const body = JSON.stringify(payload.body);
  const { workspaceId } = event;
  return {
    body,
    headers: {
      'content-type': format.contentType,
      'user-agent': 'Trunkline-Webhooks',
      ...signatureHeaders(signingKeys, { id: event.id, atMs, body }),
      ...(await format.headers?.({ workspaceId, secrets, body, atMs })),
    },
  };
}

/** A test looks the same in every format; what it proves is the way and the signature. */
function testPayload(event: WebhookEvent): { name: string; body: unknown } {
  const { type, data } = event;
  return { name: type, body: { type, event: type, timestamp: event.at.toISOString(), data } };
}

function excerptOf(response: SafeResponse): string {
  return response.body.subarray(0, KEPT_RESPONSE_BYTES).toString('utf8');
}
