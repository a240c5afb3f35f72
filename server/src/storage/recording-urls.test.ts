import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { createRecordingUrls } from './recording-urls.ts';

const clock = new FakeClock();
const options = { clock, ttlS: 60, publicUrl: () => 'https://voice.example.com' };
const urls = createRecordingUrls({ ...options, masterKey: randomBytes(32) });
const call = { id: 'call_1', workspaceId: 'ws_1', recordingKey: 'ws_1/call_1.wav' };

function partsOf(url: string | null) {
  const { pathname, searchParams, origin } = new URL(url ?? '');
  const [, , workspaceId = '', file = ''] = pathname.split('/');
  return {
    origin,
    workspaceId,
    callId: file.replace('.wav', ''),
    expires: searchParams.get('expires') ?? '',
    signature: searchParams.get('signature') ?? '',
  };
}

describe('a link to a recording', () => {
  it('holds for its call and its time, and then no more', async () => {
    const link = partsOf(urls.urlOf(call));
    expect(link.origin).toBe('https://voice.example.com');
    expect(urls.verify(link)).toBe('good');
    await clock.advance(59_000);
    expect(urls.verify(link)).toBe('good');
    await clock.advance(2_000);
    expect(urls.verify(link)).toBe('expired');
  });

  it('is wrong for anything else than it was made for', () => {
    const link = partsOf(urls.urlOf(call));
    const others = createRecordingUrls({ ...options, masterKey: randomBytes(32) });
    expect(others.verify(link)).toBe('wrong');
    for (const change of [
      { callId: 'call_2' },
      { workspaceId: 'ws_2' },
      { expires: String(Number(link.expires) + 1) },
      { signature: '' },
      { signature: link.signature.slice(1) },
      { workspaceId: 'ws_1\ncall_1', callId: '' },
    ]) {
      expect(urls.verify({ ...link, ...change })).toBe('wrong');
    }
  });

  it('is none where there is no recording', () => {
    expect(urls.urlOf({ ...call, recordingKey: null })).toBeNull();
  });
});
