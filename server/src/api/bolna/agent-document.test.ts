import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agentConfigSchema } from '../../agents/agent-config.ts';
import { readAgentDocument } from './agent-document.ts';
import { patchOfDocument } from './agent-patch.ts';
import { bolnaDocument } from './testing/bolna-document.ts';
import { Translation, type Json } from './translation.ts';

const NONE = { substitutions: {}, customModels: {}, extractions: {} };

function read(document: Json, names = NONE): { to: Translation; config: Json } {
  const to = new Translation();
  return { to, config: readAgentDocument(document, names, to).config };
}

function flat(parts: Parameters<typeof bolnaDocument>[0] = {}): Json {
  const { agent_config: config, agent_prompts: prompts } = bolnaDocument(parts);
  return { ...config, agent_prompts: prompts };
}

describe('a document of Bolna’s', () => {
  it('that is anything at all is refused in words and never thrown over', () => {
    const known = flat();
    const task = (known['tasks'] as Json[])[0] ?? {};
    const names = [
      ...Object.keys(known),
      ...Object.keys(task),
      'llm_config',
      'task_config',
      'provider',
      'toString',
    ];
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(
          null,
          true,
          0,
          -1,
          1e9,
          '',
          'x',
          'conversation',
          'constructor',
          'https://x.example',
          '\0',
        ),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...names), tie('node'), { maxKeys: 6 }),
      ),
    })).node;
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), value), (changes) => {
        const document = { ...known, ...changes };
        const { to, config } = read(document);
        if (to.problems.length === 0) agentConfigSchema.safeParse(config);
        patchOfDocument(changes, known, NONE, new Translation());
      }),
      { numRuns: 500 },
    );
  });

  it('means Bolna’s defaults where it says nothing', () => {
    const { config } = read({
      agent_name: 'x',
      tasks: [{ task_type: 'conversation', tools_config: {}, task_config: null }],
      agent_prompts: {},
    });
    expect(config).toMatchObject({
      max_duration_s: 90,
      silence: { hangup_after_ms: 10_000 },
      turn: { endpointing_min_ms: 400, interruption_words: 2 },
      llm: { model: 'gpt-4.1-mini', max_tokens: 100, temperature: 0.1 },
    });
  });

  it('with no words for an interruption makes an agent that cannot be interrupted', () => {
    const { config } = read(flat({ task: { number_of_words_for_interruption: 0 } }));
    expect(config['turn']).toMatchObject({ interruptible: false });
  });

  it('with a judge of the end tells the agent what the judge would look for', () => {
    const { config } = read(
      flat({ task: { hangup_after_LLMCall: true, call_cancellation_prompt: 'the user is done' } }),
    );
    expect(config['prompt']).toContain(
      'End the call as soon as this is the case: the user is done',
    );
  });

  it('with a probe that is off says nothing into the silence', () => {
    const { config } = read(flat({ task: { check_if_user_online: false } }));
    expect(config['silence']).toMatchObject({ prompt_text: '' });
  });

  it('speaks English where it has words in several languages', () => {
    const message = { en: 'Goodbye.', hi: 'Namaste.' };
    expect(read(flat({ task: { call_hangup_message: message } })).config['goodbye']).toBe(
      'Goodbye.',
    );
    const { to } = read(flat({ task: { call_hangup_message: { hi: 'Namaste.' } } }));
    expect(to.problems).toEqual([
      expect.objectContaining({ field: expect.stringContaining('call_hangup_message') }),
    ]);
  });

  it('of a compatible vendor needs its endpoint, and a vendor that is not needs a stand-in', () => {
    const groq = flat({ llm: 'groq' });
    expect(read(groq).to.problems[0]).toMatchObject({ field: 'llm_config.base_url' });
    const stood = read(flat({ llm: 'cohere' }), { ...NONE, substitutions: { cohere: 'openai' } });
    expect(stood.to.problems).toEqual([]);
    expect(stood.to.warnings).toContainEqual({
      field: 'llm_config.provider',
      message: 'openai stands in for cohere',
    });
  });

  it('asks a caller’s system, with the token among the secrets', () => {
    const to = new Translation();
    const { config, secrets } = readAgentDocument(
      flat({
        task: { inbound_limit: 3, disallow_unknown_numbers: true },
        config: {
          ingest_source_config: {
            source_type: 'api',
            source_url: 'https://crm.example/who',
            source_auth_token: 't0k3n',
          },
        },
      }),
      NONE,
      to,
    );
    expect(to.problems).toEqual([]);
    expect(config.inbound).toMatchObject({
      lookup: { type: 'api', url: 'https://crm.example/who' },
      unknown_callers: 'reject',
      max_calls_per_caller: { calls: 3 },
    });
    expect(secrets).toEqual({ INBOUND_LOOKUP_TOKEN: 't0k3n' });
    expect(JSON.stringify(config)).not.toContain('t0k3n');
  });

  it('refuses hours that end before they begin', () => {
    const { to } = read(
      flat({ config: { calling_guardrails: { call_start_hour: 18, call_end_hour: 9 } } }),
    );
    expect(to.problems).toEqual([expect.objectContaining({ field: 'calling_guardrails' })]);
  });
});
