import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { carrierProfile } from '../carrier-profiles.ts';
import { srtpMismatch, type Case } from './case.ts';
import type { Finding } from './evidence.ts';
import { statusFindings } from './status-findings.ts';

const CALLER_ID_WORDS =
  /caller.?id|caller origination|calling (party|number)|\bcli\b|\bani\b|from.?number|not verified|unverified|\bd35\b|\b32204\b|\b41(30|40|90)\b|\b4200\b/;
const NUMBER_FORM_WORDS =
  /number format|invalid (destination )?number|leading|e\.?164|\+ ?(sign|prefix)|unallocated/;
const ADDRESS_WORDS =
  /\bip\b|address not|not whitelisted|\bacl\b|\b32201\b|\b4180\b|unknown (peer|source)/;
const LIMIT_WORDS =
  /\bcps\b|calls? per second|concurren|channel limit|rate limit|capacity|\b5180\b|\b5190\b|\bd1\b/;
const SRTP_WORDS = /srtp|savp|encrypt|secure (media|trunking)|crypto|\b4110\b|\b32207\b/;

/** Why the call did not come about. */
export function refusalFindings(one: Case): Finding[] {
  const { call, facts, trunk } = one;
  if (call.direction !== 'outbound' || call.answered) return [];
  if (call.endReason === 'trunk-inactive') return [];
  const code = facts.final?.status ?? call.sipCode;
  if (code === null) return silence(one);
  const seen = `the carrier answered ${code} ${facts.final?.reason ?? call.sipReason ?? ''}`.trim();
  const { hints, title } = carrierProfile(trunk.provider);
  if (code === 401 || code === 407) return [credentials(one, seen)];
  if (code === 403 && facts.credentialsRefused && !CALLER_ID_WORDS.test(facts.words)) {
    if (!ADDRESS_WORDS.test(facts.words)) return [credentials(one, seen)];
  }
  if (LIMIT_WORDS.test(facts.words)) {
    return [
      {
        code: 'carrier-limit',
        confidence: 'likely',
        title: 'The carrier’s limit of calls is reached',
        evidence: [seen, `its words: ${facts.words}`],
        fix: 'Set calls_per_second or max_concurrent_calls of the trunk to what the carrier allows, or buy more.',
      },
    ];
  }
  if (SRTP_WORDS.test(facts.words))
    return [srtpMismatch('likely', [seen, `its words: ${facts.words}`])];
  if (CALLER_ID_WORDS.test(facts.words)) {
    return [
      {
        code: 'caller-id-rejected',
        confidence: 'certain',
        title: 'The carrier does not accept the caller ID',
        evidence: [seen, `its words: ${facts.words}`, `the call was from ${call.from}`],
        fix: `Call from a number that the carrier knows as yours: ${hints.callerId}. caller_id_header says where it is sent.`,
      },
    ];
  }
  if (code === 488 || code === 606 || code === 415) return [offerRefused(one, seen)];
  if (code === 402) {
    return [
      {
        code: 'carrier-credit',
        confidence: 'likely',
        title: 'The account at the carrier has no credit',
        evidence: [seen],
        fix: 'Top up the account at the carrier.',
      },
    ];
  }
  if (code === 403) return [addressOrCallerId(one, seen)];
  if ([400, 404, 484, 485, 604].includes(code)) return [numberForm(one, seen)];
  if (code >= 500 && code < 600) {
    return [
      {
        code: 'carrier-error',
        confidence: 'likely',
        title: 'The carrier has a fault',
        evidence: [seen],
        fix: `Look into the carrier’s own log (${title}) with the Call-ID of the attempt; give the trunk a second gateway.`,
      },
    ];
  }
  return statusFindings(one, code, seen);
}

/** Nothing final came back. */
function silence({ call, facts, trunk, unresolved }: Case): Finding[] {
  if (call.endReason !== 'trunk-unreachable') return [];
  // Nothing was sent to a name without an address: there the carrier cannot be blamed.
  if (trunk.gateways.every(({ host }) => unresolved.has(host))) return [];
  const { hints } = carrierProfile(trunk.provider);
  const gatewayNames = trunk.gateways.map(({ host, port }) => `${host}:${port}`).join(', ');
  return [
    {
      code: 'no-answer-from-carrier',
      confidence: 'likely',
      title: 'The phone never rang: nothing came back from the carrier',
      evidence: [
        facts.anythingReceived
          ? 'the carrier answered with nothing beyond 100'
          : 'no SIP message came back to the INVITE',
        `gateways: ${gatewayNames}`,
      ],
      fix: `Check host, port and transport of the gateways and the firewall. ${hints.addresses}; many carriers drop what comes from elsewhere without a word.`,
    },
  ];
}

