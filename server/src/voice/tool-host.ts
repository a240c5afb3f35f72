import type { ToolHost } from '../agents/tools/tool-host.ts';
import type { SafeFetch } from '../egress/safe-fetch.ts';
import type { AskHost } from './agent-request.ts';
import type { ToolDigits } from './tool-digits.ts';

export interface ToolHostOptions {
  fetch: SafeFetch | null;
  ask: AskHost;
  digits: ToolDigits;
}

/** What the tools of one agent need of its call. */
export function createToolHost({ fetch, ask, digits }: ToolHostOptions): ToolHost {
  return {
    fetch,
    async transfer(request, signal) {
      const answer = await orGone(ask({ type: 'transfer', ...request }), signal);
      if (answer?.type === 'connected' || answer?.type === 'failed') return answer;
      return { type: 'failed', reason: 'call-over', message: 'the call is over' };
    },
    async scheduleCallback(request) {
      const answer = await ask({ type: 'callback', ...request });
      if (answer.type === 'scheduled' || answer.type === 'refused') return answer;
      return { type: 'refused', message: 'it cannot be scheduled in this call' };
    },
    collectDigits: (request) => digits.collect(request),
    async doNotCall() {
      await ask({ type: 'do-not-call' });
    },
  };
}

/** An answer, or null when nobody waits for it any more. */
function orGone<T>(answer: Promise<T>, signal: AbortSignal): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const leave = (): void => resolve(null);
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
