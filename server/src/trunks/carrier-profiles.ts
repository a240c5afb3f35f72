import type { CallerIdHeader } from '../db/queries/trunks.ts';

/** What a carrier expects, where it differs from the general. A trunk's own fields go before it. */
export interface CarrierProfile {
  /** Name for people. */
  title: string;
  leadingPlus: boolean;
  callerIdHeader: CallerIdHeader;
  codecs: readonly string[];
  /** Seconds between OPTIONS; some carriers block those who ask more often. */
  qualifyFrequencyS: number;
  /** REGISTER is understood. */
  registers: boolean;
  /** Whether INVITEs offer 100rel (RFC 3262). */
  reliableProvisionals: boolean;
  /** Calls a second where the carrier says nothing else. */
  callsPerSecond: number | null;
  /** What to know when a call is refused. */
  hints: {
    /** How caller IDs must look, and which are taken. */
    callerId: string;
    plus: string;
    addresses: string;
  };
}

const GENERIC: CarrierProfile = {
  title: 'any carrier',
  leadingPlus: true,
  callerIdHeader: 'from-and-pai',
  codecs: ['PCMU', 'PCMA'],
  qualifyFrequencyS: 60,
  registers: true,
  reliableProvisionals: true,
  callsPerSecond: null,
  hints: {
    callerId: 'the from-number must be one that the carrier gave you or verified',
    plus: 'some carriers want +49..., some 49...: try the other setting of leading_plus',
    addresses: 'the carrier must have the address of this machine on its list',
  },
};

/** By the name in a trunk's `provider`; from the carriers' own documentation. */
export const CARRIER_PROFILES: Readonly<Record<string, CarrierProfile>> = {
  generic: GENERIC,
  plivo: {
    ...GENERIC,
    title: 'Plivo Zentrunk',
    callerIdHeader: 'from',
    registers: false,
    reliableProvisionals: false,
    callsPerSecond: 1,
    hints: {
      callerId:
        'the from-number must be a number of your Plivo account (hangup code 4190 otherwise)',
      plus: 'Plivo takes numbers with and without +',
      addresses: 'the IP access control list of the outbound trunk must have this address',
    },
  },
  twilio: {
    ...GENERIC,
    title: 'Twilio Elastic SIP Trunking',
    callerIdHeader: 'from',
    registers: false,
    callsPerSecond: 1,
    hints: {
      callerId:
        'the from-number must be a Twilio number or a verified caller ID (error 32204 otherwise)',
      plus: 'Twilio requires the +: leave leading_plus on',
      addresses:
        'the IP access control list of the trunk must have this address (error 32201 otherwise)',
    },
  },
  telnyx: {
    ...GENERIC,
    title: 'Telnyx',
    hints: {
      callerId:
        'Telnyx reads P-Preferred-Identity, P-Asserted-Identity, Remote-Party-ID, then From; a number that is not yours is refused with 403 D35',
      plus: 'Telnyx takes numbers with +',
      addresses:
        'an IP connection must name this address; a credential connection needs user and password',
    },
  },
  vobiz: {
    ...GENERIC,
    title: 'Vobiz',
    registers: false,
    hints: { ...GENERIC.hints, callerId: 'the from-number must be a number of the Vobiz account' },
  },
  exotel: {
    ...GENERIC,
    title: 'Exotel vSIP',
    callerIdHeader: 'from',
    codecs: ['PCMA', 'PCMU'],
    registers: false,
    hints: {
      callerId: 'the from-number must be an ExoPhone of the account',
      plus: 'Exotel dials E.164',
      addresses: 'Exotel knows trunks by address only: this one must be on its list',
    },
  },
};

/** The profile of a trunk's provider; the general one for a name that is not in the list. */
export function carrierProfile(provider: string): CarrierProfile {
  const name = provider.trim().toLowerCase();
  return (Object.hasOwn(CARRIER_PROFILES, name) && CARRIER_PROFILES[name]) || GENERIC;
}
