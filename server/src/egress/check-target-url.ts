import { createAddressGate } from './address-gate.ts';
import { urlRefusal } from './target-url.ts';

/**
 * Why a URL will never be asked, for whoever saves one; null: it may be. What a host name leads to
 * is judged when it is connected to.
 * @param allowPrivateTargets CIDRs of addresses that are not public and may be asked. Default none.
 */
export function checkTargetUrl(
  url: string,
  allowPrivateTargets: readonly string[] = [],
): string | null {
  return urlRefusal(url, createAddressGate(allowPrivateTargets));
}
