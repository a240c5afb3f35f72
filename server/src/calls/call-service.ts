import * as attempts from '../db/queries/attempts.ts';
import * as calls from '../db/queries/calls.ts';
import * as numbers from '../db/queries/numbers.ts';
import * as trunks from '../db/queries/trunks.ts';
import * as turns from '../db/queries/turns.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import type { Page, PageRequest } from '../db/queries/row.ts';
import type { TracedMessage } from '../db/queries/sip-traces.ts';
import type { JobQueue } from '../jobs/job-queue.ts';
import type { TimerHandle } from '../shared/clock.ts';
import type { InboundLeg } from '../sip/leg.ts';
import { InboundGuard } from '../trunks/inbound-guard.ts';
import type { VoiceCallHandle } from '../voice/voice-pool.ts';
import { AdmissionError } from './admission-error.ts';
import type { CallRequest } from './admission.ts';
import type { CallContext } from './call-context.ts';
import type { CallEndCause } from './call-end.ts';
import { CallSlots } from './call-slots.ts';
import { CallCounter, type CallCount } from './count-calls.ts';
import { DialHere } from './dial-here.ts';
import { dialCall } from './dialler.ts';
import {
  cancelCall,
  cancelQueuedOfAgent,
  hangupCall,
  type CancelResult,
  type HangupResult,
} from './hangup.ts';
import { answerInbound } from './inbound.ts';
import { calledNumber } from './inbound-target.ts';
import { registerNode } from './node-registry.ts';
import { placeCall, type PlacedCall } from './place-call.ts';
import { NODE_LEASE_MS, startReaper } from './reaper.ts';
import { SipTrace } from './sip-trace.ts';
import { listenForStops } from './stop-signals.ts';
import { answerAgent } from './transfer/answer-agent.ts';
import { takeRefer } from './transfer/take-refer.ts';
import type { LiveCall } from './live-call.ts';
import { releaseParked } from './waiting-line.ts';

/** How soon a change of a trunk's addresses is known to the answerer. */
const SOURCES_PERIOD_MS = 2_000;
/** Time that live calls get to be hung up, with their ends stored, when the program ends. */
const HANGUP_LIMIT_MS = 5_000;
/** Where the program has no language model of its own. */
export const NO_LLM = { openaiBaseUrl: 'https://api.openai.com/v1', openaiApiKey: null };
/** Jobs that are at once made ready for dialling. */
const DIAL_CONCURRENCY = 20;

type OptionalPart = 'guardrails' | 'safeFetch' | 'llm';

export interface CallServiceOptions
  extends
    Omit<
      CallContext,
      | 'slots'
      | 'sipTrace'
      | 'live'
      | 'dialling'
      | 'dialPlace'
      | 'askedByAgent'
      | 'referred'
      | 'linesUntilMs'
      | 'placeFree'
      | 'closing'
      | 'jobs'
      | 'nodeId'
      | OptionalPart
    >,
    Partial<Pick<CallContext, OptionalPart>> {
  /** New with every start of the process. */
  nodeId: string;
  jobs: Pick<JobQueue, 'send' | 'work' | 'createQueue' | 'remove'>;
  /** Calls at once on this node. */
  maxCalls: number;
  /** A node not seen for so long is dead. Default 15,000. */
  leaseMs?: number;
  /** Whether this node dials and answers (role `voice`). Default true. */
  carriesCalls?: boolean;
}

/** A call with what was stored around it. */
export interface CallDetails {
  call: calls.CallRow;
  turns: turns.TurnRow[];
  attempts: attempts.AttemptRow[];
}

