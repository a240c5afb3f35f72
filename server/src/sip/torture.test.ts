import { describe, expect, it } from 'vitest';
import { getHeaders, type SipMessage } from './message.ts';
import { parseMessage } from './parse-message.ts';
import { serializeMessage } from './serialize-message.ts';
import { readTorture } from './testing/read-torture.ts';
import { validateRequest, validateResponse } from './validate-message.ts';

/**
 * `valid`: good all the way down. `higher`: parsed and well-formed; what it asks for is answered by
 * the layers above (420, 415, 401, ...). `parser`, `validation`: refused there, with that status; 0 is
 * dropped without an answer.
 */
type Outcome = ['valid' | 'higher'] | ['parser' | 'validation', number];

const MESSAGES: [clause: string, name: string, outcome: Outcome][] = [
  ['3.1.1.1', 'wsinv', ['valid']],
  ['3.1.1.2', 'intmeth', ['valid']],
  ['3.1.1.3', 'esc01', ['valid']],
  ['3.1.1.4', 'escnull', ['valid']],
  ['3.1.1.5', 'esc02', ['valid']],
  ['3.1.1.6', 'lwsdisp', ['valid']],
  ['3.1.1.7', 'longreq', ['valid']],
  ['3.1.1.8', 'dblreq', ['valid']],
  ['3.1.1.9', 'semiuri', ['valid']],
  ['3.1.1.10', 'transports', ['valid']],
  ['3.1.1.11', 'mpart01', ['valid']],
  ['3.1.1.12', 'unreason', ['valid']],
  ['3.1.1.13', 'noreason', ['valid']],
  ['3.1.2.1', 'badinv01', ['validation', 400]],
  ['3.1.2.2', 'clerr', ['parser', 400]],
  ['3.1.2.3', 'ncl', ['parser', 400]],
  ['3.1.2.4', 'scalar02', ['validation', 400]],
  ['3.1.2.5', 'scalarlg', ['validation', 0]],
  ['3.1.2.6', 'quotbal', ['validation', 400]],
  ['3.1.2.7', 'ltgtruri', ['parser', 400]],
  ['3.1.2.8', 'lwsruri', ['parser', 400]],
  ['3.1.2.9', 'lwsstart', ['parser', 400]],
  ['3.1.2.10', 'trws', ['parser', 400]],
  ['3.1.2.11', 'escruri', ['validation', 400]],
  // The RFC advises against a refusal where the date does not matter; here it never does.
  ['3.1.2.12', 'baddate', ['higher']],
  ['3.1.2.13', 'regbadct', ['validation', 400]],
  ['3.1.2.14', 'badaspec', ['validation', 400]],
  ['3.1.2.15', 'baddn', ['validation', 400]],
  ['3.1.2.16', 'badvers', ['parser', 505]],
  ['3.1.2.17', 'mismatch01', ['validation', 400]],
  ['3.1.2.18', 'mismatch02', ['validation', 400]],
  ['3.1.2.19', 'bigcode', ['parser', 0]],
  ['3.2.1', 'badbranch', ['validation', 400]],
  ['3.3.1', 'insuf', ['validation', 400]],
  ['3.3.2', 'unkscm', ['validation', 416]],
  ['3.3.3', 'novelsc', ['validation', 416]],
  // A registrar refuses the schemes; for a parser they are opaque.
  ['3.3.4', 'unksm2', ['higher']],
  ['3.3.5', 'bext01', ['higher']],
  ['3.3.6', 'invut', ['higher']],
  ['3.3.7', 'regaut01', ['higher']],
  ['3.3.8', 'multi01', ['validation', 400]],
  ['3.3.9', 'mcl01', ['parser', 400]],
  ['3.3.10', 'bcast', ['validation', 0]],
  ['3.3.11', 'zeromf', ['higher']],
  ['3.3.12', 'cparam01', ['higher']],
  ['3.3.13', 'cparam02', ['higher']],
  ['3.3.14', 'regescrt', ['higher']],
  ['3.3.15', 'sdp01', ['higher']],
  ['3.4.1', 'inv2543', ['valid']],
];

function layerOf(bytes: Buffer): ['accepted'] | ['parser' | 'validation', number] {
  const result = parseMessage(bytes);
  if (!result.ok) return ['parser', result.error.request ? result.error.status : 0];
  const { message } = result;
  if (message.kind === 'response') {
    return validateResponse(message) ? ['accepted'] : ['validation', 0];
  }
  const refusal = validateRequest(message);
  return refusal ? ['validation', refusal.status] : ['accepted'];
}

function parsed(name: string): SipMessage {
  const result = parseMessage(readTorture(name));
  if (!result.ok) throw new Error(`${name}: ${result.error.message}`);
  return result.message;
}

describe('RFC 4475', () => {
  it('T01 has 49 messages, each once in the table', () => {
    expect(new Set(MESSAGES.map(([, name]) => name)).size).toBe(49);
  });

  it.each(MESSAGES)('T01 §%s: %s ends at %j', (_clause, name, outcome) => {
    const accepted = outcome[0] === 'valid' || outcome[0] === 'higher';
    expect(layerOf(readTorture(name))).toEqual(accepted ? ['accepted'] : outcome);
  });

  it.each(MESSAGES.filter(([, , outcome]) => outcome[0] !== 'parser'))(
    'T01 §%s: %s is the same after a round trip',
    (_clause, name) => {
      const message = parsed(name);
      const again = parseMessage(serializeMessage(message));
      const withoutLength = (of: SipMessage): SipMessage => ({
        ...of,
        headers: of.headers.filter((header) => header.name.toLowerCase() !== 'content-length'),
      });
      expect(again.ok && withoutLength(again.message)).toEqual(withoutLength(message));
    },
  );

  it('§3.1.1.1: folded, compact and oddly cased fields of wsinv are read', () => {
    const message = parsed('wsinv');
    expect(getHeaders(message, 'To')).toEqual([
      'sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n',
    ]);
    expect(getHeaders(message, 'Via')).toHaveLength(2);
    expect(getHeaders(message, 'Subject')).toEqual(['']);
    expect(getHeaders(message, 'NewFangledHeader')).toEqual([
      'newfangled value continued newfangled value',
    ]);
    expect(getHeaders(message, 'UnknownHeaderWithUnusualValue')).toEqual([';;,,;;,;']);
    expect(message.body).toHaveLength(150);
  });

  it('§3.1.1.2: the escaped control characters of intmeth are allowed, and go no further', () => {
    const [to] = getHeaders(parsed('intmeth'), 'To');
    expect(to).toContain('BEL:');
    expect(to).toMatch(/^[\x20-\x7e]+$/);
  });

  it('§3.1.1.8: bytes after the body of a datagram are dropped', () => {
    const message = parsed('dblreq');
    expect(message.kind === 'request' && message.method).toBe('REGISTER');
    expect(message.body).toBe('');
  });

  it('§3.1.1.12: a reason phrase in UTF-8 is kept', () => {
    const message = parsed('unreason');
    expect(message.kind === 'response' && message.reason).toContain('но сто девяносто девять');
  });

  it('§3.1.1.13: an empty reason phrase is allowed', () => {
    expect(parsed('noreason')).toMatchObject({ status: 100, reason: '' });
  });
});
