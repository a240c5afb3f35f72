/** An agent as Bolna's clients write it; the parts that tests vary. */
export function bolnaDocument(
  parts: {
    transcriber?: string;
    synthesizer?: string;
    llm?: string;
    agentType?: string;
    language?: string;
    task?: Record<string, unknown>;
    tools?: object[];
    config?: Record<string, unknown>;
  } = {},
) {
  return {
    agent_config: {
      agent_name: 'Front desk',
      agent_type: 'other',
      agent_welcome_message: 'Hello {name}.',
      tasks: [
        {
          task_type: 'conversation',
          toolchain: { execution: 'parallel', pipelines: [['transcriber', 'llm', 'synthesizer']] },
          tools_config: {
            llm_agent: {
              agent_type: parts.agentType ?? 'simple_llm_agent',
              agent_flow_type: 'streaming',
              llm_config: {
                provider: parts.llm ?? 'openai',
                family: 'openai',
                model: 'gpt-4.1-mini',
                base_url: 'https://api.openai.com/v1',
                max_tokens: 120,
                temperature: 0.2,
                top_p: 0.9,
                request_json: false,
              },
            },
            transcriber: {
              provider: parts.transcriber ?? 'local',
              model: 'nova-3',
              language: parts.language ?? 'en',
              stream: true,
              endpointing: 250,
            },
            synthesizer: {
              provider: parts.synthesizer ?? 'local',
              provider_config: { voice: 'slt' },
              stream: true,
              buffer_size: 250,
              audio_format: 'wav',
            },
            input: { provider: 'plivo', format: 'wav' },
            output: { provider: 'plivo', format: 'wav' },
            ...(parts.tools && { api_tools: { tools: parts.tools, tools_params: {} } }),
          },
          task_config: {
            hangup_after_silence: 12,
            incremental_delay: 500,
            number_of_words_for_interruption: 3,
            call_terminate: 120,
            call_hangup_message: 'Bye for now.',
            trigger_user_online_message_after: 6,
            check_user_online_message: 'Still there?',
            backchanneling: false,
            backchanneling_message_gap: 5,
            voicemail: false,
            ...parts.task,
          },
        },
      ],
      ...parts.config,
    },
    agent_prompts: { task_1: { system_prompt: 'You are the front desk.' } },
  };
}
