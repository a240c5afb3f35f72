import type { GuardrailWarning } from '../guardrail-types.ts';

/** What the check reads of an agent. */
export interface FirstWords {
  greeting: string | null;
}

const SAYS_AUTOMATED =
  /\b(automated|automatic|virtual|digital|artificial|a\.?i\.?|robot|bot|computer|machine)\b/i;
const SAYS_WHO =
  /\b(from|of|for|behalf of|this is|calling from|here at|with)\s+(the\s+)?(\{+\s*[\w.]+\s*\}+|[A-Z][\w&'’-]*)|\{+\s*(company|business|brand|organi[sz]ation|clinic|practice)[\w.]*\s*\}+/;

/**
 * G25: the first words say who calls and that nobody human does. A hint when the agent is saved:
 * what the law of the callee's country demands no pattern can know.
 */
export function firstUtteranceWarnings({ greeting }: FirstWords): GuardrailWarning[] {
  if (greeting === null || greeting.trim() === '') {
    return [
      warning(
        'no-greeting',
        'the agent has no greeting, so nobody learns at the start who calls and that it is automated; write one',
      ),
    ];
  }
  const warnings: GuardrailWarning[] = [];
  if (!SAYS_WHO.test(greeting)) {
    warnings.push(
      warning('business-not-named', 'the greeting does not say on whose behalf the agent calls'),
    );
  }
  if (!SAYS_AUTOMATED.test(greeting)) {
    warnings.push(
      warning(
        'automation-not-named',
        'the greeting does not say that the caller is an automated assistant, which many countries demand',
      ),
    );
  }
  return warnings;
}

function warning(code: string, message: string): GuardrailWarning {
  return { rule: 'G25', code, message };
}
