import type { SttProvider } from '../providers/stt.ts';
import type { TtsProvider } from '../providers/tts.ts';
import type { VadProvider } from '../providers/vad.ts';
import { startMediaEngine } from '../rtp/media-engine.ts';
import { PortPool } from '../rtp/port-pool.ts';
import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/logger.ts';
import type { InboundLeg } from '../sip/leg.ts';
import type { SipTlsOptions } from '../sip/transport-stream.ts';
import { startUserAgent } from '../sip/user-agent.ts';
import type { Persona } from './person-script.ts';
import { BEHAVIOURS } from './phone-behaviours.ts';
import { behaviourOf } from './phone-book.ts';
import { calledUser } from './trunk-door.ts';
import type { TrunkServiceProcedures } from './trunk-protocol.ts';
import { TrunkSwitch } from './trunk-switch.ts';
import { PhoneCallOver, VirtualPhone, type PhoneParts } from './virtual-phone.ts';

/** What the sandbox's telephones need. */
export interface CarrierPhones {
  /** What the platform's trunk must know. */
  credentials: { username: string; password: string };
  persona: Persona;
  vad: VadProvider;
  stt: SttProvider;
  tts: TtsProvider;
  /** Takes messages left on the voicemail; `name` is the SIP Call-ID. */
  keepMessage: (name: string, samples: Int16Array) => Promise<void>;
}

export interface CarrierOptions {
  /** Address to bind. */
  host: string;
  /** Address that far ends are told. Default: `host`. */
  advertisedHost?: string | undefined;
  /** UDP and TCP; 0 takes a free one. */
  sipPort: number;
  tls?: (SipTlsOptions & { port: number }) | undefined;
  rtpPortMin: number;
  rtpPortMax: number;
  /** Null: no sandbox. */
  phones: CarrierPhones | null;
  /** Trunks are reached at `<trunk id>.<domain>`; also the realm of sign-ins. */
  domain: string;
  /** Knows trunks and numbers. */
  service: TrunkServiceProcedures;
  /** SIP port of the platform on this machine; null: it is elsewhere. */
  platformSipPort: number | null;
  clock: Clock;
  logger: Logger;
}

export interface Carrier {
  /** SIP port that is bound. */
  readonly sipPort: number;
  /** Null: no TLS. */
  readonly sipTlsPort: number | null;
  /** Calls in progress: of phones, and through the switch. */
  readonly callCount: number;
  /** Trunks get no new calls; resolves when the live ones have ended, or the time is over. */
  drain(timeoutMs: number): Promise<void>;
  /** Hangs up every call and frees the ports. Idempotent. */
  close(): Promise<void>;
}

/**
 * The carrier: a switch for customers' trunks, and the sandbox's virtual phones behind a SIP trunk
 * of the platform's own. Reached by SIP and RTP only.
 */
export async function startCarrier(options: CarrierOptions): Promise<Carrier> {
  const { clock, logger, host, rtpPortMin, rtpPortMax } = options;
  const advertisedHost = options.advertisedHost ?? host;
  // Phones take ports from below, the switch from the middle on.
  const middle = rtpPortMin + 2 * Math.floor((rtpPortMax - rtpPortMin) / 4);
  const media = startMediaEngine({
    host,
    portMin: rtpPortMin,
    portMax: options.phones ? rtpPortMax : rtpPortMin,
    clock,
    logger,
  });
  const userAgent = await startUserAgent({
    host,
    port: options.sipPort,
    advertisedHost,
    tls: options.tls,
    userAgent: 'Trunkline sandbox carrier',
    clock,
    logger,
  }).catch((error: unknown) => {
    media.close();
    throw error;
  });
  const phones = new Set<VirtualPhone>();
  const parts = options.phones && { ...options.phones, host: advertisedHost, media, clock, logger };
  const trunkSwitch = new TrunkSwitch({
    ua: userAgent,
    ports: new PortPool({ host, portMin: middle, portMax: rtpPortMax, clock }),
    bindHost: host,
    host: advertisedHost,
    domain: options.domain,
    sandbox: options.phones?.credentials ?? null,
    platformSipPort: options.platformSipPort,
    service: options.service,
    pickUp: parts ? (leg) => pickUp(leg, parts) : null,
    clock,
    logger,
  });

  function pickUp(leg: InboundLeg, phoneParts: PhoneParts & CarrierPhones): void {
    const phone = new VirtualPhone(leg, phoneParts);
    phones.add(phone);
    void runPhone(phone, phoneParts).finally(() => phones.delete(phone));
  }

  userAgent.events.on('invite', (leg) => trunkSwitch.take(leg));

  return {
    sipPort: userAgent.port,
    sipTlsPort: userAgent.tlsPort,
    get callCount() {
      return phones.size + trunkSwitch.callCount;
    },
    drain: (timeoutMs) => trunkSwitch.drain(timeoutMs),
    async close() {
      await trunkSwitch.close();
      for (const phone of phones) phone.close();
      await userAgent.close();
      media.close();
    },
  };
}

async function runPhone(phone: VirtualPhone, options: PhoneParts & CarrierPhones): Promise<void> {
  const { leg } = phone;
  const dialled = calledUser(leg);
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
