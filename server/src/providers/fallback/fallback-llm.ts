import type { LlmEvent, LlmMessage, LlmProvider, LlmRequest } from '../llm.ts';
import type { CandidateList } from './candidate-list.ts';

const GO_ON =
  '[The line broke off after these words of yours, which were heard. Go on exactly where they stop, ' +
  'without repeating any of them.]';

/** Models in an order: when one dies, the next goes on with the same answer. */
export function createFallbackLlm(candidates: CandidateList<LlmProvider>): LlmProvider {
  return {
    get name() {
      return candidates.current.name;
    },
    stream: (request) => stream(candidates, request),
  };
}

async function* stream(
  candidates: CandidateList<LlmProvider>,
  request: LlmRequest,
): AsyncGenerator<LlmEvent, void, void> {
  let said = '';
  for (;;) {
    const llm = candidates.current;
    let hasCalled = false;
    let isJoin = said !== '';
    try {
      for await (const event of llm.stream(goingOn(request, said))) {
        if (event.type === 'tool-call') hasCalled = true;
        if (event.type !== 'text') {
          yield event;
          continue;
        }
        const delta = isJoin ? joined(said, event.delta) : event.delta;
        isJoin = false;
        said += delta;
        yield { type: 'text', delta };
      }
      return;
    } catch (error) {
      request.signal.throwIfAborted();
      // A tool that was called cannot be called back.
      if (hasCalled || !candidates.passOver(llm, error)) throw error;
    }
  }
}

/** What was said is on its way to the caller: the next model takes it up from there. */
function goingOn(request: LlmRequest, said: string): LlmRequest {
  if (said.trim() === '') return request;
  const heard: LlmMessage[] = [
    { role: 'assistant', content: said },
    { role: 'user', content: GO_ON },
  ];
  return { ...request, messages: [...request.messages, ...heard] };
}

/** Models break off between words far more often than within one, and rarely begin with a space. */
function joined(said: string, delta: string): string {
  return /\s$/.test(said) || /^[\s.,;:!?'’)]/.test(delta) ? delta : ` ${delta}`;
}
