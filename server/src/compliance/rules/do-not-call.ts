import { refuse, type CallPurpose, type Refusal } from '../guardrail-types.ts';
import type { GuardrailSettings } from '../settings.ts';

export interface DoNotCallFacts {
  /** Lists that have the number and count for this call. */
  listed: readonly { id: string; kind: 'workspace' | 'campaign' | 'registry' }[];
  /** Registries that were uploaded. */
  registries: readonly { country: string | null; importedAtMs: number }[];
}

const DAY_MS = 86_400_000;

/** G21: nobody who does not want to be called; and no selling on a registry that is out of date. */
export function checkDoNotCall(
  facts: DoNotCallFacts,
  call: { country: string | null; purpose: CallPurpose },
  limits: GuardrailSettings['do_not_call'],
  nowMs: number,
): Refusal | null {
  const [listed] = facts.listed.filter(
    // A national registry is about selling; a wish of the person is about everything.
    ({ kind }) => kind !== 'registry' || call.purpose === 'promotional',
  );
  if (listed) {
    return refuse(
      'G21',
      'do-not-call',
      `the number is on the do-not-call list “${listed.id}”; it is called again only when it is removed there`,
    );
  }
  const { country } = call;
  if (call.purpose !== 'promotional' || country === null) return null;
  if (!limits.registry_required_for.includes(country)) return null;
  const freshAfterMs = nowMs - limits.max_registry_age_days * DAY_MS;
  const fresh = facts.registries.some(
    (registry) => registry.country === country && registry.importedAtMs > freshAfterMs,
  );
  if (fresh) return null;
  return refuse(
    'G21',
    'registry-out-of-date',
    `promotional calls to ${country} need its do-not-call registry, not older than ${limits.max_registry_age_days} days; import it with POST /v1/do-not-call/import`,
  );
}
