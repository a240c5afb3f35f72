/** LiveKit's prefix of each kind of id, and ours. */
const PREFIXES = {
  ST_: 'trunk_',
  SDR_: 'rule_',
  SCL_: 'call_',
  STR_: 'transfer_',
  RM_: 'room_',
  PA_: 'participant_',
  TR_: 'track_',
  EG_: 'recording_',
  AD_: 'dispatch_',
  AJ_: 'job_',
} as const;

export type LiveKitPrefix = keyof typeof PREFIXES;

/** Our id as LiveKit writes it: `trunk_01j9...` is `ST_01j9...`. */
export function toLiveKitId(prefix: LiveKitPrefix, id: string): string {
  return prefix + id.slice(id.indexOf('_') + 1);
}

/** The id that LiveKit's stands for. Ours is taken as it is, so both can be copied about. */
export function fromLiveKitId(prefix: LiveKitPrefix, id: string): string {
  const ours = PREFIXES[prefix];
  if (id.startsWith(ours)) return id;
  return id.startsWith(prefix) ? ours + id.slice(prefix.length) : id;
}
