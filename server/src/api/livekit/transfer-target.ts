import { parseE164 } from '../../trunks/e164.ts';
import { TwirpError } from './twirp-error.ts';

/**
 * The number that a transfer goes to. The target is called on our trunk, so a SIP address must have
 * a number in front of its `@`.
 * @throws TwirpError
 */
export function readTransferTarget(text: string): string {
  const match = /^(?:sips?|tel):([^@;?]*)/i.exec(text.trim());
  if (!match) {
    throw invalid('transfer_to must be a valid SIP(s) or TEL URI (sip:, sips: or tel:)');
  }
  const parsed = parseE164(match[1] ?? '', { sandbox: true, check: 'form' });
  if (!parsed.ok)
    throw invalid('transfer_to needs a number in E.164 form, such as tel:+14155550123');
  return parsed.e164;
}

function invalid(message: string): TwirpError {
  return new TwirpError('invalid_argument', message, { argument: 'transfer_to' });
}
