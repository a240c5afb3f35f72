export {
  TrunklineApiError,
  TrunklineClient,
  TrunklineConnectionError,
  type TrunklineClientOptions,
} from './client.ts';
export {
  FINAL_STATUSES,
  type Call,
  type CallEvent,
  type CallStatus,
  type CostLine,
  type Page,
  type PlaceCall,
  type Turn,
  type TurnLatency,
} from './types.ts';
