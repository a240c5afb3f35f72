import { describe, expect, it } from 'vitest';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { answerChallenge, parseChallenge } from './digest.ts';
import { digestHa1 } from './digest-response.ts';
import { DigestVerifier, type DigestSecret, type DigestVerifierOptions } from './digest-server.ts';

const URI = 'sip:+15005550101@trunk.example';

function setUp(options: Partial<DigestVerifierOptions> = {}) {
  const clock = new FakeClock();
  const verifier = new DigestVerifier({ realm: 'trunk.example', clock, ...options });
  let nonceCount = 0;
  const answer = (
    challenges: readonly string[],
    changes: { password?: string; username?: string; nonceCount?: number; uri?: string } = {},
  ): string => {
    const result = answerChallenge({
      challenges,
      method: 'INVITE',
      uri: URI,
      username: 'alice',
      password: 'secret',
      body: '',
      nonceCount: ++nonceCount,
      ...changes,
    });
    if (!result.ok) throw new Error(result.reason);
    return result.value;
  };
  const verify = (
    authorization: string | undefined,
    secret: DigestSecret | null = { password: 'secret' },
  ) =>
    verifier.verify({
      authorization,
      method: 'INVITE',
      uri: URI,
      lookup: (username) => (username === 'alice' ? secret : null),
    });
  return { clock, verifier, answer, verify };
}

describe('DigestVerifier', () => {
  it('offers each algorithm in a challenge of its own, without stale', () => {
    const { verifier } = setUp();
    const challenges = verifier.challenges().map(parseChallenge);
    expect(challenges.map((one) => one?.algorithm)).toEqual(['MD5', 'SHA-256']);
    expect(challenges[0]).toMatchObject({ realm: 'trunk.example', qop: ['auth'], stale: false });
    expect(parseChallenge(verifier.challenges(true)[0] ?? '')?.stale).toBe(true);
  });

  it.each([['MD5'], ['SHA-256'], ['SHA-512-256']] as const)(
    'takes a right answer by %s',
    (hash) => {
      const { verifier, answer, verify } = setUp({ algorithms: [hash] });
      expect(verify(answer(verifier.challenges()))).toEqual({ result: 'ok', username: 'alice' });
    },
  );

  it('T18 takes stored hashes in place of the password', () => {
    const { verifier, answer, verify } = setUp();
    const ha1 = digestHa1('MD5', 'alice', 'trunk.example', 'secret');
    const ha1Sha256 = digestHa1('SHA-256', 'alice', 'trunk.example', 'secret');
    const challenges = verifier.challenges();
    expect(verify(answer(challenges), { ha1, ha1Sha256 }).result).toBe('ok');
    expect(verify(answer(challenges.slice(0, 1)), { ha1 }).result).toBe('ok');
    expect(verify(answer(challenges.slice(1)), { ha1 }).result).toBe('wrong');
    expect(verify(answer(challenges), {}).result).toBe('wrong');
  });

  it('asks for credentials where there are none for its realm', () => {
    const { verify, answer } = setUp();
    const foreign = answer(['Digest realm="other", nonce="n", qop="auth"']);
    for (const value of [undefined, '', 'Basic abc', 'Digest realm="trunk.example"', foreign]) {
      expect(verify(value)).toEqual({ result: 'missing', username: null });
    }
  });

  it('tells a wrong password from an unknown user', () => {
    const { verifier, answer, verify } = setUp();
    const challenges = verifier.challenges();
    expect(verify(answer(challenges, { password: 'x' }))).toEqual({
      result: 'wrong',
      username: 'alice',
    });
    expect(verify(answer(challenges, { username: 'bob' }))).toEqual({
      result: 'unknown-user',
      username: 'bob',
    });
  });

  it('does not take an answer made for another method', () => {
    const { verifier, answer } = setUp();
    const authorization = answer(verifier.challenges());
    const lookup = () => ({ password: 'secret' });
    expect(verifier.verify({ authorization, method: 'BYE', uri: URI, lookup }).result).toBe(
      'wrong',
    );
  });

  it('T18 RFC 7616 §3.4.3: a count that was used is stale, a higher one is good', () => {
    const { verifier, answer, verify } = setUp();
    const challenges = verifier.challenges();
    const first = answer(challenges, { nonceCount: 1 });
    expect(verify(first).result).toBe('ok');
    expect(verify(first).result).toBe('stale');
    expect(verify(answer(challenges, { nonceCount: 3 })).result).toBe('ok');
    expect(verify(answer(challenges, { nonceCount: 2 })).result).toBe('stale');
  });

  it('a nonce without count is good once', () => {
    const { verifier, answer, verify } = setUp();
    const legacy = verifier.challenges().map((value) => value.replace(', qop="auth"', ''));
    const value = answer(legacy);
    expect(verify(value).result).toBe('ok');
    expect(verify(value).result).toBe('stale');
  });

  it('T18 a nonce is good until its time is over', async () => {
    const { clock, verifier, answer, verify } = setUp({ nonceTtlMs: 5000 });
    const challenges = verifier.challenges();
    await clock.advance(5000);
    expect(verify(answer(challenges)).result).toBe('ok');
    await clock.advance(1);
    expect(verify(answer(challenges)).result).toBe('stale');
    expect(verify(answer(challenges, { password: 'x' })).result).toBe('wrong');
  });

  it('T18 a nonce of somebody else is stale for who knows the password', () => {
    const { answer, verify } = setUp();
    const other = new DigestVerifier({ realm: 'trunk.example', clock: new FakeClock() });
    expect(verify(answer(other.challenges())).result).toBe('stale');
    const invented = 'Digest realm="trunk.example", nonce="n", qop="auth"';
    expect(verify(answer([invented])).result).toBe('stale');
  });

  it('nodes with one secret take each other’s nonces', () => {
    const secret = 'shared by all nodes';
    const { answer, verify } = setUp({ secret });
    const other = new DigestVerifier({ realm: 'trunk.example', clock: new FakeClock(), secret });
    expect(verify(answer(other.challenges())).result).toBe('ok');
  });

  it('T18 what it forgets for want of room is stale, never replayed', async () => {
    const { clock, verifier, answer, verify } = setUp({ nonceCapacity: 2 });
    const values: string[] = [];
    for (let n = 0; n < 3; n++) {
      values.push(answer(verifier.challenges()));
      await clock.advance(1);
    }
    expect(values.map((value) => verify(value).result)).toEqual(['ok', 'ok', 'ok']);
    expect(values.map((value) => verify(value).result)).toEqual(['stale', 'stale', 'stale']);
  });

  it('compares the URI where it is told to', () => {
    const { verifier, answer, verify } = setUp({ requireSameUri: true });
    const uri = 'sip:elsewhere@trunk.example';
    expect(verify(answer(verifier.challenges(), { uri })).result).toBe('wrong');
    const same = 'sip:%2B15005550101@TRUNK.example';
    expect(verify(answer(verifier.challenges(), { uri: same })).result).toBe('ok');
  });

  it('T18 a response of another length is wrong', () => {
    const { verifier, answer, verify } = setUp();
    const value = answer(verifier.challenges()).replace(/response="[0-9a-f]+"/, 'response="ab"');
    expect(verify(value).result).toBe('wrong');
  });
});
