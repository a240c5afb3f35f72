import { expect, it } from 'vitest';
import { callAndWait, startProgram } from './harness/program.ts';

it.concurrent('a person who cancels is asked again, and the appointment is cancelled', async () => {
  const program = await startProgram({ env: { SANDBOX_PERSON: 'cancel' } });
  try {
    const call = await callAndWait(program, { to: '+15005550101' });
    expect(call.transcript).toMatch(/are you sure/i);
    expect(call).toMatchObject({
      status: 'completed',
      sip: { code: 200 },
      outcome: { outcome: 'cancelled', finished: true },
    });
  } finally {
    await program.stop();
  }
});

it.concurrent(
  'a person who wants another day names one, and it is read back and kept',
  async () => {
    const program = await startProgram({ env: { SANDBOX_PERSON: 'reschedule' } });
    try {
      const call = await callAndWait(program, {
        to: '+15005550101',
        variables: { timezone: 'America/New_York' },
      });
      expect(call, call.transcript ?? '').toMatchObject({
        status: 'completed',
        sip: { code: 200 },
        outcome: { outcome: 'rescheduled', finished: true },
      });
      expect(call.transcript).toMatch(/is that right/i);
      const { slots } = call.outcome as { slots: Record<string, string> };
      const when = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}/.exec(slots['new_time'] ?? '');
      expect(when, JSON.stringify(slots)).not.toBeNull();
      // The person says: next Tuesday at three thirty in the afternoon. What was understood is read back.
      const day = new Date(`${when?.[0]}:00Z`);
      const inWords = (format: Intl.DateTimeFormatOptions): string =>
        day.toLocaleString('en-US', { ...format, timeZone: 'UTC' });
      expect(call.transcript).toContain(
        inWords({ weekday: 'long', month: 'long', day: 'numeric' }),
      );
      const minute = day.getUTCMinutes() === 0 ? {} : ({ minute: '2-digit' } as const);
      expect(call.transcript).toContain(
        inWords({ hour: 'numeric', ...minute }).replaceAll('\u202f', ' '),
      );
      const daysAhead = (day.getTime() - Date.parse(call.timestamps.created_at ?? '')) / 86_400_000;
      expect(daysAhead).toBeGreaterThan(0);
      expect(daysAhead).toBeLessThan(15);
    } finally {
      await program.stop();
    }
  },
);
