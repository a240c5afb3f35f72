import { afterEach, expect, it } from 'vitest';
import { systemClock } from '../../../server/src/shared/clock.ts';
import type { PhoneReport } from './farm-protocol.ts';
import { PhoneFarm } from './phone-farm.ts';

const farms: PhoneFarm[] = [];
afterEach(async () => {
  await Promise.all(farms.splice(0).map((farm) => farm.close()));
});

async function twoFarms(): Promise<{
  caller: ReturnType<PhoneFarm['procedures']>;
  callee: ReturnType<PhoneFarm['procedures']>;
  sipPort: number;
}> {
  const [one, two] = [new PhoneFarm(), new PhoneFarm()];
  farms.push(one, two);
  await one.start();
  const { sipPort } = await two.start();
  return { caller: one.procedures(), callee: two.procedures(), sipPort };
}

async function until(reached: () => boolean, timeoutMs = 30_000): Promise<void> {
  for (let n = 0; n < timeoutMs / 25; n++) {
    if (reached()) return;
    await systemClock.sleep(25);
  }
  throw new Error('not reached in time');
}

it('phones call each other, are measured without an error on the line, and hang up', async () => {
  const { caller, callee, sipPort } = await twoFarms();
  const dialled = await Promise.all(
    ['+14155550001', '+14155550002'].map((number) =>
      caller.dial({ number, from: '+14155559999', sipPort }),
    ),
  );
  expect(dialled).toEqual([{ status: 200 }, { status: 200 }]);
  await until(() => callee.state({}).up === 2);
  const lines = await callee.measureLines({ durationMs: 1_000 });
  expect(lines).toMatchObject({ lines: 2, sequenceErrors: 0, timestampErrors: 0 });
  expect(lines.gapsMs.length).toBeGreaterThan(20);
  await caller.hangUpAll({});
  await until(() => callee.state({}).over === 2);
  const reports: PhoneReport[] = callee.collect({});
  expect(reports.map(({ number }) => number).toSorted()).toEqual(['+14155550001', '+14155550002']);
  for (const report of reports) {
    expect(report).toMatchObject({ direction: 'from-program', endedBy: 'program' });
    expect(report.firstPacketAtMs).toBeGreaterThan(report.inviteAtMs);
  }
  expect(callee.state({})).toEqual({ up: 0, done: 0, over: 0 });
});

it('a phone that is told to hangs up after having heard the other side', async () => {
  const { caller, callee, sipPort } = await twoFarms();
  // Nobody greets the caller, who speaks after ten seconds: the callee hears the first words.
  caller.plan({ behaviour: 'talk', turns: 1, speech: 'synthetic' });
  callee.plan({ behaviour: 'hear-and-hang-up' });
  await caller.dial({ number: '+14155550003', from: '+14155559999', sipPort });
  await until(() => callee.state({}).over === 1, 60_000);
  const [report] = callee.collect({});
  expect(report).toMatchObject({ endedBy: 'phone' });
  expect((report?.endedAtMs ?? 0) - (report?.firstAudibleAtMs ?? 0)).toBeGreaterThanOrEqual(280);
});
