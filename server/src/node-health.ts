import type { Health } from './api/api-context.ts';
import type { CallService } from './calls/call-service.ts';
import type { Config } from './config.ts';
import type { Database } from './db/database.ts';
import type { Clock } from './shared/clock.ts';
import type { VoicePool } from './voice/voice-pool.ts';

const HEALTH_TIMEOUT_MS = 2_000;

/** Whether this node can do its work, for those who send calls and requests to it. */
export async function nodeHealth(parts: {
  database: Database;
  calls: CallService;
  voice: VoicePool;
  config: Config;
  carrierSipPort: number | null;
  clock: Clock;
}): Promise<Health> {
  const { database, calls, voice, config, carrierSipPort, clock } = parts;
  const [databaseIsUp, workers] = await Promise.all([
    inTime(clock, database.pool.query('select 1')),
    inTime(clock, voice.stats()),
  ]);
  const wanted = config.roles.has('voice') ? config.voice.workers : 0;
  const checks: Record<string, boolean> = {
    database: databaseIsUp !== null,
    'voice workers': workers?.length === wanted,
  };
  if (config.sandbox.enabled) checks['sandbox carrier'] = carrierSipPort !== null;
  if (!checks['database'] || !checks['voice workers']) return { status: 'unavailable', checks };
  return { status: calls.draining ? 'draining' : 'ok', checks };
}

/** What the work gives; null when it fails or takes longer than a probe waits. */
async function inTime<T>(clock: Clock, work: Promise<T>): Promise<T | null> {
  const late = new AbortController();
  const result = await Promise.race([
    work.catch(() => null),
    clock.sleep(HEALTH_TIMEOUT_MS, late.signal).then(
      () => null,
      () => null,
    ),
  ]);
  late.abort();
  return result;
}
