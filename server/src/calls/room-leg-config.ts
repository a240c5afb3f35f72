import { agentConfigSchema, type AgentConfig } from '../agents/agent-config.ts';

/**
 * How a call runs that is a leg of a room and has no agent of its own: nobody speaks, nothing is
 * recorded unless it is asked for, and the usual maximum duration holds.
 */
export const ROOM_LEG: AgentConfig = agentConfigSchema.parse({
  name: 'room',
  type: 'llm',
  llm: { provider: 'fake' },
  stt: { provider: 'fake' },
  tts: { provider: 'fake' },
  goodbye: null,
  recording: false,
});
