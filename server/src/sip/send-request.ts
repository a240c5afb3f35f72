import type { ClientTransaction } from './client-transaction.ts';
import type { DigestSession } from './digest-session.ts';
import { makeResponse } from './make-response.ts';
import type { SipAddress, SipRequest, SipResponse } from './message.ts';
import type { TransactionLayer } from './transaction-layer.ts';

export interface SendRequestOptions {
  /** Called for each try: the CSeq grows with it (RFC 3261 §8.1.3.5). */
  build(): SipRequest;
  to(): SipAddress;
  /** Answers 401 and 407 where it is given. */
  digest: DigestSession | null;
  /** Called for every 2xx, repeated ones too, with the request that it answers. */
  on2xx?(response: SipResponse, request: SipRequest): void;
}

/**
 * Sends a request until a final response that is no challenge we can answer. Always resolves: a
 * timeout is a 408 made here, a transport error a 503 (RFC 3261 §8.1.3.1).
 */
export function sendRequest(
  transactions: TransactionLayer,
  options: SendRequestOptions,
): Promise<SipResponse> {
  return new Promise((resolve) => {
    const attempt = options.digest?.attempt();
    const tryOnce = (): void => {
      const request = options.build();
      attempt?.authorize(request);
      const made: { transaction?: ClientTransaction } = {};
      made.transaction = transactions.send(request, options.to(), {
        onResponse: (response) => {
          if (response.status < 200) return;
          if (response.status < 300) options.on2xx?.(response, request);
          if (attempt?.accepts(response)) tryOnce();
          else resolve(response);
        },
        onTimeout: () => resolve(makeResponse(request, 408)),
        onTransportError: () => resolve(makeResponse(request, 503)),
      });
    };
    tryOnce();
  });
}
