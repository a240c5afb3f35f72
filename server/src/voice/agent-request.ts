import type {
  CallbackAnswer,
  CallbackRequest,
  TransferAnswer,
  TransferRequest,
} from '../agents/tools/tool-host.ts';

/** What an agent asks of those who have the call: signalling and the database are not here. */
export type AgentRequest =
  | ({ type: 'transfer' } & TransferRequest)
  | ({ type: 'callback' } & CallbackRequest)
  | { type: 'do-not-call' };

export type AgentAnswer = TransferAnswer | CallbackAnswer | { type: 'done' };

/** Asks those who have the call. Rejects when they cannot be asked any more. */
export type AskHost = (request: AgentRequest) => Promise<AgentAnswer>;
