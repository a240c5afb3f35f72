import { describe, expect, it } from 'vitest';
import { systemClock } from '../shared/clock.ts';
import { accessOf, chooseKey } from './provider-access.ts';
import type { SttChoice } from './provider-config.ts';
import { providerKeyProblem } from './provider-set.ts';

const defaults = {
  openaiBaseUrl: 'https://api.openai.com/v1',
  openaiApiKey: null,
  keys: { DEEPGRAM_API_KEY: 'of-the-server' },
};
const placed = (choice: Partial<SttChoice>): { path: string; choice: SttChoice } => ({
  path: 'stt',
  choice: { provider: 'deepgram', ...choice },
});
const keyAt = (base_url: string | undefined, secrets: Record<string, string> = {}): string =>
  chooseKey('deepgram', placed({ base_url }), { secrets, defaults });

describe('the key of a provider', () => {
  it('is the agent’s or the workspace’s before the server’s', () => {
    expect(keyAt(undefined)).toBe('of-the-server');
    expect(keyAt(undefined, { DEEPGRAM_API_KEY: 'own' })).toBe('own');
    expect(keyAt('https://api.eu.deepgram.com')).toBe('of-the-server');
  });

  it('of the server goes to nobody but the vendor, and to it over TLS only', () => {
    for (const url of [
      'https://collector.example',
      'http://api.deepgram.com',
      'https://api.deepgram.com.collector.example',
      'https://api-deepgram.com',
    ]) {
      expect(keyAt(url)).toBe('none');
      expect(keyAt(url, { DEEPGRAM_API_KEY: 'own' })).toBe('own');
    }
  });

  it('is missed by name, of fallbacks too', () => {
    const stt = {
      provider: 'deepgram' as const,
      fallbacks: [{ provider: 'assemblyai' as const }],
    };
    const config = { stt, tts: { provider: 'local' as const }, llm: null };
    expect(providerKeyProblem({ config, secrets: {}, defaults })).toBe(
      'assemblyai: agent needs an AssemblyAI key: set ASSEMBLYAI_API_KEY or stt.fallbacks.0.base_url',
    );
    const secrets = { ASSEMBLYAI_API_KEY: 'own' };
    expect(providerKeyProblem({ config, secrets, defaults })).toBeNull();
  });
});

describe('access to a provider', () => {
  const options = { secrets: {}, defaults, clock: systemClock };

  it('gives less time where somebody else is in line, and what the agent says before that', () => {
    const timeOf = (choice: Partial<SttChoice>, hasNext: boolean): number =>
      accessOf('stt', 'deepgram', placed(choice), { ...options, hasNext }).timeoutMs;
    expect(timeOf({}, true)).toBeLessThan(timeOf({}, false));
    expect(timeOf({ timeout_ms: 900 }, true)).toBe(900);
  });

  it('makes Azure’s address of its region', () => {
    const choice = placed({ provider: 'azure', region: 'eastus' });
    const secrets = { AZURE_SPEECH_API_KEY: 'own' };
    const access = accessOf('stt', 'azure', choice, { ...options, secrets, hasNext: false });
    expect(access.baseUrl).toBe('https://eastus.stt.speech.microsoft.com');
  });

  it('is not given to a sub-account’s endpoint without a guard', () => {
    const choice = placed({ base_url: 'https://models.example' });
    const guarded = { ...options, hasNext: false, guarded: true };
    expect(() => accessOf('stt', 'deepgram', choice, guarded)).toThrow(/cannot be asked from here/);
    const vendors = accessOf('stt', 'deepgram', placed({}), guarded);
    expect(vendors.guard).toBeUndefined();
  });
});
