import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { createLocalSpeech } from '../providers/local/local-speech.ts';
import type { AgentConfig } from '../agents/agent-config.ts';
import { createGuardedFetch } from '../egress/guarded-fetch.ts';
import { createSocketGuard } from '../egress/socket-guard.ts';
import type { ProviderFailure } from '../providers/fallback/candidate-list.ts';
import { createSafeFetch } from '../egress/safe-fetch.ts';
import { createProviders, type ProviderSet } from '../providers/provider-set.ts';
import { startMediaEngine } from '../rtp/media-engine.ts';
import { workerRest } from '../rtp/thread-rest.ts';
import { systemClock } from '../shared/clock.ts';
import { createLogger } from '../shared/logger.ts';
import { setThreadPriority } from '../shared/thread-priority.ts';
import { RpcEndpoint } from '../shared/worker-rpc.ts';
import type { AgentTools } from './call-agent.ts';
import { OpeningAudio } from './opening-audio.ts';
import { GuestLine } from './guest-line.ts';
import { RemoteRoom } from './remote-room.ts';
import { RoomCall } from './room-call.ts';
import { RoomHub, type LineRoom } from './room-hub.ts';
import { VoiceCall } from './voice-call.ts';
import type { VoiceWorkerData } from './voice-worker-data.ts';
import type {
  CallReady,
  CallReport,
  CallRoom,
  OpenCall,
  VoiceHostProcedures,
  VoiceWorkerProcedures,
  VoiceWorkerStats,
} from './worker-protocol.ts';

/** Packets are due every 20 ms, whatever else the machine computes. */
const MEDIA_NICE = -10;

