import { describe, expect, it } from 'vitest';
import type { CallRow } from '../../db/queries/calls.ts';
import { END_REASONS } from '../../calls/end-reasons.ts';
import { newId, idOfUuid } from '../../shared/ids.ts';
import { bolnaExecution } from './bolna-execution.ts';
import { bolnaHangup } from './bolna-hangup.ts';

const AT = Date.UTC(2026, 0, 23, 1, 14, 37);
const at = (seconds: number): Date => new Date(AT + seconds * 1_000);

function row(patch: Partial<CallRow> = {}): CallRow {
  return {
    id: newId('call', AT),
    workspaceId: 'ws_1',
    agentId: newId('agent', AT),
    trunkId: 'trunk_1',
    direction: 'outbound',
    fromNumber: '+15551234567',
    toNumber: '+15559876543',
    status: 'completed',
    endReason: 'callee-hangup',
    endedBy: 'callee',
    answeredBy: 'human',
    sipCode: 200,
    sipReason: 'OK',
    variables: { name: 'Rahul' },
    idempotencyKey: null,
    nodeId: null,
    scheduledAt: null,
    queuedAt: at(0),
    initiatedAt: at(1),
    ringingAt: at(2),
    answeredAt: at(19),
    firstAgentAudioAt: at(19),
    disconnectedAt: at(61),
    endedAt: at(62),
    recordingKey: 'x',
    recordingDurationMs: 42_000,
    durationMs: 42_000,
    outcome: {},
    media: null,
    usage: null,
    cost: {
      total_micros: 149_000,
      lines: [
        { kind: 'model', provider: 'openai', micros: 42_000 },
        { kind: 'network', provider: null, micros: 12_000 },
        { kind: 'platform', provider: null, micros: 20_000 },
        { kind: 'synthesizer', provider: 'local', micros: 68_000 },
        { kind: 'transcriber', provider: 'local', micros: 7_000 },
      ],
    },
    lastEventSequence: 7,
    batchId: null,
    summary: null,
    extractedData: null,
    createdAt: at(0),
    updatedAt: at(62),
    ...patch,
  } as CallRow;
}
const parts = {
  turns: [
    { speaker: 'agent' as const, text: 'Hello Rahul.' },
    { speaker: 'caller' as const, text: 'Hi.' },
  ],
  sipCallId: 'abc@host',
  recordingUrl: 'https://example.com/r.wav',
};

describe('an execution', () => {
  it('has costs in cents, durations in seconds and the transcript when it is completed', () => {
    const call = row();
    const execution = bolnaExecution(call, parts);
    expect(execution).toMatchObject({
      status: 'completed',
      conversation_duration: 42,
      total_cost: 14.9,
      transcript: 'assistant: Hello Rahul.\nuser: Hi.',
      cost_breakdown: { llm: 4.2, network: 1.2, platform: 2, synthesizer: 6.8, transcriber: 0.7 },
      telephony_data: {
        duration: '42',
        to_number: '+15559876543',
        from_number: '+15551234567',
        recording_url: 'https://example.com/r.wav',
        provider_call_id: 'abc@host',
        call_type: 'outbound',
        provider: 'sip-trunk',
        hangup_by: 'Callee',
        hangup_reason: 'Call recipient hung up',
        hangup_provider_code: 4000,
        ring_duration: 17,
        post_dial_delay: 1,
      },
      termination_reason: 'user_hung_up',
    });
    expect(idOfUuid('call', String(execution['id']))).toBe(call.id);
    expect(idOfUuid('agent', String(execution['agent_id']))).toBe(call.agentId);
  });

  it('has null or 0 in everything that is made afterwards, as long as it is not final', () => {
    for (const status of ['queued', 'ringing', 'in-progress', 'call-disconnected'] as const) {
      expect(bolnaExecution(row({ status }), parts)).toMatchObject({
        conversation_duration: 0,
        total_cost: 0,
        transcript: null,
        extracted_data: null,
        cost_breakdown: { llm: 0, network: 0, platform: 0, synthesizer: 0, transcriber: 0 },
        telephony_data: { duration: '0', recording_url: null },
      });
    }
  });

  it('says why a failed call failed, with the SIP code', () => {
    const call = row({ status: 'failed', endReason: 'forbidden', sipCode: 403, sipReason: 'No' });
    expect(bolnaExecution(call, parts)['error_message']).toBe('forbidden (SIP 403 No)');
    expect(bolnaExecution(row({ status: 'no-answer' }), parts)['error_message']).toBeNull();
  });

  it('names the guardrail that put it off or refused it', () => {
    const message = (patch: Partial<CallRow>) =>
      bolnaExecution(row({ endReason: null, ...patch }), parts)['error_message'];
    expect(message({ status: 'rescheduled', guardrail: 'G20' })).toBe(
      'guardrail G20 (calling window)',
    );
    expect(message({ status: 'failed', endReason: 'guardrail', guardrail: 'G21' })).toBe(
      'guardrail G21 (do-not-call)',
    );
    expect(message({ status: 'rescheduled', guardrail: null })).toBeNull();
    expect(message({ status: 'in-progress', guardrail: 'G20' })).toBeNull();
  });
});

/** Codes by party, as Bolna lists them. */
const CODES: Record<string, number[]> = {
  'API Request': [4000, 4020],
  Callee: [3020, 4000],
  Caller: [3020, 4000],
  Carrier: [2000, 3000, 3010, 3020, 3040, 3050, 3070],
  Error: [3080, 3090, 3110, 5010, 5020, 7011, 8011],
  Plivo: [1010, 4010, 5020, 6000, 6010, 6020],
  Unknown: [0],
};

describe('a hang-up', () => {
  it('has for every end reason of ours a party of theirs and a code that this party has', () => {
    for (const endReason of Object.keys(END_REASONS)) {
      for (const direction of ['outbound', 'inbound'] as const) {
        const hangup = bolnaHangup({ endReason, endedBy: 'system', direction });
        expect(CODES[String(hangup.hangup_by)], endReason).toContain(hangup.hangup_provider_code);
      }
    }
  });

  it('calls the person Callee where we called and Caller where the person did', () => {
    const by = (direction: 'inbound' | 'outbound'): string | null =>
      bolnaHangup({ endReason: 'callee-hangup', endedBy: 'callee', direction }).hangup_by;
    expect([by('outbound'), by('inbound')]).toEqual(['Callee', 'Caller']);
  });

  it('is empty while nobody has hung up', () => {
    expect(bolnaHangup({ endReason: null, endedBy: null, direction: 'outbound' })).toEqual({
      hangup_by: null,
      hangup_reason: null,
      hangup_provider_code: null,
    });
  });
});
