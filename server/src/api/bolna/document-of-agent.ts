import type { AgentConfig } from '../../agents/agent-config.ts';
import { voiceOf } from '../../providers/vendors.ts';
import type { Json } from './translation.ts';

/** An agent that was not written in Bolna's form, in that form. */
export function documentOfAgent(config: AgentConfig): Json {
  const { llm, stt, tts, turn, silence } = config;
  const audio = { provider: 'sip-trunk', format: 'ulaw' };
  return {
    agent_name: config.name,
    agent_type: 'other',
    agent_welcome_message: config.greeting,
    webhook_url: config.webhook?.url ?? null,
    telephony_provider: 'sip-trunk',
    ingest_source_config: null,
    calling_guardrails: null,
    tasks: [
      {
        task_type: 'conversation',
        toolchain: { execution: 'parallel', pipelines: [['transcriber', 'llm', 'synthesizer']] },
        tools_config: {
          llm_agent: {
            // A script is not one of Bolna's; who reads the word knows why it cannot be written back.
            agent_type: config.type === 'llm' ? 'simple_llm_agent' : 'scripted',
            agent_flow_type: 'streaming',
            llm_config: {
              provider: llm.provider,
              family: 'openai',
              model: llm.model,
              max_tokens: llm.max_tokens,
              temperature: llm.temperature,
              base_url: llm.base_url ?? null,
            },
          },
          transcriber: {
            provider: stt.provider,
            language: config.language,
            endpointing: turn.endpointing_min_ms,
          },
          synthesizer: {
            provider: tts.provider,
            provider_config: { voice: voiceOf(tts) },
          },
          input: audio,
          output: audio,
          api_tools: null,
        },
        task_config: {
          hangup_after_silence: Math.round(silence.hangup_after_ms / 1_000),
          incremental_delay: turn.endpointing_min_ms,
          number_of_words_for_interruption: turn.interruptible ? turn.interruption_words : 0,
          check_if_user_online: silence.prompt_text !== '',
          check_user_online_message: silence.prompt_text,
          trigger_user_online_message_after: Math.round(silence.prompt_after_ms / 1_000),
          call_terminate: config.max_duration_s,
          call_hangup_message: config.goodbye,
          hangup_after_LLMCall: false,
          voicemail: config.answering.voicemail !== 'continue',
        },
      },
    ],
    agent_prompts: { task_1: { system_prompt: config.prompt } },
  };
}
