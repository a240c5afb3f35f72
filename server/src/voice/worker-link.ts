import { MessageChannel, type Transferable, type Worker } from 'node:worker_threads';
import { speechPortList, type SpeechPorts } from '../providers/local/speech-ports.ts';
import { NO_RTP_STATS } from '../rtp/no-rtp-stats.ts';
import type { Logger } from '../shared/logger.ts';
import { RpcEndpoint } from '../shared/worker-rpc.ts';
import type { AgentAnswer, AgentRequest, AskHost } from './agent-request.ts';
import type { VoiceCallHandle } from './voice-call-handle.ts';
import type { VoiceWorkerData } from './voice-worker-data.ts';
import type {
  CallReport,
  OpenCall,
  SeatState,
  TurnRecord,
  VoiceCallEvent,
  VoiceHostProcedures,
  VoiceWorkerProcedures,
  VoiceWorkerStats,
} from './worker-protocol.ts';

export interface WorkerLinkOptions {
  rtp: VoiceWorkerData['rtp'];
  /** Fresh ports to the embedded speech, asked for at each start of a worker; null: there is none. */
  connectSpeech: (() => SpeechPorts) | null;
  llm: VoiceWorkerData['llm'];
  /** How the worker logs. */
  workerLog: VoiceWorkerData['log'];
  logger: Logger;
  startWorker: (workerData: VoiceWorkerData, transferList: Transferable[]) => Worker;
  /** The worker that mixes a room. Default: this one does. */
  hostOf?: (roomId: string) => WorkerLink | undefined;
}

type HostEndpoint = RpcEndpoint<VoiceHostProcedures, VoiceWorkerProcedures>;

interface LiveCall {
  onEvent: (event: VoiceCallEvent) => void;
  onRequest: AskHost;
  turns: TurnRecord[];
  firstAgentAudioAtMs: number | null;
  recordingPath: string | null;
  /** The room that the line is in, or is being taken to. */
  roomId: string | null;
  /** The other worker that mixes it; null: this one. */
  host: WorkerLink | null;
  /** The room that it is in for certain. */
  settledRoomId: string | null;
  entering: Promise<void>;
}

/** Restarts in a row without one successful answer before a worker is given up. */
const MAX_FAILED_STARTS = 5;

/** One worker thread: started, restarted when it dies, and its calls told of it. */
export class WorkerLink {
  readonly #options: WorkerLinkOptions;
  readonly #calls = new Map<string, LiveCall>();
  /** Calls of other workers that are in a room of this one. */
  readonly #guests = new Map<LiveCall, string>();
  #worker: Worker;
  #rpc: HostEndpoint;
  #ready: Promise<void>;
  #failedStarts = 0;
  #closed = false;

