import type { Case } from './case.ts';
import type { Confidence, Finding } from './evidence.ts';

interface Meaning {
  code: string;
  confidence: Confidence;
  title: string;
  /** What the status usually means. */
  means: string;
  fix: string;
}

const LOOP: Omit<Meaning, 'means'> = {
  code: 'routing-loop',
  confidence: 'certain',
  title: 'The call goes round in a circle',
  fix: 'Look whether the carrier routes this number back to this machine or between two trunks of its own: the number must not be set up as a destination of the same trunk. The carrier’s log of the Call-ID names the hops.',
};
const CALLEE: Omit<Meaning, 'means'> = {
  code: 'callee-not-available',
  confidence: 'possible',
  title: 'The trunk works; the person called did not take the call',
  fix: 'Nothing on the trunk. Call later, or give the agent a retry policy.',
};
const REFUSED: Omit<Meaning, 'means' | 'fix'> = {
  code: 'carrier-refused',
  confidence: 'likely',
  title: 'The carrier refused the call',
};
const SIGNATURE =
  'Ask the carrier how calls must be signed (STIR/SHAKEN) and whether it signs for you.';

/** RFC 3261 §21 and what came after it, where no finding of its own says more. */
const MEANINGS: Readonly<Record<number, Meaning>> = {
  405: {
    ...REFUSED,
    means: 'what answers there takes no calls',
    fix: 'Check host and port of the gateway: it may be a registrar or a web server’s address.',
  },
  408: { ...CALLEE, means: 'the carrier found nobody in time' },
  410: {
    ...REFUSED,
    title: 'The number is not in service any more',
    means: 'the number was given up',
    fix: 'Take the number off your list.',
  },
  413: {
    ...REFUSED,
    means: 'the INVITE is too large for it',
    fix: 'Send fewer headers, or set transport tcp on the gateway.',
  },
  420: {
    ...REFUSED,
    means: 'it does not know an extension that was asked for',
    fix: 'Remove headers of your own such as Require from the trunk.',
  },
  422: {
    ...REFUSED,
    means: 'it wants a longer session interval (RFC 4028)',
    fix: 'Ask the carrier to take sessions without a timer.',
  },
  428: { ...REFUSED, means: 'it wants a signed caller ID (RFC 8224)', fix: SIGNATURE },
  433: {
    ...REFUSED,
    means: 'the called party takes no anonymous calls',
    fix: 'Call from a number of yours that is shown.',
  },
  436: { ...REFUSED, means: 'it cannot read the signature’s certificate', fix: SIGNATURE },
  437: { ...REFUSED, means: 'it does not trust the signature’s certificate', fix: SIGNATURE },
  438: { ...REFUSED, means: 'the caller ID’s signature is wrong', fix: SIGNATURE },
  480: { ...CALLEE, means: 'the phone is off, out of reach or does not want to be disturbed' },
  481: {
    ...REFUSED,
    means: 'it lost the call in the middle of its set-up',
    fix: 'Look for a SIP ALG or a load balancer on the way that changes Call-ID or tags.',
  },
  482: { ...LOOP, means: 'the same request came by twice' },
  483: { ...LOOP, means: 'the INVITE passed more servers than Max-Forwards allows' },
  486: { ...CALLEE, means: 'the person called is on the phone' },
  491: {
    ...REFUSED,
    means: 'another change of the same call was going on',
    fix: 'Place the call again; if it happens often, show the carrier the Call-ID.',
  },
  493: {
    ...REFUSED,
    means: 'it could not decrypt the message',
    fix: 'Switch encryption of message bodies off at the carrier.',
  },
  600: { ...CALLEE, means: 'the person called is busy everywhere' },
  603: { ...CALLEE, means: 'the person called declined' },
  607: {
    ...CALLEE,
    title: 'The person called does not want such calls',
    means: 'the person called marked the call as unwanted (RFC 8197)',
    fix: 'Do not call the number again.',
  },
  608: {
    ...REFUSED,
    title: 'An analytics service on the way rejected the call as unwanted',
    means: 'calls from this number are taken for unwanted ones (RFC 8688)',
    fix: 'Register the caller ID with the analytics services of that country; Call-Info of the answer names whom to ask.',
  },
};

/** What a final answer that nothing else explains usually means. */
export function statusFindings({ facts }: Case, status: number, seen: string): Finding[] {
  // RFC 3261 §9.1: the answer to a CANCEL of ours.
  if (status === 487) return [];
  const { code, confidence, title, means, fix } = MEANINGS[status] ?? ofClass(status);
  const words = facts.words.trim();
  return [
    {
      code,
      confidence,
      title,
      evidence: [
        seen,
        `${status} usually means: ${means}`,
        ...(words === '' ? [] : [`its words: ${words}`]),
      ],
      fix,
    },
  ];
}

function ofClass(status: number): Meaning {
  const log = 'Look the Call-ID up in the carrier’s own log, or ask its support with it.';
  if (status < 400) {
    return {
      ...REFUSED,
      title: 'The carrier sends the call elsewhere',
      means: 'a redirection, which is not followed',
      fix: 'Set host and port of the gateway to where the Contact of the answer points.',
    };
  }
  const means =
    status < 500
      ? 'the carrier cannot do what the request asks, and would not if it were repeated'
      : 'the call can be taken nowhere';
  return { ...REFUSED, confidence: 'possible', means, fix: log };
}
