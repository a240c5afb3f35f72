/** Who can listen; `local` is the embedded model, `fake` a timed stand-in. */
export const STT_PROVIDERS = [
  'local',
  'fake',
  'deepgram',
  'openai',
  'assemblyai',
  'elevenlabs',
  'soniox',
  'azure',
  'sarvam',
] as const;
/** Who can speak. */
export const TTS_PROVIDERS = [
  'local',
  'fake',
  'elevenlabs',
  'cartesia',
  'deepgram',
  'openai',
  'azure',
  'sarvam',
] as const;
/** Who can think; `openai` is any OpenAI-compatible endpoint. */
export const LLM_PROVIDERS = ['openai', 'fake', 'anthropic', 'google', 'azure-openai'] as const;

export type SttName = (typeof STT_PROVIDERS)[number];
export type TtsName = (typeof TTS_PROVIDERS)[number];
export type LlmName = (typeof LLM_PROVIDERS)[number];
/** Who is somewhere in the network and wants a key. */
export type VendorName = Exclude<SttName | TtsName | LlmName, 'local' | 'fake'>;

export interface Vendor {
  /** As people call it. */
  label: string;
  /** Name of the secret that its key is kept under. */
  keyName: string;
  /** Hosts that are the vendor's own: keys of the workspace and of the server may go there. */
  hosts: RegExp;
}

export const VENDORS: Readonly<Record<VendorName, Vendor>> = {
  openai: { label: 'OpenAI', keyName: 'OPENAI_API_KEY', hosts: /^(eu\.)?api\.openai\.com$/ },
  anthropic: {
    label: 'Anthropic',
    keyName: 'ANTHROPIC_API_KEY',
    hosts: /^api\.anthropic\.com$/,
  },
  google: {
    label: 'Google',
    keyName: 'GOOGLE_API_KEY',
    hosts: /^generativelanguage\.googleapis\.com$/,
  },
  'azure-openai': {
    label: 'Azure OpenAI',
    keyName: 'AZURE_OPENAI_API_KEY',
    hosts: /^[a-z0-9-]+\.(openai|cognitiveservices|services\.ai)\.azure\.com$/,
  },
  deepgram: {
    label: 'Deepgram',
    keyName: 'DEEPGRAM_API_KEY',
    hosts: /^api(\.eu)?\.deepgram\.com$/,
  },
  assemblyai: {
    label: 'AssemblyAI',
    keyName: 'ASSEMBLYAI_API_KEY',
    hosts: /^streaming(\.eu)?\.assemblyai\.com$/,
  },
  elevenlabs: {
    label: 'ElevenLabs',
    keyName: 'ELEVENLABS_API_KEY',
    hosts: /^api(\.[a-z]+\.residency|\.us|\.eu)?\.elevenlabs\.io$/,
  },
  soniox: {
    label: 'Soniox',
    keyName: 'SONIOX_API_KEY',
    hosts: /^stt-rt(\.[a-z]+)?\.soniox\.com$/,
  },
  azure: {
    label: 'Azure Speech',
    keyName: 'AZURE_SPEECH_API_KEY',
    hosts: /^[a-z0-9-]+\.(stt|tts)\.speech\.microsoft\.com$/,
  },
  cartesia: { label: 'Cartesia', keyName: 'CARTESIA_API_KEY', hosts: /^api\.cartesia\.ai$/ },
  sarvam: { label: 'Sarvam', keyName: 'SARVAM_API_KEY', hosts: /^api\.sarvam\.ai$/ },
};

export const VENDOR_NAMES = Object.keys(VENDORS) as VendorName[];
/** Names of the secrets that keys are kept under. */
export const KEY_NAMES = VENDOR_NAMES.map((name) => VENDORS[name].keyName);

export function isVendor(name: string): name is VendorName {
  return Object.hasOwn(VENDORS, name);
}

/** Whether a URL leads to a host of the vendor's own, over TLS. */
export function isVendorsOwn(name: VendorName, url: string): boolean {
  const parsed = URL.parse(url);
  return (
    parsed !== null &&
    /^(https|wss):$/.test(parsed.protocol) &&
    VENDORS[name].hosts.test(parsed.hostname)
  );
}

interface VoiceRange {
  /** Null: there is none that everybody has. */
  defaultVoice: string | null;
  speed: { min: number; max: number };
}

/** What the voices of each vendor can do. */
export const VOICES: Readonly<Record<TtsName, VoiceRange>> = {
  local: { defaultVoice: 'slt', speed: { min: 0.5, max: 2 } },
  fake: { defaultVoice: 'slt', speed: { min: 0.5, max: 2 } },
  elevenlabs: { defaultVoice: null, speed: { min: 0.7, max: 1.2 } },
  cartesia: { defaultVoice: null, speed: { min: 0.6, max: 1.5 } },
  deepgram: { defaultVoice: 'aura-2-thalia-en', speed: { min: 0.7, max: 1.5 } },
  openai: { defaultVoice: 'alloy', speed: { min: 0.5, max: 2 } },
  azure: { defaultVoice: 'en-US-JennyNeural', speed: { min: 0.5, max: 2 } },
  sarvam: { defaultVoice: 'shubh', speed: { min: 0.5, max: 2 } },
};

/** Voices of the embedded engine. */
export const LOCAL_VOICES = ['slt', 'rms', 'awb', 'kal'] as const;

/** The voice that a choice means: its own, or what everybody gets of that vendor; null: none. */
export function voiceOf(choice: { provider: TtsName; voice?: string | undefined }): string | null {
  return choice.voice ?? VOICES[choice.provider].defaultVoice;
}