  constructor(options: WorkerLinkOptions) {
    this.#options = options;
    [this.#worker, this.#rpc, this.#ready] = this.#start();
  }

  get liveCount(): number {
    return this.#calls.size;
  }

  /** Whether a call of this room is here: all of a room must be on one thread. */
  hasRoom(roomId: string): boolean {
    for (const call of this.#calls.values()) {
      if (call.roomId === roomId && call.host === null) return true;
    }
    return [...this.#guests.values()].includes(roomId);
  }

  /** Whether it is worth asking for a call. */
  get usable(): boolean {
    return !this.#closed && this.#failedStarts <= MAX_FAILED_STARTS;
  }

  /** Resolves when the worker answers; rejects when it cannot start. */
  async ready(): Promise<void> {
    await this.#ready;
  }

  async open(
    call: OpenCall,
    onEvent: (event: VoiceCallEvent) => void,
    onRequest: AskHost = refuseRequest,
  ): Promise<VoiceCallHandle> {
    const { callId } = call;
    if (this.#calls.has(callId)) throw new Error(`call ${callId} is open already`);
    const live: LiveCall = {
      onEvent,
      onRequest,
      turns: [],
      firstAgentAudioAtMs: null,
      recordingPath: call.recordingPath,
      roomId: call.room?.id ?? null,
      host: null,
      settledRoomId: call.room?.id ?? null,
      entering: Promise.resolve(),
    };
    // The endpoint of this call: after a crash the new worker knows nothing of it.
    const rpc = this.#rpc;
    this.#calls.set(callId, live);
    try {
      const { rtpPort } = await rpc.call('open', call);
      return this.#handle(callId, rtpPort, live, rpc);
    } catch (error) {
      this.#forget(callId, live);
      throw error;
    }
  }

  stats(): Promise<VoiceWorkerStats> {
    return this.#rpc.call('stats', {});
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#rpc.close();
    await this.#worker.terminate();
    this.#calls.clear();
  }

  #handle(callId: string, rtpPort: number, live: LiveCall, rpc: HostEndpoint): VoiceCallHandle {
    let report: Promise<CallReport> | undefined;
    return {
      callId,
      rtpPort,
      get roomId() {
        return live.settledRoomId;
      },
      media: (audio) => rpc.cast('media', { callId, audio }),
      answered: (atMs) => rpc.cast('answered', { callId, atMs }),
      finish: (text) =>
        rpc.call('finish', { callId, text }).catch((error: unknown) => {
          this.#options.logger.warn({ callId, err: error }, 'goodbye was not played out');
        }),
      sendDtmf: (digits) => rpc.call('sendDtmf', { callId, digits }),
      hearDigit: (digit, durationMs) => rpc.cast('hearDigit', { callId, digit, durationMs }),
      seat: (who, state) => rpc.cast('seat', { callId, who, state }),
      enterRoom: (roomId, state) => this.#enterRoom({ callId, live, rpc }, roomId, state),
      shareRoom: (roomId) => this.#shareRoom({ callId, live, rpc }, roomId),
      attachAgent: (agent) => rpc.call('attachAgent', { callId, ...agent }),
      dismissAgent: (transferred = false) => rpc.call('dismissAgent', { callId, transferred }),
      startTap: (tap) => (live.host?.rpc ?? rpc).call('startTap', { callId, tap }),
      stopTap: (tapId) => (live.host?.rpc ?? rpc).call('stopTap', { callId, tapId }),
      close: () => {
        report ??= rpc
          .call('close', { callId })
          .catch((error: unknown) => {
            this.#options.logger.warn({ callId, err: error }, 'call closed without its worker');
            return reportOf(live);
          })
          .finally(() => this.#forget(callId, live));
        return report;
      },
    };
  }

  /** To the worker as it runs now. */
  get rpc(): HostEndpoint {
    return this.#rpc;
  }

  async #shareRoom(
    { callId, live, rpc }: { callId: string; live: LiveCall; rpc: HostEndpoint },
    roomId: string,
  ): Promise<void> {
    if (live.roomId === roomId) return live.entering;
    if (live.roomId !== null) throw new Error('the call is in another room already');
    // At once: whoever is called into that room from now on is placed on the same worker.
    live.roomId = roomId;
    live.entering = rpc.call('shareRoom', { callId, roomId });
    try {
      await live.entering;
      live.settledRoomId = roomId;
    } catch (error) {
      live.roomId = null;
      throw error;
    }
  }

  #enterRoom(
    call: { callId: string; live: LiveCall; rpc: HostEndpoint },
    roomId: string,
    state: SeatState,
  ): Promise<void> {
    const { live } = call;
    if (live.roomId === null) return Promise.reject(new Error('the call has a room of its own'));
    if (live.roomId === roomId) return live.entering;
    const found = this.#options.hostOf?.(roomId);
    const host = found === undefined || found === this ? null : found;
    if (live.host) live.host.#guests.delete(live);
    if (host) host.#guests.set(live, roomId);
    // At once: whoever is called into that room from now on is placed on the same worker.
    live.roomId = roomId;
    live.host = host;
    live.entering = this.#sendInto(call, roomId, state).then(
      () => {
        live.settledRoomId = roomId;
      },
      (error: unknown) => {
        // The other worker has just ended; the next try goes to one that runs.
        live.roomId = live.settledRoomId;
        throw error;
      },
    );
    return live.entering;
  }

