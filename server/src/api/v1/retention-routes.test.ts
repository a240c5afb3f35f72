import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appendCallEvent } from '../../events/event-log.ts';
import { openApiLab, type ApiLab } from '../testing/api-lab.ts';

let lab: ApiLab;
beforeAll(async () => {
  lab = await openApiLab();
});
afterAll(() => lab.close());

async function playedCall(): Promise<{ id: string; link: string }> {
  const id = await lab.placeCall();
  await lab.playCall(id);
  const { body } = await lab.send('GET', `/v1/calls/${id}`);
  return { id, link: (body as { recording_url: string }).recording_url };
}

const pathOf = (link: string): string => link.slice(new URL(link).origin.length);
const follow = (link: string, headers: object = {}) =>
  lab.send('GET', pathOf(link), undefined, headers);

describe('the link of recording_url', () => {
  it('gives the recording without a key, whole or in part', async () => {
    const { link } = await playedCall();
    const whole = await follow(link);
    expect([whole.status, whole.text]).toEqual([200, 'RIFF----WAVE']);
    const part = await follow(link, { range: 'bytes=8-20' });
    expect([part.status, part.text, part.headers['content-range']]).toEqual([
      206,
      'WAVE',
      'bytes 8-11/12',
    ]);
    expect((await follow(link, { range: 'bytes=99-' })).status).toBe(200);
  });

  it('is refused when it was changed, and tells nothing', async () => {
    const { link } = await playedCall();
    const other = await playedCall();
    for (const changed of [
      link.replace(/expires=\d/, 'expires=9'),
      link.replace(/call_[^.]+/, other.id),
      link.replace(/.$/, (sign) => (sign === 'A' ? 'E' : 'A')),
    ]) {
      const { status, body } = await follow(changed);
      expect([status, body]).toMatchObject([403, { error: { code: 'forbidden' } }]);
    }
    expect((await follow(`${link}&x=1`)).status).toBe(400);
    expect((await lab.send('GET', '/recordings/x/y.wav', undefined, {})).status).toBe(400);
  });

  it('leads nowhere before the call is finished and when the recording was deleted', async () => {
    const { id, link } = await playedCall();
    expect((await lab.send('DELETE', `/v1/calls/${id}/recording`)).status).toBe(204);
    expect((await follow(link)).status).toBe(404);
    expect((await lab.send('DELETE', `/v1/calls/${id}/recording`)).status).toBe(404);
    const { body } = await lab.send('GET', `/v1/calls/${id}`);
    expect(body).toMatchObject({ recording_url: null });
  });
});

describe('what a call shows', () => {
  it('is null at call-disconnected and there with the final status', async () => {
    const id = await lab.placeCall();
    await lab.move(id, 'initiated');
    await lab.move(id, 'in-progress', { answeredAt: new Date() });
    await lab.move(id, 'call-disconnected', {
      disconnectedAt: new Date(),
      durationMs: 900,
      recordingKey: lab.recordings.keyOf(lab.workspaceId, id),
      cost: { total_micros: 7, lines: [] },
      summary: 'x',
      extractedData: { a: 1 },
    });
    const unfinished = {
      duration_ms: null,
      cost: null,
      recording_url: null,
      summary: null,
      extracted_data: null,
    };
    expect((await lab.send('GET', `/v1/calls/${id}`)).body).toMatchObject(unfinished);
    const blocked = await lab.send('DELETE', `/v1/calls/${id}/transcript`);
    expect([blocked.status, blocked.body]).toMatchObject([409, { error: { code: 'conflict' } }]);
    await lab.move(id, 'completed', { endedAt: new Date() });
    expect((await lab.send('GET', `/v1/calls/${id}`)).body).toMatchObject({
      duration_ms: 900,
      cost: { total_micros: 7 },
      recording_url: expect.stringContaining(id) as string,
      summary: 'x',
      extracted_data: { a: 1 },
    });
  });
});

describe('DELETE /v1/calls/{id}/transcript', () => {
  it('removes every word, of its own workspace only', async () => {
    const { id } = await playedCall();
    const run = { id: 'tool_1', name: 'look', kind: 'http', started_ms: 1 };
    const data = { ...run, arguments: { said: 'that is right' }, status: 'ok', latency_ms: 2 };
    await appendCallEvent(lab.calls.db.pool, id, {
      type: 'tool.finished',
      data: { ...data, error: null },
    });
    const headers = { authorization: `Bearer ${lab.otherKey}` };
    for (const what of ['transcript', 'recording']) {
      const other = await lab.send('DELETE', `/v1/calls/${id}/${what}`, undefined, headers);
      expect([what, other.status]).toEqual([what, 404]);
    }
    expect((await lab.send('DELETE', `/v1/calls/${id}/transcript`)).status).toBe(204);
    const { body } = await lab.send('GET', `/v1/calls/${id}`);
    expect(body).toMatchObject({ transcript: null, turns: [], summary: null });
    expect(body).toMatchObject({ tool_runs: [{ name: 'look', status: 'ok', arguments: null }] });
    expect(JSON.stringify(await lab.calls.events(id))).not.toContain('that is right');
  });
});

describe('/v1/retention', () => {
  it('keeps everything by default and changes what is named', async () => {
    expect((await lab.send('GET', '/v1/retention')).body).toEqual({
      recording_days: null,
      transcript_days: null,
      sip_days: null,
    });
    const changed = await lab.send('PATCH', '/v1/retention', { recording_days: 30 });
    expect(changed.body).toEqual({
      recording_days: 30,
      transcript_days: null,
      sip_days: null,
    });
    const wrong = await lab.send('PATCH', '/v1/retention', { transcript_days: -1 });
    expect([wrong.status, wrong.body]).toMatchObject([
      400,
      { error: { details: [{ field: 'transcript_days' }] } },
    ]);
  });
});
