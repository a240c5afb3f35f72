const INTENT = 'do-not-call';
const END_REASON = 'do-not-call-requested';

/**
 * Whether what an agent noted or how its talk came out says that the person wants no more calls:
 * the built-in intent of scripts, or the reason that a language model ends the call with.
 */
export function asksNotToBeCalled(said: Readonly<Record<string, unknown>>): boolean {
  const { intent, intents, end_reason: endReason, reason } = said;
  return (
    intent === INTENT ||
    endReason === END_REASON ||
    reason === END_REASON ||
    (Array.isArray(intents) && intents.includes(INTENT))
  );
}
