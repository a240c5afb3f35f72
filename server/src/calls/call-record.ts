import * as attempts from '../db/queries/attempts.ts';
import * as calls from '../db/queries/calls.ts';
import type { Queryable } from '../db/queries/queryable.ts';
import * as turns from '../db/queries/turns.ts';
import { addDoNotCall } from '../compliance/do-not-call.ts';
import { asksNotToBeCalled } from '../compliance/do-not-call-wish.ts';
import type { TransactionClient } from '../db/database.ts';
import type { CallEvent, CallEventDraft } from '../events/call-event.ts';
import { appendCallEvent } from '../events/event-log.ts';
import { newId } from '../shared/ids.ts';
import type { DialogSnapshot } from '../sip/leg.ts';
import type { CallReport, TurnRecord } from '../voice/worker-protocol.ts';
import type { AnsweringReport } from '../voice/answered/answering-report.ts';
import { answeringDocument, finalAnswer } from './answering-record.ts';
import { zeroCost } from './call-cost.ts';
import type { CallContext } from './call-context.ts';
import type { CallEnd } from './call-end.ts';
import type { CallStatus } from './call-status.ts';
import { isOver } from './call-status-fsm.ts';
import { recordStatus, type RecordedStatus } from './record-status.ts';
import { isPassingFailure, retryWrite } from './retry-write.ts';

/** Writes that may wait for a database that is away; beyond it events of the talk are dropped. */
const PENDING_CAPACITY = 2_000;

/** Ends what is stored of a call. */
export interface RecordedEnd {
  end: CallEnd;
  atMs: number;
  answered: boolean;
  /** From the answer to the end; 0 where there was none. */
  durationMs: number;
  /** Of an answered call: what its media left. */
  report: CallReport | null;
  attempt: { id: string; reasonHeader: string | null } | null;
  recordingKey: string | null;
  firstAgentAudioAtMs: number | null;
}

/**
 * What is stored of one live call, written in the order in which it happened, each write repeated
 * until the database takes it, each event published after its commit.
 */
export class CallRecord {
  readonly #ctx: CallContext;
  readonly #callId: string;
  readonly #workspaceId: string;
  readonly #farNumber: string;
  readonly #isOutbound: boolean;
  readonly #turnSequences = new Map<string, number>();
  #tail: Promise<void> = Promise.resolve();
  #pendingCount = 0;
  #droppedCount = 0;
  #isVoicemail = false;
  #answering: AnsweringReport | null = null;

  constructor(
    ctx: CallContext,
    call: Pick<calls.CallRow, 'id' | 'workspaceId' | 'direction' | 'fromNumber' | 'toNumber'>,
  ) {
    this.#ctx = ctx;
    this.#callId = call.id;
    this.#workspaceId = call.workspaceId;
    this.#isOutbound = call.direction === 'outbound';
    this.#farNumber = call.direction === 'outbound' ? call.toNumber : call.fromNumber;
  }

  /** Resolves when everything that was asked for has been stored or given up. */
  settled(): Promise<void> {
    return this.#tail;
  }

