import { answerOffer, buildOffer, readAnswer } from '../../../server/src/sdp/offer-answer.ts';
import type { LocalAudio } from '../../../server/src/sdp/sdp.ts';
import type { InboundLeg, Leg } from '../../../server/src/sip/leg.ts';
import { Interrupter } from './interrupter.ts';
import type { Caller } from './caller.ts';
import type { PhoneReport } from './farm-protocol.ts';
import type { MediaClock } from './media-clock.ts';
import { monotonicMs } from './monotonic.ts';
import { RtpLine } from './rtp-line.ts';
import { Talker } from './talker.ts';

export interface PhoneCallOptions {
  number: string;
  clock: MediaClock;
  caller: Caller;
  /** Puts the phone down this long after the agent was first heard; null: never. */
  hangUpAfterAudibleMs: number | null;
}

/** One phone in a call: its RTP line, its caller, and what was measured. */
export class PhoneCall {
  readonly line: RtpLine;
  readonly #options: PhoneCallOptions;
  readonly #report: Omit<PhoneReport, 'turns' | 'bargeIns'>;
  #leg: Leg | null = null;
  #hangingUp = false;

  constructor(options: PhoneCallOptions) {
    this.#options = options;
    this.#report = {
      number: options.number,
      direction: 'from-program',
      inviteAtMs: monotonicMs(),
      answeredAtMs: null,
      firstPacketAtMs: null,
      firstAudibleAtMs: null,
      endedAtMs: null,
      endedBy: null,
    };
    const { clock, caller } = options;
    this.line = new RtpLine({
      clock,
      nextFrame: (nowMs) => caller.nextFrame(nowMs),
      onPacket: (atMs, audible) => this.#heard(atMs, audible),
    });
  }

  get up(): boolean {
    return this.#report.answeredAtMs !== null && !this.over;
  }

  get over(): boolean {
    return this.#report.endedAtMs !== null;
  }

  get done(): boolean {
    return this.#options.caller.done;
  }

  report(): PhoneReport {
    const { caller } = this.#options;
    return {
      ...this.#report,
      turns: caller instanceof Talker ? caller.turns : [],
      bargeIns: caller instanceof Interrupter ? caller.bargeIns : [],
    };
  }

  /** Picks up at once. */
  async answer(leg: InboundLeg): Promise<void> {
    this.#follow(leg);
    const port = await this.line.open();
    if (this.over) return;
    const answer = answerOffer(leg.sdp ?? '', localAudio(port));
    if (!answer.ok) {
      leg.reject(488);
      return;
    }
    await this.line.connect(answer.value.audio.remotePort);
    if (this.over) return;
    leg.answer(answer.value.sdp);
    this.#report.answeredAtMs = monotonicMs();
  }

  /** Calls; `invite` sends the offer. Resolves with the final status. */
  async dial(invite: (sdp: string) => Leg): Promise<{ status: number }> {
    this.#report.direction = 'to-program';
    const local = localAudio(await this.line.open());
    this.#report.inviteAtMs = monotonicMs();
    const leg = invite(buildOffer(local));
    this.#follow(leg);
    return new Promise((resolve) => {
      leg.events.on('failed', ({ status }) => resolve({ status }));
      leg.events.on('answered', ({ sdp }) => {
        const audio = readAnswer(sdp ?? '', local);
        this.#report.answeredAtMs = monotonicMs();
        if (audio.ok) void this.line.connect(audio.value.remotePort);
        resolve({ status: audio.ok ? 200 : 488 });
      });
    });
  }

  /** BYE, and the line is closed. Idempotent. */
  async hangUp(): Promise<void> {
    if (this.over || this.#hangingUp) return;
    this.#hangingUp = true;
    await this.#leg?.hangup();
  }

  #follow(leg: Leg): void {
    this.#leg = leg;
    const over = (by: PhoneReport['endedBy']): void => {
      this.#report.endedAtMs ??= monotonicMs();
      this.#report.endedBy ??= by;
      this.line.close();
    };
    leg.events.on('failed', () => over('program'));
    leg.events.on('ended', ({ by }) => over(by === 'local' ? 'phone' : 'program'));
  }

  #heard(atMs: number, audible: boolean): void {
    this.#report.firstPacketAtMs ??= atMs;
    if (audible) this.#report.firstAudibleAtMs ??= atMs;
    this.#options.caller.heard(atMs, audible);
    const { hangUpAfterAudibleMs } = this.#options;
    const heardAtMs = this.#report.firstAudibleAtMs;
    if (hangUpAfterAudibleMs !== null && heardAtMs !== null) {
      if (atMs - heardAtMs >= hangUpAfterAudibleMs) void this.hangUp();
    }
  }
}

function localAudio(port: number): LocalAudio {
  return {
    host: '127.0.0.1',
    port,
    codecs: ['PCMU'],
    direction: 'sendrecv',
    sessionId: Math.floor(monotonicMs()),
    sessionVersion: 1,
  };
}
