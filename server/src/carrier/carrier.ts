import { randomBytes } from 'node:crypto';
import type { SttProvider } from '../providers/stt.ts';
import type { TtsProvider } from '../providers/tts.ts';
import type { VadProvider } from '../providers/vad.ts';
import { startMediaEngine } from '../rtp/media-engine.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import { DigestVerifier } from '../sip/digest-server.ts';
import type { InboundLeg } from '../sip/leg.ts';
import { getHeader } from '../sip/message.ts';
import { parseUri } from '../sip/parse-uri.ts';
import { startUserAgent } from '../sip/user-agent.ts';
import type { Persona } from './person-script.ts';
import { BEHAVIOURS } from './phone-behaviours.ts';
import { behaviourOf } from './phone-book.ts';
import { PhoneCallOver, VirtualPhone, type PhoneParts } from './virtual-phone.ts';

export interface CarrierOptions {
  host: string;
  /** UDP and TCP; 0 takes a free one. */
  sipPort: number;
  rtpPortMin: number;
  rtpPortMax: number;
  /** What the platform's trunk must know. */
  credentials: { username: string; password: string };
  persona: Persona;
  vad: VadProvider;
  stt: SttProvider;
  tts: TtsProvider;
  /** Takes messages left on the voicemail; `name` is the SIP Call-ID. */
  keepMessage: (name: string, samples: Int16Array) => Promise<void>;
  clock: Clock;
  logger: Logger;
}

export interface Carrier {
  /** SIP port that is bound. */
  readonly sipPort: number;
  /** Calls in progress. */
  readonly callCount: number;
  /** Hangs up every call and frees the ports. Idempotent. */
  close(): Promise<void>;
}

const REALM = 'sandbox.trunkline';

/**
 * The carrier of the sandbox: a SIP trunk on loopback that checks digest credentials (407) and has
 * a virtual phone behind each number. Reached by SIP and RTP only.
 */
export async function startCarrier(options: CarrierOptions): Promise<Carrier> {
  const { clock, logger } = options;
  const media = startMediaEngine({
    host: options.host,
    portMin: options.rtpPortMin,
    portMax: options.rtpPortMax,
    clock,
    logger,
  });
  const userAgent = await startUserAgent({
    host: options.host,
    port: options.sipPort,
    userAgent: 'Trunkline sandbox carrier',
    clock,
    logger,
  }).catch((error: unknown) => {
    media.close();
    throw error;
  });
  const verifier = new DigestVerifier({ realm: REALM, clock, secret: randomBytes(32) });
  const phones = new Set<VirtualPhone>();
  const parts: PhoneParts = { ...options, media };

  userAgent.events.on('invite', (leg) => {
    if (!admitted(leg, verifier, options.credentials)) return;
    const phone = new VirtualPhone(leg, parts);
    phones.add(phone);
    void runPhone(phone, options).finally(() => phones.delete(phone));
  });

  return {
    sipPort: userAgent.port,
    get callCount() {
      return phones.size;
    },
    async close() {
      for (const phone of phones) phone.close();
      await userAgent.close();
      media.close();
    },
  };
}

function admitted(
  leg: InboundLeg,
  verifier: DigestVerifier,
  credentials: CarrierOptions['credentials'],
): boolean {
  const verdict = verifier.verify({
    authorization: getHeader(leg.request, 'Proxy-Authorization'),
    method: leg.request.method,
    uri: leg.request.uri,
    lookup: (username) =>
      username === credentials.username ? { password: credentials.password } : null,
  });
  if (verdict.result === 'ok') return true;
  if (verdict.result === 'wrong' || verdict.result === 'unknown-user') {
    leg.reject(403, 'Forbidden');
    return false;
  }
  const challenges = verifier.challenges(verdict.result === 'stale');
  leg.reject(
    407,
    'Proxy Authentication Required',
    challenges.map((value) => ({ name: 'Proxy-Authenticate', value })),
  );
  return false;
}

async function runPhone(phone: VirtualPhone, options: CarrierOptions): Promise<void> {
  const { leg } = phone;
  const dialled = parseUri(leg.request.uri)?.user ?? '';
  const behaviour = behaviourOf(dialled);
  const logger = options.logger.child({ sip_call_id: leg.sipCallId, behaviour });
  logger.info({ pii: { to: dialled } }, 'a virtual phone is called');
  try {
    await BEHAVIOURS[behaviour](phone, {
      persona: options.persona,
      transport: leg.source.transport,
      keepMessage: (samples) => options.keepMessage(leg.sipCallId, samples),
    });
    await phone.hangUp();
  } catch (error) {
    if (error instanceof PhoneCallOver) return;
    logger.error({ err: error }, 'a virtual phone failed');
    await phone.hangUp();
  }
}