  /** Events of the talk that were lost because the database was away for too long. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** A status on the way; the attempt's dialog is stored with it. */
  status(
    to: CallStatus,
    patch: calls.CallPatch,
    attempt: { id: string; dialog: DialogSnapshot; answered: boolean } | null,
  ): void {
    this.#write(async (client) => {
      if (attempt) await attempts.setDialog(client, attempt.id, attempt.dialog, attempt.answered);
      const recorded = await recordStatus(client, this.#callId, to, patch);
      return recorded?.events ?? [];
    });
  }

  /** The dialog as it is now, so that another process can end it. */
  dialog(attemptId: string, dialog: DialogSnapshot): void {
    this.#statement(async (client) => {
      await attempts.setDialog(client, attemptId, dialog);
      return [];
    });
  }

  /** What was learned about the caller. */
  variables(values: Record<string, unknown>): void {
    this.#statement(async (client) => {
      await calls.update(client, this.#callId, { variables: values });
      return [];
    });
  }

  /** A fact of the talk. */
  event(draft: CallEventDraft): void {
    if (this.#isFull()) return;
    this.#statement(async (client) => [await appendCallEvent(client, this.#callId, draft)]);
  }

  /** A fact for those who watch now; not stored. */
  live(draft: CallEventDraft): void {
    this.#ctx.feed.publish({
      ...draft,
      workspaceId: this.#workspaceId,
      callId: this.#callId,
      sequence: null,
      atMs: this.#ctx.clock.now(),
    });
  }

  /** The person wants no more calls: from now on no INVITE leaves for the number. */
  doNotCall(): void {
    this.#write(async (client) => {
      await this.#listDoNotCall(client);
      return [];
    });
  }

  /** A machine took an outbound call: told at once, and for good. */
  voicemail(): void {
    if (this.#isVoicemail || !this.#isOutbound) return;
    this.#isVoicemail = true;
    this.#statement(async (client) => {
      await calls.update(client, this.#callId, { answeredBy: 'voicemail' });
      return [];
    });
  }

  /** Who answered, or more of what was done about it. */
  answering(report: AnsweringReport): void {
    if (!this.#isOutbound) return;
    this.#answering = report;
    // Nothing is known: what was said in the whole call may tell it at its end.
    if (report.answeredBy === 'unknown') return;
    const answeredBy = this.#isVoicemail ? 'voicemail' : report.answeredBy;
    this.#statement(async (client) => {
      const answering = answeringDocument(report);
      await calls.update(client, this.#callId, { answeredBy, answering });
      return [];
    });
  }

  /** A turn that is over. It is stored at once: the process may die before the call ends. */
  turn(turn: TurnRecord): void {
    if (this.#isFull()) return;
    const rows = this.#rowsOf([turn]);
    if (rows.length === 0) return;
    this.#write(async (client) => {
      await turns.insertMany(client, rows);
      return [await appendCallEvent(client, this.#callId, turnEvent(turn))];
    });
  }

  /** Stores the end, once; resolves when it is stored. */
  async end(ended: RecordedEnd): Promise<void> {
    const rows = this.#rowsOf(ended.report?.turns ?? []);
    this.#write(
      (client) => this.#storeEnd(client, ended, rows),
      // Whatever made it unstorable came from outside: the call must end all the same.
      (client) => this.#storeEnd(client, withoutForeignText(ended), []),
    );
    await this.#tail;
  }

  async #storeEnd(
    client: TransactionClient,
    ended: RecordedEnd,
    rows: turns.TurnRow[],
  ): Promise<CallEvent[]> {
    const { end } = ended;
    const at = new Date(ended.atMs);
    const reason = {
      endReason: end.endReason,
      endedBy: end.endedBy,
      sipCode: end.sipCode,
      sipReason: end.sipReason,
    };
    if (ended.attempt) {
      await attempts.finish(client, ended.attempt.id, ended.answered ? 'done' : 'failed', {
        sipCode: end.sipCode,
        sipReason: end.sipReason,
        reasonHeader: ended.attempt.reasonHeader,
      });
    }
    const recorded = ended.answered
      ? await recordStatus(client, this.#callId, 'call-disconnected', {
          ...reason,
          disconnectedAt: at,
          durationMs: Math.round(ended.durationMs),
          ...reportPatch(ended),
          ...this.#answererPatch(ended.report),
        })
      : await recordStatus(client, this.#callId, end.status, {
          ...reason,
          endedAt: at,
          cost: zeroCost(),
        });
    const stored = recorded ?? (await this.#forceEnd(client, ended));
    // Somebody else has ended it: this node was taken for dead, or the API was faster.
    if (!stored) return [];
    await turns.insertMany(client, rows);
    // Somebody who said so and hung up at once may have cut the note short.
    if (asksNotToBeCalled(ended.report?.outcome ?? {})) await this.#listDoNotCall(client);
    if (ended.answered) {
      await this.#ctx.jobs.send('call.post', { callId: this.#callId }, { client });
    }
    return stored.events;
  }

  /** A call that came in was answered by us: nothing is to be told of it. */
  #answererPatch(report: CallReport | null): calls.CallPatch {
    if (!this.#isOutbound) return {};
    const final = finalAnswer(this.#answering, this.#isVoicemail, report);
    if (final === null) return {};
    const { answeredBy, answering } = final;
    return { answeredBy, ...(answering !== null && { answering }) };
  }

  async #listDoNotCall(client: TransactionClient): Promise<void> {
    await addDoNotCall(client, {
      workspaceId: this.#workspaceId,
      number: this.#farNumber,
      source: 'call',
      callId: this.#callId,
      at: new Date(this.#ctx.clock.now()),
    });
  }

  /**
   * The end of a call that is ours and stands where that end cannot follow: it must not stay live
   * for as long as this node lives. Null when it had ended.
   */
  async #forceEnd(client: TransactionClient, ended: RecordedEnd): Promise<RecordedStatus | null> {
    const call = await calls.get(client, this.#callId);
    if (!call || isOver(call.status) || call.nodeId !== this.#ctx.nodeId) return null;
    const { end } = ended;
    this.#ctx.logger.error(
      { callId: call.id, status: call.status, end },
      'a call cannot end as it did from where it stands; it is stored as an error',
    );
    return recordStatus(client, call.id, 'error', {
      endReason: 'platform-error',
      endedBy: 'system',
      sipCode: end.sipCode,
      sipReason: end.sipReason,
      endedAt: new Date(ended.atMs),
      ...(ended.answered
        ? { disconnectedAt: new Date(ended.atMs), durationMs: Math.round(ended.durationMs) }
        : { cost: zeroCost() }),
    });
  }

  #rowsOf(records: readonly TurnRecord[]): turns.TurnRow[] {
    const rows: turns.TurnRow[] = [];
    for (const turn of records) {
      if (this.#turnSequences.has(turn.id)) continue;
      const sequence = this.#turnSequences.size + 1;
      this.#turnSequences.set(turn.id, sequence);
      rows.push({
        // The voice worker's ids need be unique within a call only.
        id: newId('turn', this.#ctx.clock.now()),
        workspaceId: this.#workspaceId,
        callId: this.#callId,
        sequence,
        speaker: turn.speaker,
        text: turn.text,
        startedMs: turn.startedMs,
        endedMs: turn.endedMs,
        interrupted: turn.interrupted,
        confidence: turn.confidence,
        latency: turn.latency,
        evidence: turn.evidence ?? null,
      });
    }
    return rows;
  }

  #isFull(): boolean {
    if (this.#pendingCount < PENDING_CAPACITY) return false;
    this.#droppedCount++;
    return true;
  }

  /** @param instead what is written where the database will never take `fn`. */
  /** One statement is its own transaction: it needs no round trips to begin and to end one. */
  #statement(fn: (client: Queryable) => Promise<CallEvent[]>): void {
    this.#enqueue(() => fn(this.#ctx.db.pool));
  }

  #write(
    fn: (client: TransactionClient) => Promise<CallEvent[]>,
    instead?: (client: TransactionClient) => Promise<CallEvent[]>,
  ): void {
    const { db } = this.#ctx;
    this.#enqueue(() => db.transaction(fn), instead && (() => db.transaction(instead)));
  }

  #enqueue(run: () => Promise<CallEvent[]>, instead?: () => Promise<CallEvent[]>): void {
    const { feed, clock, logger, closing: signal } = this.#ctx;
    const write = (how: typeof run): Promise<CallEvent[]> =>
      retryWrite({ clock, logger, signal }, how);
    this.#pendingCount++;
    this.#tail = this.#tail
      .then(() => write(run))
      .catch((error: unknown) => {
        if (!instead || isPassingFailure(error)) throw error;
        logger.error({ err: error, callId: this.#callId }, 'stored with less than is known');
        return write(instead);
      })
      .then((events) => {
        for (const event of events) feed.publish(event);
      })
      .catch((error: unknown) =>
        logger.error({ err: error, callId: this.#callId }, 'a fact about a call was not stored'),
      )
      .finally(() => {
        this.#pendingCount--;
      });
  }
}

/** The end with nothing in it that was not made here. */
function withoutForeignText(ended: RecordedEnd): RecordedEnd {
  return {
    ...ended,
    end: { ...ended.end, sipReason: null },
    report: null,
    attempt: ended.attempt && { ...ended.attempt, reasonHeader: null },
  };
}

function reportPatch(ended: RecordedEnd): calls.CallPatch {
  const { report, recordingKey, firstAgentAudioAtMs } = ended;
  const firstAgentAudioAt = firstAgentAudioAtMs === null ? null : new Date(firstAgentAudioAtMs);
  if (!report) return { firstAgentAudioAt };
  return {
    firstAgentAudioAt,
    outcome: report.outcome,
    media: report.media,
    usage: report.usage,
    ...(report.recordingPath !== null && {
      recordingKey,
      recordingDurationMs: Math.round(report.recordingDurationMs),
    }),
  };
}

function turnEvent(turn: TurnRecord): CallEventDraft {
  return {
    type: 'call.turn',
    data: {
      id: turn.id,
      speaker: turn.speaker,
      text: turn.text,
      started_ms: turn.startedMs,
      ended_ms: turn.endedMs,
      interrupted: turn.interrupted,
      confidence: turn.confidence,
      latency: turn.latency && {
        total_ms: turn.latency.totalMs,
        endpointing_ms: turn.latency.endpointingMs,
        stt_ms: turn.latency.sttMs,
        llm_ms: turn.latency.llmMs,
        tts_ms: turn.latency.ttsMs,
      },
    },
  };
}
