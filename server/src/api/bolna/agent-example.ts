/** An agent as Bolna’s clients write it, shown in the API’s document: all of it runs here as it is. */
export const AGENT_EXAMPLE = {
  agent_config: {
    agent_name: 'Clinic front desk',
    agent_type: 'other',
    agent_welcome_message: 'Hello {name}, this is the clinic. Is this a good moment?',
    webhook_url: 'https://example.com/bolna/executions',
    telephony_provider: 'sip-trunk',
    calling_guardrails: { call_start_hour: 9, call_end_hour: 18 },
    tasks: [
      {
        task_type: 'conversation',
        toolchain: { execution: 'parallel', pipelines: [['transcriber', 'llm', 'synthesizer']] },
        tools_config: {
          llm_agent: {
            agent_type: 'simple_llm_agent',
            agent_flow_type: 'streaming',
            llm_config: {
              provider: 'openai',
              family: 'openai',
              model: 'gpt-4.1-mini',
              max_tokens: 150,
              temperature: 0.2,
            },
          },
          transcriber: { provider: 'local', language: 'en', stream: true, endpointing: 250 },
          synthesizer: { provider: 'local', provider_config: { voice: 'slt' }, stream: true },
          input: { provider: 'sip-trunk', format: 'ulaw' },
          output: { provider: 'sip-trunk', format: 'ulaw' },
        },
        task_config: {
          hangup_after_silence: 12,
          number_of_words_for_interruption: 2,
          call_terminate: 300,
          call_hangup_message: 'Thank you. Goodbye.',
        },
      },
      {
        task_type: 'extraction',
        toolchain: { execution: 'sequential', pipelines: [['llm']] },
        tools_config: {
          llm_agent: {
            agent_type: 'simple_llm_agent',
            llm_config: {
              provider: 'openai',
              model: 'gpt-4.1-mini',
              extraction_details:
                'appointment_kept : whether they come\nnew_time : another day and time that they ask for',
            },
          },
        },
      },
    ],
  },
  agent_prompts: {
    task_1: {
      system_prompt:
        'You work at the front desk of a clinic. Remind {name} of the appointment {time} and ask whether it suits.',
    },
  },
};

/** What a PATCH changes. */
export const AGENT_CHANGE_EXAMPLE = {
  agent_config: {
    agent_welcome_message: 'Good morning {name}, this is the clinic.',
    synthesizer: { provider: 'local', provider_config: { voice: 'rms', speed: 1.1 } },
  },
  agent_prompts: {
    task_1: { system_prompt: 'You work at the front desk of a clinic. Be brief.' },
  },
};
