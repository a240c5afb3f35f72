import type { AgentConfig } from '../agents/agent-config.ts';
import type { CallRow } from '../db/queries/calls.ts';
import type { TrunkWithGateways } from '../db/queries/trunks.ts';
import type { CallLimits } from './limits.ts';
import type { RoomSeat } from './room-seat.ts';

/** What a call is run with. */
export interface CallPlan {
  call: CallRow;
  trunk: TrunkWithGateways;
  agent: AgentConfig;
  variables: Record<string, string>;
  /** Whether those who made the agent or the call know both by UUIDs. */
  usesUuids: boolean;
  /** Provider keys in clear, by provider name. */
  providerSecrets: Record<string, string>;
  /** The agent's own, in clear, for its tools. */
  toolSecrets: Record<string, string>;
  /** Whether the agent's own endpoint may be at public addresses only: a sub-account named it. */
  guarded: boolean;
  /** Calls at once where it runs. */
  limits: CallLimits;
  /** For the trunk's digest challenges, in clear. */
  credentials: { username: string; password: string } | null;
  /** Its place in a room that others can come into; null: nobody else comes. */
  seat: RoomSeat | null;
}
