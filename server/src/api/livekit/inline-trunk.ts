import { createHash } from 'node:crypto';
import { SIPOutboundTrunkInfo, type SIPOutboundConfig } from '@livekit/protocol';
import type { TrunkInput } from '../../trunks/trunk-store.ts';
import { outboundInput } from './trunk-messages.ts';
import { TwirpError } from './twirp-error.ts';

/** What marks a trunk that came with a call. */
export const INLINE = 'inline';

/** The trunk that comes with a call, as one of ours. @throws TwirpError */
export function inlineTrunkInput(
  config: SIPOutboundConfig,
  sipNumber: string,
): TrunkInput & { name: string } {
  if (sipNumber === '') {
    throw new TwirpError(
      'invalid_argument',
      'a trunk in the request needs sip_number to call from',
      {
        argument: 'sip_number',
      },
    );
  }
  const input = outboundInput(
    new SIPOutboundTrunkInfo({
      name: `inline ${config.hostname}`.slice(0, 200),
      address: config.hostname,
      transport: config.transport,
      destinationCountry: config.destinationCountry,
      numbers: [sipNumber],
      authUsername: config.authUsername,
      authPassword: config.authPassword,
      headersToAttributes: config.headersToAttributes,
      attributesToHeaders: config.attributesToHeaders,
      fromHost: config.fromHost,
    }),
  );
  // The same settings are the same trunk. The password is in the digest, and only there.
  const digest = createHash('sha256')
    .update(config.toBinary())
    .update(sipNumber)
    .digest('base64url');
  return { ...input, doorData: { ...input.doorData, [INLINE]: digest } };
}
