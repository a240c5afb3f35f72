/**
 * Set-up time of calls: `node bench/src/setup.ts`. Outbound from POST /v1/calls to the INVITE at
 * the carrier and on to the agent's first audio; inbound from the carrier's INVITE.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentConfigInput } from '../../server/src/agents/agent-config.ts';
import type { PhoneReport } from './farm/farm-protocol.ts';
import { askingAgent, stubAgent } from './harness/agents.ts';
import { startBenchSession, type BenchSession } from './harness/bench-session.ts';
import { runBenchmark, type Benchmark, type BenchOutput } from './harness/benchmark.ts';
import { watchLoad } from './harness/load-watch.ts';
import { rounded } from './harness/quantile.ts';

const CALLS = 100;
const EVERY_MS = 100;
const OVER_TIMEOUT_MS = 20_000;
const AGENTS: readonly { name: string; agent: AgentConfigInput }[] = [
  { name: 'stubs', agent: stubAgent },
  { name: 'embedded speech', agent: askingAgent },
];

export const setup: Benchmark = {
  name: 'setup',
  title: `set-up over ${CALLS} calls at ${1000 / EVERY_MS} a second, milliseconds`,
  async run(output) {
    const session = await startBenchSession();
    try {
      for (const { name, agent } of AGENTS) {
        const agentId = await session.createAgent(agent);
        await warmUp(session, agentId);
        await outbound(session, name, agentId, output);
        await inbound(session, name, agentId, output);
      }
    } finally {
      await session.close();
    }
    output.note('The phone answers at once; outbound INVITE to 200 is the phone’s own time.');
    output.note(
      'Outbound, the greeting is made before the INVITE leaves; 120 ms of it is the stub voice.',
    );
  },
};

async function warmUp(session: BenchSession, agentId: string): Promise<void> {
  await session.farm.plan({ behaviour: 'hear-and-hang-up' });
  await session.placeCalls(agentId, 2);
  await finish(session);
}

async function outbound(
  session: BenchSession,
  name: string,
  agentId: string,
  output: BenchOutput,
): Promise<void> {
  const load = await watchLoad(session.program.pid, session.farm);
  const placed = await session.placeCalls(agentId, CALLS, EVERY_MS);
  const reports = await finish(session);
  const used = await load();
  const posted = new Map(placed.map((call) => [call.number, call]));
  const spans = reports.map((report) => ({
    ...fromInvite(report),
    post: span(posted.get(report.number)?.postedAtMs, posted.get(report.number)?.acceptedAtMs),
    invite: span(posted.get(report.number)?.postedAtMs, report.inviteAtMs),
  }));
  output.row({ scenario: `outbound, ${name}`, calls: CALLS, ...columns(spans, reports) }, used);
}

async function inbound(
  session: BenchSession,
  name: string,
  agentId: string,
  output: BenchOutput,
): Promise<void> {
  const { farm, program } = session;
  const number = await session.numberFor(agentId);
  const load = await watchLoad(program.pid, farm);
  const dialling: Promise<{ status: number }>[] = [];
  for (let n = 0; n < CALLS; n++) {
    const from = `+1415557${String(n).padStart(4, '0')}`;
    dialling.push(farm.dial({ number, from, sipPort: program.sipPort }));
    await sleep(EVERY_MS);
  }
  const statuses = await Promise.all(dialling);
  const refused = statuses.filter(({ status }) => status !== 200).length;
  if (refused > 0) output.note(`inbound, ${name}: ${refused} of ${CALLS} calls were refused.`);
  const reports = await finish(session);
  const used = await load();
  const spans = reports.map((report) => ({ ...fromInvite(report), post: null, invite: null }));
  output.row({ scenario: `inbound, ${name}`, calls: CALLS, ...columns(spans, reports) }, used);
}

/** Waits until every phone has heard its agent and hung up. */
async function finish(session: BenchSession): Promise<PhoneReport[]> {
  await session.farm.until(({ up }) => up === 0, OVER_TIMEOUT_MS);
  const reports = await session.farm.hangUpAll();
  await session.settle();
  return reports;
}

type Spans = Record<'post' | 'invite' | 'answer' | 'packet' | 'audio' | 'all', number | null>;

function fromInvite(report: PhoneReport): Omit<Spans, 'post' | 'invite'> {
  return {
    answer: span(report.inviteAtMs, report.answeredAtMs),
    packet: span(report.answeredAtMs, report.firstPacketAtMs),
    audio: span(report.answeredAtMs, report.firstAudibleAtMs),
    all: span(report.inviteAtMs, report.firstAudibleAtMs),
  };
}

function span(fromMs: number | null | undefined, toMs: number | null | undefined): number | null {
  return typeof fromMs === 'number' && typeof toMs === 'number' ? toMs - fromMs : null;
}

function columns(
  spans: readonly Spans[],
  reports: readonly PhoneReport[],
): Record<string, number | string | null> {
  const both = (key: keyof Spans): string | null => {
    const values = spans.flatMap((one) => one[key] ?? []);
    if (values.length === 0) return null;
    return `${rounded(values, 0.5, 1)} / ${rounded(values, 0.99, 1)}`;
  };
  return {
    'heard agent': reports.filter((report) => report.firstAudibleAtMs !== null).length,
    'POST answered p50/p99': both('post'),
    'POST to INVITE': both('invite'),
    'INVITE to 200': both('answer'),
    '200 to packet': both('packet'),
    '200 to audio': both('audio'),
    'INVITE to audio': both('all'),
  };
}

if (import.meta.main) await runBenchmark(setup);
