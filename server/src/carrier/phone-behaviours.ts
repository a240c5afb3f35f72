import type { SipTransportName } from '../sip/message.ts';
import { PersonScript, type Persona } from './person-script.ts';
import type { PhoneBehaviour } from './phone-book.ts';
import { BEEP, tone } from '../audio/tone.ts';
import type { VirtualPhone } from './virtual-phone.ts';

export interface BehaviourContext {
  /** What persons want. */
  persona: Persona;
  /** How the INVITE came: the first gateway speaks UDP, the second TCP. */
  transport: SipTransportName;
  /** Takes what a caller left on the voicemail, 8 kHz. */
  keepMessage: (samples: Int16Array) => Promise<void>;
}

type Behaviour = (phone: VirtualPhone, context: BehaviourContext) => Promise<void>;

/** A person waits this long for the other side to say something. */
const PATIENCE_MS = 12_000;
/** Nobody stays on the line for ever. */
const MAX_EXCHANGES = 20;
const VOICEMAIL_MAX_MS = 30_000;
const VOICEMAIL_SILENCE_MS = 8_000;
const LONGEST_STAY_MS = 120_000;

/** What each virtual phone does. When the function returns, the phone hangs up. */
export const BEHAVIOURS: Readonly<Record<PhoneBehaviour, Behaviour>> = {
  // The browser phone of the dashboard is not signed in.
  dashboard: (phone) => refuse(phone, 480, 'No Browser Phone Is Open'),
  busy: (phone) => refuse(phone, 486, 'Busy Here'),
  'unknown-number': (phone) => refuse(phone, 404, 'Not Found'),

  person: async (phone, context) => {
    await phone.ring(2);
    await phone.answer();
    await converse(phone, context.persona);
  },

  'no-answer': async (phone) => {
    phone.leg.ring(180);
    await phone.wait(10 * 60_000);
  },

  declines: async (phone) => {
    await phone.ring(1);
    await refuse(phone, 603, 'Decline');
  },

  overloaded: async (phone, context) => {
    if (context.transport === 'udp') {
      phone.leg.reject(503, 'Service Unavailable');
      return;
    }
    await BEHAVIOURS.person(phone, context);
  },

  voicemail: async (phone, context) => {
    await phone.ring(3);
    await phone.answer({ voice: 'slt' });
    await phone.wait(500);
    await phone.say('Hi, you have reached the voicemail of Jamie Parker.');
    await phone.say('I cannot take your call right now. Please leave a message after the tone.');
    await phone.play(tone(BEEP));
    phone.startRecording();
    try {
      await recordUntilSilence(phone);
    } finally {
      // Most callers put the phone down before the machine does; their message counts as well.
      await context.keepMessage(phone.stopRecording());
    }
  },

  ivr: async (phone, context) => {
    await phone.ring(1);
    await phone.answer({ voice: 'slt' });
    await phone.wait(300);
    await phone.say('Thank you for calling Riverside Clinic.');
    for (let round = 0; round < 3; round++) {
      await phone.say(
        'For appointments, press 1. For billing, press 2. To end this call, press 9.',
      );
      const digit = await phone.digit(5_000);
      if (digit === '9') break;
      if (digit === null) await phone.say('I did not get a key.');
      else await phone.say(`You pressed ${DIGIT_WORDS[digit] ?? 'another key'}.`);
      if (digit !== '1') continue;
      await phone.say('Please hold while I connect you.');
      await phone.wait(1_500);
      phone.useVoice('rms');
      await phone.say('Hello, appointment desk, Jamie speaking.');
      await converse(phone, context.persona);
      return;
    }
    await phone.say('Goodbye.');
  },

  'call-screening': async (phone, context) => {
    await phone.ring(1);
    await phone.answer({ voice: 'slt' });
    await phone.wait(300);
    await phone.say('Hi. The person you are calling is using a call screening assistant.');
    await phone.say('Please say your name, and why you are calling.');
    const reason = await phone.listen(PATIENCE_MS);
    if (!reason) {
      await phone.say('I did not hear a reason. Goodbye.');
      return;
    }
    await phone.say('Thank you. Please stay on the line.');
    await phone.wait(1_500);
    phone.useVoice('rms');
    await phone.say('Hello, this is Jamie.');
    await converse(phone, context.persona);
  },

  echo: async (phone) => {
    await phone.ring(1);
    await phone.answer();
    phone.echo();
    await phone.wait(LONGEST_STAY_MS);
  },

  silent: async (phone) => {
    await phone.ring(1);
    await phone.answer();
    await phone.wait(LONGEST_STAY_MS);
  },

  'no-audio': async (phone) => {
    await phone.ring(1);
    await phone.answer({ sendAudio: false });
    await phone.wait(LONGEST_STAY_MS);
  },

  interrupts: async (phone, context) => {
    await phone.ring(1);
    await phone.answer();
    await phone.waitForSpeech(1_000);
    await phone.say('Sorry, wait a moment. Could you say that again please?');
    await converse(phone, context.persona);
  },

  'hangs-up': async (phone) => {
    await phone.ring(1);
    await phone.answer();
    await phone.wait(300);
    await phone.waitForSpeech(1_500);
  },

  holds: async (phone, context) => {
    await phone.ring(1);
    await phone.answer();
    await phone.wait(300);
    await phone.say('Hello? One moment please.');
    await phone.setHold(true);
    await phone.wait(5_000);
    await phone.setHold(false);
    await phone.wait(300);
    await phone.say('I am back. Could you say that again please?');
    await converse(phone, context.persona);
  },
};

const DIGIT_WORDS: Readonly<Record<string, string>> = {
  '0': 'zero',
  '1': 'one',
  '2': 'two',
  '3': 'three',
  '4': 'four',
  '5': 'five',
  '6': 'six',
  '7': 'seven',
  '8': 'eight',
  '9': 'nine',
  '*': 'star',
  '#': 'pound',
};

async function refuse(phone: VirtualPhone, status: number, reason: string): Promise<void> {
  await Promise.resolve();
  phone.leg.reject(status, reason);
}

/** Listens and answers until somebody says goodbye. */
async function converse(phone: VirtualPhone, persona: Persona): Promise<void> {
  const script = new PersonScript(persona);
  for (let exchange = 0; exchange < MAX_EXCHANGES; exchange++) {
    const heard = await phone.listen(PATIENCE_MS);
    const move = script.next(heard === null ? null : heard.text);
    if (move.say !== null) {
      // A person takes a moment before answering.
      await phone.wait(250);
      await phone.say(move.say);
    }
    if (move.hangUp) {
      await phone.wait(600);
      return;
    }
  }
}

/** A voicemail takes what is said until nothing is said for a while, or the tape is full. */
async function recordUntilSilence(phone: VirtualPhone): Promise<void> {
  const started = phone.elapsedMs();
  while (phone.elapsedMs() - started < VOICEMAIL_MAX_MS) {
    const heard = await phone.listen(VOICEMAIL_SILENCE_MS);
    if (!heard) return;
  }
}
