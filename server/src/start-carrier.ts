import path from 'node:path';
import { agentConfigSchema } from './agents/agent-config.ts';
import { demoAgent } from './agents/demo-agent.ts';
import { startCarrierThread } from './carrier/carrier-thread.ts';
import type { Guardrails } from './compliance/guardrails.ts';
import type { Config } from './config.ts';
import type { Database } from './db/database.ts';
import * as agents from './db/queries/agents.ts';
import type { SpeechService } from './providers/local/speech-service.ts';
import type { Clock } from './shared/clock.ts';
import { newId, randomText } from './shared/ids.ts';
import type { Logger } from './shared/logger.ts';
import { loadTlsIdentity } from './sip/tls-identity.ts';
import { ensureSandboxTrunk, sandboxAgent } from './trunks/sandbox-trunk.ts';
import { createTrunkService } from './trunk-service/trunk-service.ts';
import type { Secrets } from './workspaces/secrets.ts';

const CARRIER_USERNAME = 'sandbox';

export interface CarrierParts {
  config: Config;
  database: Database;
  secrets: Secrets;
  guardrails: Guardrails;
  /** Null: there are no virtual phones. */
  speech: SpeechService | null;
  platformSipPort: number;
  /** Whose trunk leads to the virtual phones. */
  workspaceId: string;
  clock: Clock;
  logger: Logger;
  log: Parameters<typeof startCarrierThread>[0]['log'];
  onProgress: (message: string) => void;
  /** What ends it is added here, as soon as there is something to end. */
  closers: (() => Promise<void> | void)[];
}

type Carrier = Awaited<ReturnType<typeof startCarrierThread>>;

/** Starts the carrier, and makes the trunk and the agent with which its virtual phones are called. */
export async function startCarrier(parts: CarrierParts): Promise<Carrier> {
  const { config, database, secrets, guardrails, speech, workspaceId, clock, logger } = parts;
  const { closers } = parts;
  const { host, advertisedHost: publicHost, domain } = config.carrier;
  parts.onProgress('starting the carrier');
  const service = createTrunkService({
    db: database,
    secrets,
    guardrails,
    domain,
    localHost: publicHost,
    clock,
    logger,
  });
  closers.push(() => service.close());
  const credentials = { username: CARRIER_USERNAME, password: randomText(32) };
  const phones = config.sandbox.enabled && speech;
  const started = await startCarrierThread({
    host,
    advertisedHost: publicHost,
    sipPort: config.carrier.sipPort,
    tls: {
      port: config.carrier.sipTlsPort,
      ...(await loadTlsIdentity({
        ...config.sip.tls,
        directory: path.join(config.dataDir, 'carrier'),
        hosts: [publicHost],
        nowMs: clock.now(),
      })),
    },
    rtpPortMin: config.carrier.rtpPortMin,
    rtpPortMax: config.carrier.rtpPortMax,
    phones: phones
      ? {
          credentials,
          persona: config.sandbox.person,
          voicemailDir: path.join(config.dataDir, 'voicemail'),
          speech: phones.connect(),
        }
      : null,
    domain,
    platformSipPort: parts.platformSipPort,
    log: parts.log,
    service,
    logger,
  });
  closers.push(() => started.close());
  if (phones) {
    const agent = await ensureDemoAgent(database, clock, workspaceId);
    await ensureSandboxTrunk({
      db: database,
      secrets,
      clock,
      workspaceId,
      agentId: agent.id,
      agentIsNew: agent.isNew,
      carrier: { host: reachable(host), port: started.sipPort },
      credentials,
    });
  }
  return started;
}

/**
 * The agent `demo`: the appointment confirmation. One that was deleted is made again, unless
 * another agent answers the sandbox number in its place.
 */
async function ensureDemoAgent(
  database: Database,
  clock: Clock,
  workspaceId: string,
): Promise<{ id: string; isNew: boolean }> {
  const found =
    (await agents.findByName(database.pool, workspaceId, demoAgent.name)) ??
    (await sandboxAgent(database, workspaceId));
  if (found) return { id: found.id, isNew: false };
  const row = await agents.insert(database.pool, {
    id: newId('agent', clock.now()),
    workspaceId,
    config: agentConfigSchema.parse(demoAgent),
  });
  return { id: row.id, isNew: true };
}

/** An address of this machine that what is bound to `host` can be reached at. */
function reachable(host: string): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
}
