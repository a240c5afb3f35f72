import { describe, expect, it } from 'vitest';
import { agentConfigSchema, requireScript } from './agent-config.ts';

/** What is wrong with an agent, `field: message`. */
function problemsOf(config: object): string[] {
  const parsed = agentConfigSchema
    .superRefine(requireScript)
    .safeParse({ name: 'a', type: 'llm', ...config });
  return (parsed.error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('the providers of an agent', () => {
  it('may be any that are there, with fallbacks', () => {
    const config = {
      stt: { provider: 'deepgram', model: 'nova-3', keywords: ['Weber'], language: 'de' },
      tts: {
        provider: 'elevenlabs',
        voice: 'rachel',
        fallbacks: [{ provider: 'deepgram' }, { provider: 'local', voice: 'rms' }],
      },
      llm: {
        provider: 'anthropic',
        model: 'claude-haiku-4-5',
        fallbacks: [
          { provider: 'google', model: 'gemini-2.5-flash' },
          { provider: 'azure-openai', model: 'mine', base_url: 'https://me.openai.azure.com' },
        ],
      },
    };
    expect(problemsOf(config)).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['a provider that is not there', { stt: { provider: 'gladia' } }, 'stt.provider'],
    ['a voice that nobody named', { tts: { provider: 'cartesia' } }, 'tts.voice: cartesia needs'],
    [
      'the voice of somebody else',
      { tts: { provider: 'deepgram', voice: 'slt' } },
      'tts.voice: slt is a voice of local',
    ],
    ['a voice that local has not', { tts: { voice: 'rachel' } }, 'tts.voice: expected one of slt'],
    [
      'a speed that the vendor has not',
      { tts: { provider: 'elevenlabs', voice: 'v', speed: 2 } },
      'tts.speed: elevenlabs speaks at 0.7 to 1.2',
    ],
    ['no region', { stt: { provider: 'azure' } }, 'stt.region: azure needs a region'],
    [
      'the model of somebody else',
      { llm: { provider: 'anthropic' } },
      'llm.model: name a model of anthropic',
    ],
    ['no address', { llm: { provider: 'azure-openai' } }, 'llm.base_url: azure-openai has'],
    ['what does nothing', { stt: { model: 'nova-3' } }, 'stt.model: local runs on this machine'],
    [
      'keywords that nobody takes',
      { stt: { provider: 'sarvam', keywords: ['a'] } },
      'stt.keywords: sarvam takes no keywords',
    ],
    [
      'a fallback that cannot be',
      { tts: { fallbacks: [{ provider: 'elevenlabs' }] } },
      'tts.fallbacks.0.voice: elevenlabs needs',
    ],
    [
      'an address of no kind',
      { stt: { provider: 'deepgram', base_url: 'ftp://x.example' } },
      'stt.base_url',
    ],
  ])('are refused with %s', (_what, config, told) => {
    expect(problemsOf(config).join('; ')).toContain(told);
  });
});