/** Thread entry: calls, each in its room, on one media engine. */
function serve(port: NonNullable<typeof parentPort>, data: VoiceWorkerData): void {
  const clock = systemClock;
  const logger = createLogger(data.log).child({ thread: 'voice' });
  logger.debug({ granted: setThreadPriority(MEDIA_NICE) }, 'asked for priority');
  const engine = startMediaEngine({ ...data.rtp, clock, logger, rest: workerRest });
  const speech = data.speech === null ? null : createLocalSpeech(data.speech, { clock });
  const calls = new Map<string, VoiceCall | RoomCall>();
  const hub = new RoomHub(logger);
  /** Lines of calls that other workers have. */
  const guests = new Map<string, GuestLine>();
  const openings = new OpeningAudio(clock);
  /** Packets of calls that are over. */
  const past = { packetsSent: 0, packetsReceived: 0 };
  const guardedFetch = createGuardedFetch({ allowPrivateTargets: data.llm.allowPrivateTargets });
  const socketGuard = createSocketGuard({ allowPrivateTargets: data.llm.allowPrivateTargets });

  const toolFetch = createSafeFetch({
    allowPrivateTargets: data.llm.allowPrivateTargets,
    clock,
  });

  function toolsOf(callId: string): AgentTools {
    return { fetch: toolFetch, ask: (request) => endpoint.call('ask', { callId, request }) };
  }

  function callOf(callId: string): VoiceCall | RoomCall {
    const call = calls.get(callId);
    if (!call) throw new Error(`no call ${callId} on this worker`);
    return call;
  }

  /** A call in a room that others can come into. */
  function roomCallOf(callId: string): RoomCall {
    const call = callOf(callId);
    if (call instanceof RoomCall) return call;
    throw new Error(`call ${callId} is in a room of its own`);
  }

  function providersOf(
    config: AgentConfig,
    secrets: Record<string, string>,
    guarded: boolean,
    onFailure: (failure: ProviderFailure) => void,
  ): ProviderSet {
    const providers = createProviders({
      config,
      speech,
      secrets,
      defaults: { ...data.llm, guardedFetch, socketGuard },
      guarded,
      onFailure,
      clock,
    });
    return { ...providers, openingTts: openings.remember(providers.tts, [config.tts, secrets]) };
  }

  async function openRoomCall(args: OpenCall, room: CallRoom): Promise<CallReady> {
    const { callId } = args;
    const call = await RoomCall.open({
      call: args,
      room,
      hub,
      engine,
      createProviders: providersOf,
      tools: toolsOf(callId),
      clock,
      logger: logger.child({ callId }),
      emit: (event) => endpoint.cast('event', { callId, event }),
    });
    calls.set(callId, call);
    return { rtpPort: call.rtpPort };
  }

  async function open(args: OpenCall): Promise<CallReady> {
    if (args.room) return openRoomCall(args, args.room);
    const { callId } = args;
    const call = await VoiceCall.open({
      call: args,
      engine,
      providers: providersOf(args.agent, args.secrets, args.guarded ?? false, (failure) =>
        endpoint.cast('event', { callId, event: { type: 'provider-failed', ...failure } }),
      ),
      tools: toolsOf(callId),
      clock,
      logger: logger.child({ callId }),
      emit: (event) => endpoint.cast('event', { callId, event }),
    });
    calls.set(callId, call);
    return { rtpPort: call.rtpPort };
  }

  function shareRoom(callId: string, roomId: string): void {
    const call = callOf(callId);
    if (call instanceof RoomCall) {
      if (call.roomId === roomId) return;
      throw new Error(`call ${callId} is in another room already`);
    }
    const parts = call.handOver();
    const shared = RoomCall.adopt(
      {
        call: parts.call,
        room: { id: roomId, ringback: false },
        hub,
        engine,
        createProviders: providersOf,
        tools: toolsOf(callId),
        clock,
        logger: logger.child({ callId }),
        emit: (event) => endpoint.cast('event', { callId, event }),
      },
      parts,
    );
    calls.set(callId, shared);
  }

  function roomFor(callId: string, roomId: string, host: MessagePort | null): LineRoom {
    if (host === null) return hub.lineRoom(roomId);
    return new RemoteRoom({
      id: roomId,
      lineId: callId,
      port: host,
      onLost: () =>
        endpoint.cast('event', {
          callId,
          event: { type: 'end-requested', reason: 'voice-worker-crashed' },
        }),
    });
  }

  function hostGuest(callId: string, roomId: string, port: MessagePort): void {
    const guest = new GuestLine({
      lineId: callId,
      room: hub.lineRoom(roomId),
      port,
      everyFrame: (tick) => engine.everyFrame(tick),
      onGone: () => {
        if (guests.get(callId) === guest) guests.delete(callId);
      },
    });
    guests.set(callId, guest);
  }

  /** The room of this worker that a call of any worker is in. */
  function roomOf(callId: string): string {
    return guests.get(callId)?.roomId ?? roomCallOf(callId).roomId;
  }

  function close(callId: string): Promise<CallReport> {
    const call = callOf(callId);
    calls.delete(callId);
    past.packetsSent += call.packetsSent;
    past.packetsReceived += call.packetsReceived;
    return call.close();
  }

  function stats(): VoiceWorkerStats {
    let { packetsSent, packetsReceived } = past;
    for (const call of calls.values()) {
      packetsSent += call.packetsSent;
      packetsReceived += call.packetsReceived;
    }
    return {
      calls: calls.size,
      rtpGarbageReceived: engine.garbageReceived,
      tickLateness: engine.tickLateness(),
      packetsSent,
      packetsReceived,
    };
  }

  const procedures: VoiceWorkerProcedures = {
    open,
    media: ({ callId, audio }) => callOf(callId).media(audio),
    answered: ({ callId, atMs }) => callOf(callId).answered(atMs),
    finish: ({ callId, text }) => callOf(callId).finish(text),
    sendDtmf: ({ callId, digits }) => callOf(callId).sendDtmf(digits),
    hearDigit: ({ callId, digit, durationMs }) => callOf(callId).hearDigit(digit, durationMs),
    seat: ({ callId, who, state }) => roomCallOf(callId).seat(who, state),
    enterRoom: ({ callId, roomId, state, host }) =>
      roomCallOf(callId).enterRoom(roomFor(callId, roomId, host), state),
    shareRoom: ({ callId, roomId }) => shareRoom(callId, roomId),
    hostGuest: ({ callId, roomId, guest }) => hostGuest(callId, roomId, guest),
    attachAgent: ({ callId, ...agent }) => roomCallOf(callId).attachAgent(agent),
    dismissAgent: ({ callId, transferred }) => callOf(callId).dismissAgent(transferred),
    startTap: ({ callId, tap }) => hub.startTap(roomOf(callId), tap),
    stopTap: ({ callId, tapId }) => hub.stopTap(roomOf(callId), tapId),
    close: ({ callId }) => close(callId),
    stats,
  };
  const endpoint = new RpcEndpoint<VoiceWorkerProcedures, VoiceHostProcedures>(
    port,
    procedures,
    (name, error) => logger.debug({ name, err: error }, 'message for a call that is gone'),
  );
}

if (parentPort === null) throw new Error('voice-worker is a thread and nothing else');
serve(parentPort, workerData as VoiceWorkerData);
