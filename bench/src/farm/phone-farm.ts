import { randomUUID } from 'node:crypto';
import { systemClock } from '../../../server/src/shared/clock.ts';
import { silentLogger } from '../../../server/src/shared/logger.ts';
import type { InboundLeg } from '../../../server/src/sip/leg.ts';
import { startUserAgent, type UserAgent } from '../../../server/src/sip/user-agent.ts';
import { loadCallerSpeech, type CallerSpeech } from './caller-speech.ts';
import { Listener, type Caller, type Utterance } from './caller.ts';
import type { FarmProcedures, LinesReport, Plan, SpeechKind } from './farm-protocol.ts';
import { Interrupter } from './interrupter.ts';
import { FRAME_MS, MediaClock } from './media-clock.ts';
import { PhoneCall } from './phone-call.ts';
import { RtpLine } from './rtp-line.ts';
import { Talker } from './talker.ts';

const HOST = '127.0.0.1';
const HEAR_MS = 300;
/** Shorter than this is an answer, not an interruption. */
const INTERRUPTION_MS = 1_200;

/** The far end of a trunk: answers any number of calls at once, and can call. */
export class PhoneFarm {
  readonly #clock = new MediaClock();
  readonly #lines = new Set<RtpLine>();
  #calls: PhoneCall[] = [];
  #plan: Plan = { behaviour: 'listen' };
  #speech: CallerSpeech = { synthetic: [], recorded: [] };
  #userAgent: UserAgent | null = null;
  #callCount = 0;

  async start(): Promise<{ sipPort: number; speech: SpeechKind[] }> {
    this.#speech = await loadCallerSpeech();
    const userAgent = await startUserAgent({
      host: HOST,
      port: 0,
      transports: ['udp'],
      userAgent: 'phone-farm',
      clock: systemClock,
      logger: silentLogger,
    });
    this.#userAgent = userAgent;
    userAgent.events.on('invite', (leg) => this.#take(leg));
    const speech = (['synthetic', 'recorded'] as const).filter(
      (kind) => this.#speech[kind].length > 0,
    );
    return { sipPort: userAgent.port, speech };
  }

  procedures(): FarmProcedures {
    return {
      start: () => this.start(),
      plan: (plan) => {
        this.#plan = plan;
      },
      state: () => ({
        up: this.#calls.filter((call) => call.up).length,
        done: this.#calls.filter((call) => call.up && call.done).length,
        over: this.#calls.filter((call) => call.over).length,
      }),
      dial: ({ number, from, sipPort }) => this.#dial(number, from, sipPort),
      hangUpAll: async () => {
        await Promise.all(this.#calls.map((call) => call.hangUp()));
      },
      collect: () => {
        const reports = this.#calls.map((call) => call.report());
        this.#calls = this.#calls.filter((call) => !call.over);
        return reports;
      },
      openLines: ({ remotePorts }) => this.#openLines(remotePorts),
      closeLines: () => this.#closeLines(),
      measureLines: ({ durationMs }) => this.#measureLines(durationMs),
      cpu: () => {
        const { user, system } = process.cpuUsage();
        return { cpuMs: (user + system) / 1000 };
      },
    };
  }

  /** Ends calls, lines and sockets. */
  async close(): Promise<void> {
    await Promise.all(this.#calls.map((call) => call.hangUp()));
    this.#closeLines();
    this.#clock.close();
    await this.#userAgent?.close();
  }

  #take(leg: InboundLeg): void {
    const number = /^sips?:([^@;]+)@/.exec(leg.request.uri)?.[1] ?? '';
    void this.#newCall(number).answer(leg);
  }

  async #dial(number: string, from: string, sipPort: number): Promise<{ status: number }> {
    const userAgent = this.#userAgent;
    if (!userAgent) throw new Error('expected start before dial');
    return this.#newCall(number).dial((sdp) =>
      userAgent.invite({
        requestUri: `sip:${number}@${HOST}:${sipPort}`,
        nextHop: { host: HOST, port: sipPort, transport: 'udp' },
        sipCallId: randomUUID(),
        localTag: randomUUID().slice(0, 8),
        branch: `z9hG4bK${randomUUID()}`,
        from: { uri: `sip:${from}@${HOST}:${userAgent.port}` },
        to: { uri: `sip:${number}@${HOST}:${sipPort}` },
        sdp,
      }),
    );
  }

  #newCall(number: string): PhoneCall {
    const call = new PhoneCall({
      number,
      clock: this.#clock,
      caller: this.#newCaller(this.#callCount++),
      hangUpAfterAudibleMs: this.#plan.behaviour === 'hear-and-hang-up' ? HEAR_MS : null,
    });
    this.#calls.push(call);
    return call;
  }

  #newCaller(index: number): Caller {
    const plan = this.#plan;
    switch (plan.behaviour) {
      case 'talk':
        return new Talker({
          utterances: this.#speech[plan.speech],
          firstUtterance: index,
          turns: plan.turns,
        });
      case 'interrupt':
        return new Interrupter({
          utterances: this.#speech[plan.speech].filter(isLong),
          firstUtterance: index,
          rounds: plan.rounds,
        });
      case 'listen':
      case 'hear-and-hang-up':
        return new Listener();
    }
  }

  async #openLines(remotePorts: readonly number[]): Promise<number[]> {
    return Promise.all(
      remotePorts.map(async (remotePort) => {
        const line = new RtpLine({
          clock: this.#clock,
          nextFrame: () => null,
          onPacket: () => undefined,
        });
        this.#lines.add(line);
        const port = await line.open();
        await line.connect(remotePort);
        return port;
      }),
    );
  }

  #closeLines(): void {
    for (const line of this.#lines) line.close();
    this.#lines.clear();
  }

  async #measureLines(durationMs: number): Promise<LinesReport> {
    const lines = [
      ...this.#lines,
      ...this.#calls.filter((call) => call.up).map((call) => call.line),
    ];
    this.#clock.takeLateness();
    for (const line of lines) {
      line.meter.restart();
      line.metering = true;
    }
    await systemClock.sleep(durationMs);
    for (const line of lines) line.metering = false;
    const figures = lines.map((line) => line.meter.take());
    const sum = (key: 'packets' | 'sequenceErrors' | 'timestampErrors'): number =>
      figures.reduce((total, one) => total + one[key], 0);
    return {
      lines: lines.length,
      ports: lines.map((line) => line.port),
      packets: sum('packets'),
      sequenceErrors: sum('sequenceErrors'),
      timestampErrors: sum('timestampErrors'),
      gapsMs: figures.flatMap((one) => one.gapsMs),
      ownLatenessMs: this.#clock.takeLateness(),
    };
  }
}

function isLong({ frames }: Utterance): boolean {
  return frames.length * FRAME_MS >= INTERRUPTION_MS;
}