function credentials({ facts, trunk }: Case, seen: string): Finding {
  if (!facts.credentialsSent) {
    return {
      code: 'credentials-missing',
      confidence: 'certain',
      title: 'The carrier asks for user and password, and the trunk has none',
      evidence: [seen, 'the INVITE carried no credentials'],
      fix:
        trunk.authType === 'ip-based'
          ? 'Either the carrier does not know the address of this machine (put it on its list), or the trunk must be auth_type userpass with auth_username and auth_password.'
          : 'Set auth_type to userpass, with auth_username and auth_password as the carrier gave them.',
    };
  }
  return {
    code: 'wrong-credentials',
    confidence: 'certain',
    title: 'The carrier does not accept user and password',
    evidence: [seen, `the INVITE carried credentials of user ${trunk.authUsername ?? ''}`],
    fix: 'Enter auth_username and auth_password of the trunk anew, exactly as at the carrier.',
  };
}

function addressOrCallerId({ call, facts, trunk }: Case, seen: string): Finding {
  const { hints } = carrierProfile(trunk.provider);
  const named = ADDRESS_WORDS.test(facts.words);
  if (named || (facts.challenges === 0 && trunk.authType !== 'userpass')) {
    return {
      code: 'ip-not-allowed',
      confidence: named ? 'certain' : 'likely',
      title: 'The carrier does not take calls from the address of this machine',
      evidence: [
        seen,
        'it asked for no credentials',
        ...(named ? [`its words: ${facts.words}`] : []),
      ],
      fix: `Put the public address of this machine on the carrier’s list: ${hints.addresses}. If it is there, the caller ID ${call.from} may be the reason: ${hints.callerId}.`,
    };
  }
  return {
    code: 'caller-id-rejected',
    confidence: 'possible',
    title: 'The carrier refused the call, most often for its caller ID or its destination',
    evidence: [seen, `the call was from ${call.from} to ${call.to}`],
    fix: `${hints.callerId}. See also whether the carrier allows calls to that country.`,
  };
}

/** The number exists, and the carrier does not know it as it was written. */
function numberForm({ call, facts, trunk }: Case, seen: string): Finding {
  const exists = parsePhoneNumberFromString(call.to)?.isValid() ?? false;
  const form = trunk.leadingPlus ? `with + as ${call.to}` : `without + as ${call.to.slice(1)}`;
  const { hints } = carrierProfile(trunk.provider);
  const saysForm = NUMBER_FORM_WORDS.test(facts.words);
  return {
    code: 'plus-sign',
    confidence: saysForm || (exists && facts.final?.status !== 404) ? 'likely' : 'possible',
    title: 'The carrier does not know the number as it was dialled',
    evidence: [
      seen,
      `the number was sent ${form}`,
      exists
        ? 'the number is possible in its country’s plan'
        : 'the number is none of its country’s plan',
    ],
    fix: `If the number is right, set leading_plus of the trunk to ${String(!trunk.leadingPlus)} (outbound_leading_plus_enabled in Bolna’s API): ${hints.plus}.`,
  };
}

function offerRefused({ facts, trunk }: Case, seen: string): Finding {
  const ours = facts.offered?.codecs.join(', ') ?? trunk.codecs.join(', ');
  if (trunk.mediaEncryption === 'required') {
    return srtpMismatch('likely', [seen, 'the trunk offers encrypted audio only']);
  }
  return {
    code: 'codec-mismatch',
    confidence: 'likely',
    title: 'The carrier takes none of the codecs offered, or wants encrypted audio',
    evidence: [seen, `offered: ${ours} as ${facts.offered?.protocol ?? 'RTP/AVP'}`],
    fix: 'Allow PCMU and PCMA on the trunk and at the carrier. If the carrier’s side is set to secure (SRTP), switch that off or set media_encryption to required.',
  };
}
