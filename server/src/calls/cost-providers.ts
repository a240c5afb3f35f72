import type { AgentConfig } from '../agents/agent-config.ts';
import type { CostProviders } from '../wallet/price-call.ts';

/** Whose rates a call is priced by. The agent is null where its document is gone. */
export function costProviders(
  agent: Pick<AgentConfig, 'type' | 'stt' | 'tts' | 'llm'> | null,
  trunkId: string | null,
): CostProviders {
  return {
    platform: 'trunkline',
    network: trunkId ?? '',
    transcriber: agent?.stt.provider ?? '',
    // A scripted agent has no model to pay for.
    model: agent?.type === 'llm' ? agent.llm.provider : 'scripted',
    synthesizer: agent?.tts.provider ?? '',
  };
}
