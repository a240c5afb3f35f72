import type { SttProvider } from '../stt.ts';
import type { SttAdapterOptions } from './stt-options.ts';
import type { SttProtocol } from './stt-protocol.ts';
import { StreamingSttSession } from './streaming-stt.ts';

/** How long a connection may take to be made. */
const CONNECT_TIMEOUT_MS = 3_000;

/** A recogniser over a WebSocket; `protocolOf` gives the messages for a language. */
export function createStreamingStt(
  name: string,
  options: SttAdapterOptions,
  protocolOf: (language: string) => SttProtocol,
): SttProvider {
  return {
    name,
    open: ({ language }) =>
      new StreamingSttSession({
        protocol: protocolOf(options.language ?? language),
        apiKey: options.apiKey,
        clock: options.clock,
        connectTimeoutMs: Math.min(CONNECT_TIMEOUT_MS, options.timeoutMs),
        answerTimeoutMs: options.timeoutMs,
        guard: options.guard,
        hasNext: options.hasNext,
      }),
  };
}