/** The life of calls, from admission to the line being free again. */
export interface CallService {
  readonly liveCount: number;
  readonly draining: boolean;
  /** @throws AdmissionError */
  place(request: CallRequest): Promise<PlacedCall>;
  get(workspaceId: string, callId: string): Promise<CallDetails | null>;
  list(
    workspaceId: string,
    filter?: calls.CallFilter,
    page?: PageRequest,
  ): Promise<Page<calls.CallRow>>;
  /** How many calls a filter finds: exact up to 10,000, an estimate above. */
  count(client: Queryable, workspaceId: string, filter?: calls.CallFilter): Promise<CallCount>;
  /** `cause`: why, where this node has the call. Default: somebody asked for it. */
  hangup(workspaceId: string, callId: string, cause?: CallEndCause): Promise<HangupResult>;
  /** Like `hangup`, for calls that were not dialled yet only. */
  cancel(workspaceId: string, callId: string): Promise<CancelResult>;
  /** Cancels every call of an agent that was not dialled yet; their ids. */
  stopQueuedOfAgent(workspaceId: string, agentId: string): Promise<string[]>;
  /** SIP messages of a call that runs on this node, or has just ended; null: none does. */
  sipTraceOf(callId: string): readonly TracedMessage[] | null;
  /** The audio of a call that runs on this node. */
  voiceOf(callId: string): VoiceCallHandle | null;
  /** A call that runs on this node. */
  liveOf(callId: string): LiveCall | null;
  /** Reads the trunks' addresses anew, at once instead of within two seconds. */
  refreshTrunks(): Promise<void>;
  /** Takes no new calls; resolves when none is live, or all were hung up after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
  /** Hangs up what lives and stops. Idempotent. */
  close(): Promise<void>;
}