  async #sendInto(
    { callId, live, rpc }: { callId: string; live: LiveCall; rpc: HostEndpoint },
    roomId: string,
    state: SeatState,
  ): Promise<void> {
    if (!live.host) {
      await rpc.call('enterRoom', { callId, roomId, state, host: null });
      return;
    }
    const { port1: host, port2: guest } = new MessageChannel();
    const seated = live.host.rpc.call('hostGuest', { callId, roomId, guest }, [guest]);
    await Promise.all([seated, rpc.call('enterRoom', { callId, roomId, state, host }, [host])]);
  }

  #start(): [Worker, HostEndpoint, Promise<void>] {
    const speech = this.#options.connectSpeech?.() ?? null;
    const worker = this.#options.startWorker(
      {
        rtp: this.#options.rtp,
        speech,
        llm: this.#options.llm,
        log: this.#options.workerLog,
      },
      speech === null ? [] : speechPortList(speech),
    );
    const rpc: HostEndpoint = new RpcEndpoint(
      worker,
      {
        event: ({ callId, event }) => this.#onEvent(callId, event),
        ask: ({ callId, request }) => this.#onRequest(callId, request),
      },
      (name, error) => this.#options.logger.error({ name, err: error }, 'voice event failed'),
    );
    worker.on('error', (error) =>
      this.#options.logger.error({ err: error }, 'voice worker failed'),
    );
    worker.once('exit', (code) => this.#onExit(worker, rpc, code));
    const ready = this.#awaitStart(rpc);
    // Whoever needs the outcome awaits `ready()`; a restart nobody waits for must not be unhandled.
    ready.catch(() => undefined);
    return [worker, rpc, ready];
  }

  async #awaitStart(rpc: HostEndpoint): Promise<void> {
    await rpc.call('stats', {});
    this.#failedStarts = 0;
  }

  #onEvent(callId: string, event: VoiceCallEvent): void {
    const live = this.#calls.get(callId);
    if (!live) return;
    if (event.type === 'turn') live.turns.push(event.turn);
    if (event.type === 'first-agent-audio') live.firstAgentAudioAtMs = event.atMs;
    live.onEvent(event);
  }

  async #onRequest(callId: string, request: AgentRequest): Promise<AgentAnswer> {
    const live = this.#calls.get(callId);
    if (!live) throw new Error('the call is over');
    return live.onRequest(request);
  }

  #onExit(worker: Worker, rpc: HostEndpoint, code: number): void {
    rpc.close();
    if (this.#closed || worker !== this.#worker) return;
    const crashed = [...this.#calls];
    this.#calls.clear();
    this.#guests.clear();
    this.#options.logger.error({ code, calls: crashed.length }, 'voice worker ended, restarting');
    if (++this.#failedStarts <= MAX_FAILED_STARTS) {
      [this.#worker, this.#rpc, this.#ready] = this.#start();
    } else {
      this.#options.logger.error({}, 'voice worker does not start, given up');
    }
    for (const [callId, live] of crashed) {
      try {
        live.onEvent({ type: 'end-requested', reason: 'voice-worker-crashed' });
      } catch (error) {
        this.#options.logger.error({ callId, err: error }, 'voice event failed');
      }
    }
  }

  #forget(callId: string, live: LiveCall): void {
    if (this.#calls.get(callId) === live) this.#calls.delete(callId);
    if (live.host) live.host.#guests.delete(live);
  }
}

/** A call that nobody does anything for. */
function refuseRequest(): Promise<AgentAnswer> {
  return Promise.reject(new Error('nothing can be done for this call'));
}

/** What the main thread knows of a call whose worker is gone. */
function reportOf(live: LiveCall): CallReport {
  return {
    turns: live.turns,
    outcome: {},
    recordingPath: live.recordingPath,
    recordingDurationMs: 0,
    firstAgentAudioAtMs: live.firstAgentAudioAtMs,
    media: { ...NO_RTP_STATS },
    usage: { sttMs: 0, ttsCharacters: 0, llmInputTokens: 0, llmOutputTokens: 0 },
  };
}
