import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { finalCall, startProgram, type Program } from './harness/program.ts';

const PERSON = '+15005550101';
const BUSY = '+15005550102';
const SILENT = '+15005550111';
const PER_MINUTE = 60_000;

let program: Program;

beforeAll(async () => {
  program = await startProgram();
  await ask('PATCH', '/v1/wallet', { mode: 'prepaid' });
  await ask('POST', '/v1/rates', {
    kind: 'platform',
    unit: 'minute',
    micros_per_unit: PER_MINUTE,
  });
});
afterAll(() => program.stop());

async function ask<Body>(method: string, path: string, body?: unknown): Promise<Body> {
  const answer = await program.fetch(
    method,
    path,
    body === undefined ? {} : { body: JSON.stringify(body) },
  );
  if (answer.status >= 300) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body as Body;
}

interface WalletBody {
  balance_micros: number;
  held_micros: number;
  available_micros: number;
}
const wallet = () => ask<WalletBody>('GET', '/v1/wallet');

describe('a prepaid wallet', () => {
  it('refuses what it cannot pay with 402 and dials nobody', async () => {
    const { status, body } = await program.fetch('POST', '/v1/calls', {
      body: JSON.stringify({ to: PERSON }),
    });
    expect([status, body]).toMatchObject([402, { error: { code: 'insufficient_credit' } }]);
    expect(await ask('GET', '/v1/calls')).toMatchObject({ data: [] });
  });

  it('is charged what calls cost, no more and no less, and holds nothing afterwards', async () => {
    await ask('POST', '/v1/wallet/top-ups', { amount_micros: 5 * PER_MINUTE });
    const placed = await Promise.all(
      [PERSON, PERSON].map((to) => program.client.placeCall({ to })),
    );
    expect(await wallet()).toMatchObject({ held_micros: 2 * PER_MINUTE });
    // What it holds may be free again by the next look.
    placed.push(await program.client.placeCall({ to: BUSY }));
    const over = await Promise.all(placed.map(({ id }) => finalCall(program, id)));
    expect(over.map(({ status }) => status)).toEqual(['completed', 'completed', 'busy']);
    const cost = over.reduce((sum, call) => sum + (call.cost?.total_micros ?? 0), 0);
    expect(cost).toBeGreaterThan(0);
    expect(await wallet()).toMatchObject({
      balance_micros: 5 * PER_MINUTE - cost,
      held_micros: 0,
    });
    const entries = await ask<{ data: { account: string; amount_micros: number }[] }>(
      'GET',
      '/v1/wallet/entries?limit=200',
    );
    const sumOf = (accounts: readonly string[]): number =>
      entries.data
        .filter(({ account }) => accounts.includes(account))
        .reduce((sum, entry) => sum + entry.amount_micros, 0);
    expect(sumOf(['available', 'held', 'revenue', 'funding'])).toBe(0);
    expect(sumOf(['revenue'])).toBe(cost);
  });

  it('that runs empty in mid-call lets the agent say goodbye, then ends the call', async () => {
    const agent = await ask<{ id: string }>('POST', '/v1/agents', {
      name: 'patient',
      type: 'llm',
      llm: { provider: 'fake' },
      greeting: 'Hello, take your time.',
      goodbye: 'Your credit is used up. Goodbye.',
      silence: { prompt_after_ms: 120_000, hangup_after_ms: 600_000 },
    });
    // The whole balance is one minute.
    const { balance_micros: balance } = await wallet();
    const { data: rates } = await ask<{ data: { id: string }[] }>('GET', '/v1/rates');
    await ask('PATCH', `/v1/rates/${rates[0]?.id}`, { micros_per_unit: balance });
    const { id } = await program.client.placeCall({ to: SILENT, agent_id: agent.id });
    expect(await wallet()).toMatchObject({ available_micros: 0 });
    const call = await finalCall(program, id);
    expect(call).toMatchObject({
      status: 'completed',
      end_reason: 'credit-exhausted',
      ended_by: 'system',
    });
    expect(call.turns.at(-1)).toMatchObject({
      speaker: 'agent',
      text: 'Your credit is used up. Goodbye.',
      interrupted: false,
    });
    const cost = call.cost?.total_micros ?? 0;
    expect(cost).toBeGreaterThan(balance / 2);
    expect(await wallet()).toMatchObject({ balance_micros: balance - cost, held_micros: 0 });
    expect(balance - cost).toBeGreaterThanOrEqual(0);
  });
});
