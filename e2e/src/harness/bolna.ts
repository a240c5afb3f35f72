import { expect } from 'vitest';
import type { Program } from './program.ts';

export type Json = Record<string, unknown>;

/** One request of Bolna's API; fails the test where it is not answered with 200 or 201. */
export async function bolna(
  program: Program,
  method: string,
  where: string,
  body?: object,
): Promise<Json> {
  const answer = await program.fetch(
    method,
    where,
    body === undefined ? {} : { body: JSON.stringify(body) },
  );
  expect([200, 201], `${method} ${where}: ${JSON.stringify(answer.body)}`).toContain(answer.status);
  return answer.body as Json;
}

const FINAL = [
  'completed',
  'no-answer',
  'busy',
  'failed',
  'canceled',
  'stopped',
  'error',
  'balance-low',
];

/** Asks for the execution, as Bolna's clients do, until its status is final. */
export async function finalExecution(
  program: Program,
  id: string,
  seen: (execution: Json) => void = () => undefined,
): Promise<Json> {
  for (;;) {
    const execution = await bolna(program, 'GET', `/executions/${id}`);
    seen(execution);
    if (FINAL.includes(String(execution['status']))) return execution;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** An agent as Bolna's documents describe one, led by the model at `baseUrl`. */
export function bolnaAgent(
  baseUrl: string,
  parts: { config?: Json; task?: Json; tasks?: Json[]; prompt?: string } = {},
): { agent_config: Json; agent_prompts: Json } {
  return {
    agent_config: {
      agent_name: 'Alfred',
      agent_type: 'other',
      agent_welcome_message: 'Hello {name}, this is Alfred of Hotel Aurora.',
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
                base_url: baseUrl,
              },
            },
            synthesizer: { provider: 'local', provider_config: { voice: 'slt' }, stream: true },
            transcriber: { provider: 'local', language: 'en', stream: true, endpointing: 250 },
            input: { provider: 'sip-trunk', format: 'ulaw' },
            output: { provider: 'sip-trunk', format: 'ulaw' },
          },
          task_config: { hangup_after_silence: 6, call_terminate: 60, ...parts.task },
        },
        ...(parts.tasks ?? []),
      ],
      ...parts.config,
    },
    agent_prompts: { task_1: { system_prompt: parts.prompt ?? 'You are Alfred. Talk to {name}.' } },
  };
}
