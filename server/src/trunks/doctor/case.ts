import type { CallFacts } from './call-facts.ts';
import type { Confidence, ExaminedCall, Finding, TrunkEvidence } from './evidence.ts';

/** A call under examination, with what its signalling says. */
export interface Case extends TrunkEvidence {
  call: ExaminedCall;
  facts: CallFacts;
}

/** One side encrypts and the other does not, however that showed. */
export function srtpMismatch(confidence: Confidence, evidence: string[]): Finding {
  return {
    code: 'srtp-mismatch',
    confidence,
    title: 'One side encrypts the audio (SRTP) and the other does not',
    evidence,
    fix: 'Switch SRTP (secure trunking) off at the carrier, or set media_encryption of the trunk to required with transport tls: both sides must say the same.',
  };
}
