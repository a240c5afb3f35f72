import { createAnthropicLlm } from './anthropic/anthropic-llm.ts';
import { createAssemblyAiStt } from './assemblyai/assemblyai-stt.ts';
import { createAzureOpenAiLlm } from './azure-openai/azure-openai-llm.ts';
import { createAzureStt } from './azure/azure-stt.ts';
import { createAzureTts } from './azure/azure-tts.ts';
import { createCartesiaTts } from './cartesia/cartesia-tts.ts';
import { createDeepgramStt } from './deepgram/deepgram-stt.ts';
import { createDeepgramTts } from './deepgram/deepgram-tts.ts';
import { createElevenLabsStt } from './elevenlabs/elevenlabs-stt.ts';
import { createElevenLabsTts } from './elevenlabs/elevenlabs-tts.ts';
import { createGoogleLlm } from './google/google-llm.ts';
import { createOpenAiLlm } from './openai/openai-llm.ts';
import { createOpenAiStt } from './openai/openai-stt.ts';
import { createOpenAiTts } from './openai/openai-tts.ts';
import { createSarvamStt } from './sarvam/sarvam-stt.ts';
import { createSarvamTts } from './sarvam/sarvam-tts.ts';
import { createSonioxStt } from './soniox/soniox-stt.ts';
import { describeLlm } from './testing/conformance-llm.ts';
import { describeStt, type SttLab } from './testing/conformance-stt.ts';
import { describeTts } from './testing/conformance-tts.ts';
import { startFakeHttpVendor } from './testing/fake-http-vendor.ts';
import type { SttVendor } from './testing/fake-stt-dialects.ts';
import { answerAsRecogniser } from './testing/fake-stt-http.ts';
import { startFakeSttVendor } from './testing/fake-stt-vendor.ts';

describeTts('elevenlabs', createElevenLabsTts);
describeTts('cartesia', createCartesiaTts);
describeTts('deepgram', createDeepgramTts);
describeTts('openai', createOpenAiTts);
describeTts('azure', createAzureTts);
describeTts('sarvam', createSarvamTts);

describeLlm('openai', 'openai', createOpenAiLlm);
describeLlm('azure-openai', 'openai', createAzureOpenAiLlm);
describeLlm('anthropic', 'anthropic', createAnthropicLlm);
describeLlm('google', 'google', createGoogleLlm);

describeStt('deepgram', overSocket('deepgram'), createDeepgramStt);
describeStt('elevenlabs', overSocket('elevenlabs'), createElevenLabsStt);
describeStt('assemblyai', overSocket('assemblyai'), createAssemblyAiStt);
describeStt('soniox', overSocket('soniox'), createSonioxStt);
describeStt('openai', byRequest, createOpenAiStt);
describeStt('azure', byRequest, createAzureStt);
describeStt('sarvam', byRequest, createSarvamStt);

function overSocket(vendor: SttVendor): () => Promise<SttLab> {
  return async () => {
    const fake = await startFakeSttVendor(vendor);
    return {
      url: fake.url,
      setBehaviours: (...behaviours) => fake.behaviours.set(...behaviours),
      asked: () => fake.askedCount,
      close: () => fake.close(),
    };
  };
}

async function byRequest(): Promise<SttLab> {
  const fake = await startFakeHttpVendor((request) => answerAsRecogniser('Hello there.', request));
  return {
    url: fake.url,
    setBehaviours: (...behaviours) => fake.behaviours.set(...behaviours),
    asked: () => fake.requests.length,
    close: () => fake.close(),
  };
}
