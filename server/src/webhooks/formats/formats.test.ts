import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { CallRow } from '../../db/queries/calls.ts';
import { eventNames, EVENT_TYPES } from '../../events/event-type.ts';
import { bolnaFormat } from './bolna.ts';
import { boltiFormat } from './bolti.ts';
import type { CallFacts, WebhookEvent } from './webhook-format.ts';

const AT = new Date('2026-01-23T01:14:37Z');

/** A call that is over, as it is when a late try reads it. */
function facts(patch: Partial<CallRow> = {}): CallFacts {
  const call = {
    id: 'call_1',
    workspaceId: 'ws_1',
    agentId: null,
    direction: 'outbound',
    fromNumber: '+15551234567',
    toNumber: '+15559876543',
    status: 'completed',
    endReason: 'callee-hangup',
    endedBy: 'callee',
    answeredBy: null,
    sipCode: 200,
    sipReason: 'OK',
    variables: { name: 'Priya' },
    scheduledAt: null,
    createdAt: AT,
    queuedAt: AT,
    initiatedAt: AT,
    ringingAt: AT,
    answeredAt: new Date(AT.getTime() + 17_000),
    disconnectedAt: new Date(AT.getTime() + 59_000),
    endedAt: new Date(AT.getTime() + 60_000),
    durationMs: 42_000,
    cost: { total_micros: 149_000, lines: [] },
    recordingKey: 'key',
    ...patch,
  } as CallRow;
  const turn = { speaker: 'agent', text: 'Hello.', startedMs: 300 };
  return {
    call,
    turns: [turn] as unknown as CallFacts['turns'],
    attempts: [],
    toolRuns: [],
    recordingUrl: 'https://example.com/r.wav',
  };
}

function event(type: WebhookEvent['type'], status: string, afterMs = 0): WebhookEvent {
  const data = { status, end_reason: null, ended_by: null, sip: { code: null, reason: null } };
  const at = new Date(AT.getTime() + afterMs);
  return { id: 'd_1', workspaceId: 'ws_1', type, callId: 'call_1', sequence: 1, at, data };
}

describe('Bolna’s format', () => {
  it('tells the status of its event, however late it is sent', () => {
    const body = bolnaFormat.build(event('call.ringing', 'ringing'), facts())?.body;
    expect(body).toMatchObject({
      status: 'ringing',
      conversation_duration: 0,
      total_cost: 0,
      transcript: null,
      telephony_data: { hangup_by: null, recording_url: null },
    });
  });

  it('tells everything with the final status', () => {
    const last = event('call.status', 'completed', 60_000);
    last.data['end_reason'] = 'callee-hangup';
    last.data['ended_by'] = 'callee';
    expect(bolnaFormat.build(last, facts())?.body).toMatchObject({
      status: 'completed',
      conversation_duration: 42,
      total_cost: 14.9,
      telephony_data: { hangup_by: 'Callee', ring_duration: 17 },
    });
  });

  it('is sent at every change of the status and at nothing else', () => {
    const types = EVENT_TYPES.filter((type) => eventNames(type).bolna !== undefined);
    expect(types).toEqual([
      'call.queued',
      'call.initiated',
      'call.ringing',
      'call.answered',
      'call.disconnected',
      'call.status',
    ]);
  });
});

describe('Bolti’s format', () => {
  const scheduled = { scheduledAt: AT };
  it.each([
    ['call.queued', 'scheduled', scheduled, 'scheduled_call.created'],
    ['call.queued', 'queued', {}, undefined],
    ['call.initiated', 'initiated', scheduled, 'scheduled_call.dispatched'],
    ['call.initiated', 'initiated', {}, undefined],
    ['call.status', 'completed', {}, 'conversation.completed'],
    ['call.status', 'completed', scheduled, 'conversation.completed'],
    ['call.status', 'busy', scheduled, 'scheduled_call.failed'],
    ['call.status', 'canceled', scheduled, 'scheduled_call.cancelled'],
    ['call.status', 'no-answer', {}, 'conversation.completed'],
  ] as const)('calls %s of a call that is %s %j: %s', (type, status, patch, name) => {
    expect(boltiFormat.build(event(type, status), facts(patch))?.name).toBe(name);
  });

  it('gives the conversation in an envelope', () => {
    const built = boltiFormat.build(event('call.status', 'completed', 60_000), facts());
    expect(built?.body).toMatchObject({
      id: 'd_1',
      type: 'conversation.completed',
      workspace_id: 'ws_1',
      data: {
        conversation_id: 'call_1',
        status: 'ended',
        outcome: 'completed',
        duration_seconds: 42,
        to_number: '+15559876543',
        variable_values: { name: 'Priya' },
        transcript: [{ role: 'assistant', text: 'Hello.', start_ms: 300 }],
        recording_url: 'https://example.com/r.wav',
      },
    });
  });

  it('is signed with an HMAC of time and body, once for each secret', async () => {
    const body = '{"a":1}';
    const secrets = ['whsec_new', 'whsec_old'];
    const input = { workspaceId: 'ws_1', secrets, body, atMs: 1_700_000_000_500 };
    const headers = await boltiFormat.headers?.(input);
    const of = (secret: string): string =>
      createHmac('sha256', secret).update(`1700000000.${body}`).digest('hex');
    expect(headers).toEqual({
      'x-signature': `t=1700000000,v1=${of('whsec_new')},v1=${of('whsec_old')}`,
    });
  });
});
