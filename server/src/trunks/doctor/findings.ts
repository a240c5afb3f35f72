import { callFacts } from './call-facts.ts';
import type { Confidence, Finding, TrunkEvidence } from './evidence.ts';
import { mediaFindings } from './media-findings.ts';
import { refusalFindings } from './refusal-findings.ts';

/** What is wrong with a trunk, or was with a call over it; the surest first. Empty: nothing found. */
export function findingsOf(evidence: TrunkEvidence): Finding[] {
  const findings = [...settings(evidence), ...names(evidence)];
  const { call } = evidence;
  if (call) {
    const one = { ...evidence, call, facts: callFacts(call) };
    findings.push(...refusalFindings(one), ...mediaFindings(one));
  }
  findings.push(...gateways(evidence));
  const unique = findings.filter(
    (finding, index) => findings.findIndex(({ code }) => code === finding.code) === index,
  );
  return unique.sort((a, b) => RANK[a.confidence] - RANK[b.confidence]);
}

const RANK: Record<Confidence, number> = { certain: 0, likely: 1, possible: 2 };

/** What the trunk's own settings say. */
function settings({ trunk, from, fromIsOnTrunk }: TrunkEvidence): Finding[] {
  const findings: Finding[] = [];
  const add = (code: string, title: string, seen: string, fix: string): void => {
    findings.push({ code, confidence: 'certain', title, evidence: [seen], fix });
  };
  if (!trunk.active) {
    add(
      'trunk-inactive',
      'The trunk is switched off',
      'active is false',
      'Set active to true with PATCH /v1/trunks/{id} (is_active in Bolna’s API).',
    );
  }
  if (!trunk.outboundEnabled) {
    add(
      'outbound-disabled',
      'The trunk makes no calls',
      'outbound_enabled is false',
      'Set outbound_enabled to true.',
    );
  }
  if (trunk.gateways.length === 0) {
    add(
      'no-gateway',
      'The trunk has no gateway',
      'gateways is empty',
      'Add the carrier’s host, port and transport to gateways.',
    );
  }
  if (fromIsOnTrunk === false) {
    add(
      'number-not-on-trunk',
      'The from-number is not on this trunk',
      `${from ?? 'the number'} is not among the trunk’s numbers`,
      'Add the number to the trunk with POST /v1/numbers, or call from one that is on it.',
    );
  }
  return findings;
}

/** What the resolver says of the gateways' host names. */
function names({ unresolved }: TrunkEvidence): Finding[] {
  if (unresolved.size === 0) return [];
  return [
    {
      code: 'host-not-resolved',
      confidence: 'certain',
      title: 'The host name of a gateway has no address',
      evidence: [
        ...[...unresolved].map(([host, error]) => `${host}: ${error}`),
        'nothing left this machine for it: there was no address to send to',
      ],
      fix: 'Correct host of the gateway: compare it letter by letter with the carrier’s page. If it is right, look whether this machine reaches a name server (ECONNREFUSED, EAI_AGAIN and timeouts say that it does not).',
    },
  ];
}

/** What OPTIONS to each gateway say. */
function gateways({ probes, unresolved }: TrunkEvidence): Finding[] {
  return probes
    .filter(({ host }) => !unresolved.has(host))
    .filter(({ status, error }) => status === null || error !== null)
    .map(({ gateway, error }) => ({
      code: 'gateway-unreachable',
      confidence: 'likely' as const,
      title: 'A gateway does not answer',
      evidence: [
        error === null
          ? `${gateway} gave no answer to OPTIONS; some carriers answer none from addresses that they do not know`
          : `${gateway}: ${error}`,
      ],
      fix: 'Check host, port and transport of the gateway, the firewall, and whether the carrier knows the address of this machine.',
    }));
}
