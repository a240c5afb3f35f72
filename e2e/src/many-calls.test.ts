import { afterAll, beforeAll, expect, it } from 'vitest';
import { callAndWait, startProgram, type Program } from './harness/program.ts';

let program: Program;

beforeAll(async () => {
  program = await startProgram();
});
afterAll(async () => {
  await program.stop();
});

it('ten calls at once all complete with an outcome', async () => {
  const calls = await Promise.all(
    Array.from({ length: 10 }, (_, i) =>
      callAndWait(program, { to: `+1500555012${i}`, variables: { patient_name: `Patient ${i}` } }),
    ),
  );
  expect(calls.map((call) => call.status)).toEqual(Array.from({ length: 10 }, () => 'completed'));
  expect(new Set(calls.map((call) => call.id)).size).toBe(10);
  for (const call of calls) {
    expect(call.outcome, call.transcript ?? 'no transcript').toMatchObject({
      outcome: 'confirmed',
    });
    expect(call.turns.filter((turn) => turn.speaker === 'caller').length).toBeGreaterThanOrEqual(2);
  }
}, 240_000);