/** Registers the node, settles what dead ones left, and begins to dial and to answer. */
export async function startCalls(options: CallServiceOptions): Promise<CallService> {
  const closing = new AbortController();
  const ctx: CallContext = {
    guardrails: null,
    safeFetch: null,
    llm: NO_LLM,
    ...options,
    dialling: new Map(),
    dialPlace: () => dialHere.place(),
    referred: (live, request) => takeRefer({ ...ctx, calls: service }, live.plan, request),
    askedByAgent: (live, request) => answerAgent({ ...ctx, calls: service }, live, request),
    linesUntilMs: new Map(),
    placeFree,
    slots: new CallSlots(options.maxCalls),
    sipTrace: new SipTrace(options),
    live: new Map(),
    closing: closing.signal,
  };
  const { db, clock, logger, ua } = options;
  const counter = new CallCounter(clock);
  const carriesCalls = options.carriesCalls ?? true;
  const guard = new InboundGuard(ctx);
  let sourcesTimer: TimerHandle | null = null;
  const draining = new AbortController();
  let closed: Promise<void> | null = null;

  /** Saves the way through the queue. Should it come to nothing, the job is there. */
  const dialHere = new DialHere({
    jobs: options.jobs,
    logger,
    freeCount: () =>
      !carriesCalls || draining.signal.aborted
        ? 0
        : Math.min(options.maxCalls - ctx.slots.usedCount, DIAL_CONCURRENCY - ctx.dialling.size),
    dial: (known) => dialCall(ctx, known.call.id, draining.signal, known),
  });

  let releasing = false;
  function placeFree(): void {
    if (releasing || closing.signal.aborted) return;
    releasing = true;
    releaseParked(ctx)
      .catch((error: unknown) => logger.warn({ err: error }, 'calls in line were not released'))
      .finally(() => (releasing = false));
  }

  async function refreshTrunks(): Promise<void> {
    const known = await trunks.listAll(db.pool);
    const asking = known.filter(({ inboundAuthUsername }) => inboundAuthUsername !== null);
    const ids = asking.map(({ id }) => id);
    await guard.refresh(known, await numbers.listInboundOf(db.pool, ids));
  }

  function keepSourcesFresh(): void {
    sourcesTimer = clock.setTimer(SOURCES_PERIOD_MS, () => {
      void refreshTrunks()
        // The list of before stays in force while the database is away.
        .catch((error: unknown) => logger.warn({ err: error }, 'trunk addresses not refreshed'))
        .finally(() => {
          if (!closing.signal.aborted) keepSourcesFresh();
        });
    });
  }

  async function stopAll(): Promise<void> {
    const limit = new AbortController();
    const stopped = [...ctx.live.values()].map((live) => live.stop({ type: 'shutdown' }));
    await Promise.race([
      Promise.all(stopped),
      clock.sleep(HANGUP_LIMIT_MS, limit.signal).catch(() => undefined),
    ]);
    limit.abort();
  }

  const node = await registerNode(
    { client: db.pool, nodeId: ctx.nodeId, clock, logger },
    async () => {
      await Promise.all([...ctx.live.values()].map((live) => live.stop({ type: 'node-lost' })));
    },
  );
  const reaper = startReaper(ctx, options.leaseMs ?? NODE_LEASE_MS);
  await reaper.sweep();
  const stops = await listenForStops(
    { pool: db.pool, nodeId: ctx.nodeId, clock, logger },
    (callId) => void ctx.live.get(callId)?.stop({ type: 'api-stop' }),
  );
  let stopWorking = (): Promise<void> => Promise.resolve();
  let stopAnswering = (): void => undefined;
  // Whoever takes calls in needs the queue, also where another node dials.
  // A job waits in the queue as long as all slots are taken, however often it is delivered.
  await options.jobs.createQueue('call.dial', { expireInSeconds: 120, retryLimit: 100_000 });
  if (carriesCalls) {
    await refreshTrunks();
    keepSourcesFresh();
    // Unknown sources get no answer at all, whatever they ask.
    ua.onTraffic = ctx.sipTrace.see;
    ua.screen = (request, source) => guard.screen(request, source, calledNumber(request));
    ua.forcesRport = (request, source) => guard.forcesRport(source, calledNumber(request));
    stopAnswering = ua.events.on('invite', (leg) => {
      const verdict = guard.judge(leg.request, leg.source, calledNumber(leg.request));
      if (verdict.type === 'known') void answerInbound(ctx, leg, verdict.trunkIds);
      else if (verdict.type === 'challenge') challenge(leg, verdict.challenges);
      // A trunk was taken away since the request was let in.
      else leg.reject(403, 'Forbidden');
    });
    stopWorking = await options.jobs.work(
      'call.dial',
      { concurrency: Math.min(DIAL_CONCURRENCY, options.maxCalls) },
      // A job that waits for a slot must not hold the draining up.
      (job, signal) => dialCall(ctx, job.data.callId, AbortSignal.any([signal, draining.signal])),
    );
  }

  async function stopTaking(): Promise<void> {
    draining.abort(new Error('this node takes no new calls'));
    ua.draining = true;
    await stopWorking();
    stopWorking = () => Promise.resolve();
  }

  const service: CallService = {
    get liveCount() {
      return ctx.live.size;
    },
    get draining() {
      return draining.signal.aborted;
    },
    place(request) {
      if (draining.signal.aborted) {
        return Promise.reject(
          new AdmissionError('draining', 'this node is shutting down and takes no new calls'),
        );
      }
      return placeCall(ctx, request);
    },
    async get(workspaceId, callId) {
      const call = await calls.get(db.pool, callId, workspaceId);
      if (!call) return null;
      return {
        call,
        turns: await turns.listByCall(db.pool, callId),
        attempts: await attempts.listByCall(db.pool, callId),
      };
    },
    list: (workspaceId, filter, page) => calls.list(db.pool, workspaceId, filter, page),
    count: (client, workspaceId, filter) => counter.count(client, workspaceId, filter),
    hangup: (workspaceId, callId, cause) => hangupCall(ctx, workspaceId, callId, cause),
    cancel: (workspaceId, callId) => cancelCall(ctx, workspaceId, callId),
    stopQueuedOfAgent: (workspaceId, agentId) => cancelQueuedOfAgent(ctx, workspaceId, agentId),
    sipTraceOf: (callId) => ctx.sipTrace.live(callId),
    voiceOf: (callId) => ctx.live.get(callId)?.voice ?? null,
    liveOf: (callId) => ctx.live.get(callId) ?? null,
    refreshTrunks,
    async drain(timeoutMs) {
      await stopTaking();
      const limit = new AbortController();
      const allDone = Promise.all([...ctx.live.values()].map((live) => live.done));
      await Promise.race([allDone, clock.sleep(timeoutMs, limit.signal).catch(() => undefined)]);
      limit.abort();
      await stopAll();
    },
    close() {
      closed ??= (async () => {
        await stopTaking();
        await stopAll();
        stopAnswering();
        closing.abort(new Error('the program ends'));
        sourcesTimer?.cancel();
        await stops.close();
        await reaper.close();
        await ctx.sipTrace.close();
        await node.close();
      })();
      return closed;
    },
  };
  return service;
}

/** RFC 3261 §22.1. */
function challenge(leg: InboundLeg, challenges: readonly string[]): void {
  const headers = challenges.map((value) => ({ name: 'WWW-Authenticate', value }));
  leg.reject(401, 'Unauthorized', headers);
}
