export { TrunklineClient, type RequestOptions, type TrunklineClientOptions } from './client.ts';
export {
  API_ERROR_CODES,
  TrunklineApiError,
  TrunklineConnectionError,
  type ApiErrorCode,
  type FieldProblem,
} from './errors.ts';
export {
  FINAL_STATUSES,
  type Call,
  type CallAttempt,
  type CallEvent,
  type CallStatus,
  type CallSummary,
  type CostLine,
  type Diagnosis,
  type Finding,
  type Gateway,
  type Page,
  type PlaceCall,
  type SipAnswer,
  type SipLadder,
  type Trunk,
  type TrunkHealth,
  type Turn,
  type TurnLatency,
} from './types.ts';
