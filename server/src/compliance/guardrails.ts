import * as queries from '../db/queries/guardrails.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import type { Clock } from '../shared/clock.ts';
import type { GuardrailRequest, Verdict } from './guardrail-types.ts';
import { checkCallerId } from './rules/caller-id.ts';
import { checkCountry, checkDialable, checkPrefix } from './rules/destination.ts';
import { defaultGuardrailSettings, guardrailSettingsSchema } from './settings.ts';

export interface GuardrailsOptions {
  clock: Clock;
}

/** What stands between a request for a call and a phone that rings. */
export interface Guardrails {
  /**
   * Judges one call at one stage. Run it with the client of the transaction that stores the call
   * (admission) or its attempt (dial): caps and concurrency are locked until that commits, so that
   * calls that come in at the same moment cannot pass together.
   */
  check(client: Queryable, request: GuardrailRequest): Promise<Verdict>;
}

export function createGuardrails(_options: GuardrailsOptions): Guardrails {
  return {
    async check(client, request) {
      const { to, trunk } = request;
      const undialable = checkDialable(to);
      if (undialable) return undialable;
      const facts = await queries.loadFacts(client, request);
      const settings = facts.settings
        ? guardrailSettingsSchema.parse(facts.settings)
        : defaultGuardrailSettings;
      const { destinations } = settings;
      const destination = {
        allowedCountries: destinations.allowed_countries,
        trunkNumbers: [...facts.trunkNumbers, request.from],
        blockedPrefixes: destinations.blocked_prefixes,
        allowedPrefixes: destinations.allowed_prefixes,
      };
      return (
        checkCallerId(facts.fromIsOnTrunk) ??
        checkCountry(to, destination, trunk) ??
        checkPrefix(to, destination) ?? {
          allowed: true,
          warnings: [],
          maxDurationS: settings.max_duration_s,
        }
      );
    },
  };
}
