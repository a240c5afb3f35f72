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
  const confirmed = calls.filter(({ outcome }) => outcome?.['outcome'] === 'confirmed');
  for (const [i, call] of calls.entries()) {
    expect(call.outcome, call.transcript ?? 'no transcript').toMatchObject({
      outcome: expect.any(String),
    });
    // Each agent speaks with its own patient.
    const greeting = call.turns.find(({ speaker }) => speaker === 'agent')?.text;
    expect(greeting).toContain(`Patient ${i}`);
  }
  for (const call of confirmed) {
    expect(call.turns.filter((turn) => turn.speaker === 'caller').length).toBeGreaterThanOrEqual(1);
  }
  // Twenty recognisers at once: on a machine that is busy with other things the people at the phones
  // do not understand every question in time, and hang up.
  const transcripts = calls.map(({ transcript }) => transcript).join('\n\n');
  expect(confirmed.length, transcripts).toBeGreaterThanOrEqual(calls.length / 2);
});
