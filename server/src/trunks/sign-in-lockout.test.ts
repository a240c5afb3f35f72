import { describe, expect, it } from 'vitest';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import { SignInLockout } from './sign-in-lockout.ts';

const A = '192.0.2.1';

function fail(lockout: SignInLockout, times: number): void {
  for (let i = 0; i < times; i++) lockout.fail(A);
}

describe('a lockout', () => {
  it('begins with the fifth failure within a minute and ends after five', async () => {
    const clock = new FakeClock();
    const lockout = new SignInLockout({ clock });
    fail(lockout, 4);
    expect(lockout.isLocked(A)).toBe(false);
    await clock.advance(60_001);
    fail(lockout, 4);
    expect(lockout.isLocked(A)).toBe(false);
    fail(lockout, 1);
    expect(lockout.isLocked(A)).toBe(true);
    expect(lockout.isLocked('192.0.2.2')).toBe(false);
    await clock.advance(300_000);
    expect(lockout.isLocked(A)).toBe(false);
  });

  it('is twice as long each time, a day at most', async () => {
    const clock = new FakeClock();
    const lockout = new SignInLockout({ clock });
    for (const minutes of [5, 10, 20]) {
      fail(lockout, 5);
      await clock.advance(minutes * 60_000 - 1);
      expect(lockout.isLocked(A)).toBe(true);
      await clock.advance(1);
      expect(lockout.isLocked(A)).toBe(false);
    }
    for (let i = 0; i < 10; i++) {
      fail(lockout, 5);
      await clock.advance(86_400_000);
      expect(lockout.isLocked(A)).toBe(false);
    }
  });

  it('is forgotten with the right password, and for the oldest of too many addresses', () => {
    const lockout = new SignInLockout({ clock: new FakeClock(), capacity: 2 });
    fail(lockout, 4);
    lockout.succeed(A);
    fail(lockout, 4);
    expect(lockout.isLocked(A)).toBe(false);
    fail(lockout, 1);
    lockout.fail('b');
    lockout.fail('c');
    expect(lockout.isLocked(A)).toBe(false);
  });
});
