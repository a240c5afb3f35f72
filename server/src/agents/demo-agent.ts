import type { AgentConfigInput } from './agent-config.ts';

const CONFIRMED = {
  next: 'anything-else',
  say: 'Thank you. Your appointment is confirmed.',
  outcome: 'confirmed',
};

const CANCELLED = {
  next: 'anything-else',
  say: 'Your appointment is cancelled. The office will call you back.',
  outcome: 'cancelled',
};

const KEYS = {
  '1': { intent: 'confirm', offer: 'to confirm' },
  '2': { intent: 'cancel', offer: 'to cancel' },
  '3': { intent: 'reschedule', offer: 'to choose another day' },
};

/**
 * Appointment confirmation of a dental office, the agent that every fresh installation has:
 * confirm, cancel or reschedule, with no key and no language model.
 */
export const demoAgent: AgentConfigInput = {
  name: 'Appointment confirmation (demo)',
  dispatch_name: 'demo',
  room_patterns: ['outbound-*'],
  type: 'scripted',
  greeting:
    'Hello {patient_name}. This is the automated assistant of {company}, calling about your appointment.',
  goodbye: 'Thank you. Goodbye.',
  answering: {
    voicemail: 'leave-message',
    message:
      'Hello. This is a message from {company} for {patient_name}. Please call us back about your appointment. Thank you. Goodbye.',
    ivr: 'navigate',
    keys: [
      { heard: 'appointments', press: null },
      { heard: 'appointment', press: null },
    ],
    screening: 'answer',
    screening_answer:
      'This is the automated assistant of {company}, calling {patient_name} about an appointment.',
  },
  variables: {
    company: 'Bright Smile Dental',
    patient_name: 'Alex',
    appointment_day: 'tomorrow',
    appointment_time: '2 PM',
    doctor: 'Dr. Chen',
    reason: 'a routine cleaning',
  },
  script: {
    start: 'ask-confirm',
    fallback: 'not-understood',
    states: {
      'ask-confirm': {
        say: 'You have {reason} {appointment_day} at {appointment_time} with {doctor}. Can you confirm this appointment?',
        expects: {
          yes: CONFIRMED,
          confirm: CONFIRMED,
          no: 'cancel-or-move',
          cancel: 'sure-cancel',
          reschedule: 'ask-date',
        },
        dtmf: KEYS,
      },
      'cancel-or-move': {
        say: 'Would you like to cancel, or to choose another day?',
        expects: {
          confirm: CONFIRMED,
          cancel: 'sure-cancel',
          reschedule: 'ask-date',
          no: { next: 'ask-confirm', say: 'All right.' },
        },
        reprompts: ['Please say cancel, or say another day.'],
        dtmf: KEYS,
      },
      'sure-cancel': {
        say: 'Are you sure that you want to cancel?',
        expects: {
          yes: CANCELLED,
          cancel: CANCELLED,
          no: { next: 'ask-confirm', say: 'All right. I did not cancel it.' },
          confirm: CONFIRMED,
          reschedule: 'ask-date',
        },
        dtmf: {
          '1': { intent: 'yes', offer: 'to cancel' },
          '2': { intent: 'no', offer: 'to keep the appointment' },
          '3': { intent: 'reschedule', offer: 'to choose another day' },
        },
      },
      'ask-date': {
        say: 'Which day and time would be better for you?',
        slot: {
          name: 'new_time',
          type: 'date',
          require_time: true,
          confirm: 'always',
          confirm_say: 'You would like {value}. Is that right?',
          outcome: 'rescheduled',
          next: 'rescheduled',
        },
        expects: { cancel: 'sure-cancel', confirm: CONFIRMED, no: 'cancel-or-move' },
        reprompts: ['Sorry, I did not catch the day. For example, say next Tuesday at 3 PM.'],
      },
      rescheduled: {
        say: 'Thank you. I noted {new_time}. The office will call you to confirm. Is there anything else?',
        expects: {
          yes: 'office-calls-back',
          no: 'goodbye',
          reschedule: 'ask-date',
          cancel: 'sure-cancel',
        },
        max_reprompts: 1,
        fallback: 'goodbye',
      },
      'anything-else': {
        say: 'Is there anything else?',
        expects: {
          yes: 'office-calls-back',
          no: 'goodbye',
          confirm: CONFIRMED,
          cancel: 'sure-cancel',
          reschedule: 'ask-date',
        },
        max_reprompts: 1,
        fallback: 'goodbye',
      },
      'office-calls-back': {
        say: 'I am only able to help with this appointment. The office will call you back. Goodbye.',
        end: { reason: 'agent-goodbye' },
      },
      'not-understood': {
        say: 'I am sorry, I could not understand you. The office will call you back. Goodbye.',
        end: { reason: 'no-input', outcome: 'not-understood' },
      },
      goodbye: {
        say: 'Thank you. Have a nice day. Goodbye.',
        end: { reason: 'agent-goodbye' },
      },
    },
    intents: {
      confirm: {
        examples: [
          'I confirm',
          'I will be there',
          'please confirm my appointment',
          'that time works for me',
          'see you tomorrow',
          'I can make it',
          'keep the appointment',
        ],
        patterns: [
          "^(yes[, ]+|yeah[, ]+|sure[, ]+)?(i|we)( can|'ll| will| would like to| want to|'d like to)? ?(please )?(confirm|be there|make it|come)( it| that| the appointment| my appointment)?( please)?[.! ]*$",
          "\\b(i|we)('ll| will) be there\\b",
          '^(yes[, ]+|yeah[, ]+)?(please )?(confirm|confirmed|keep)( it| that| the appointment| my appointment)?( please)?[.! ]*$',
          "^(yes[, ]+|yeah[, ]+)?(that|it|the time|tomorrow|two|2 pm)( still)?('s| is| works| sounds)( fine| good| great| okay| perfect)?( for me| with me)?[.! ]*$",
        ],
      },
      cancel: {
        examples: [
          'I want to cancel my appointment',
          'please cancel it',
          'I need to cancel',
          'I am not coming',
          'I do not need the appointment any more',
          'take it off the calendar',
        ],
        patterns: [
          "\\b(want to|need to|like to|have to|must|please|can you|could you|can i|could i|i'll|just|gotta) (please )?cancel\\b",
          '^(no[, ]+)?(please )?cancel( it| that| the appointment| my appointment)?( please)?[.! ]*$',
          "\\b(i'm|i am|we're|we are) not (coming|going to come|going to make it)\\b",
        ],
      },
      reschedule: {
        examples: [
          'I would like to reschedule',
          'can we move it to another day',
          'can I come at a different time',
          'I need a different day',
          'that time does not work for me',
          'is there another appointment available',
          'can we do it next week',
        ],
        patterns: [
          '\\b(re-?schedul(e|ing)|postpone|push it back)\\b',
          '\\b(another|a different|some other|a better|a new) (day|time|date|slot|appointment)\\b',
          '\\b(move|change|shift) (it|that|the appointment|my appointment|the time|the day|to)\\b',
          "\\b(doesn't|does not|won't|will not|can't) work\\b",
          '\\b(can|could|may) (i|we) (please )?(come|do it|have it)\\b',
          '\\b(monday|tuesday|wednesday|thursday|friday|saturday|sunday|next week)\\b.{0,30}\\b(better|instead|works?|possible|available)\\b',
          "\\b(can't|cannot|can not|won't be able to) make (it|that)\\b",
        ],
      },
    },
    globals: {
      'who-is-this': {
        say: 'This is the automated assistant of {company}. I am calling about an appointment of {patient_name}.',
      },
      'are-you-a-robot': {
        say: 'Yes. I am an automated assistant of {company}, not a person.',
      },
      human: {
        say: 'Of course. Somebody from the office will call you back. Goodbye.',
        end: { reason: 'caller-requested-human', outcome: 'human-requested' },
      },
      'do-not-call': {
        say: 'I understand. {company} will not call this number again. Goodbye.',
        end: { reason: 'do-not-call-requested', outcome: 'do-not-call' },
      },
      voicemail: {
        say: 'Hello. This is a message from {company} for {patient_name}. Please call us back about your appointment. Thank you. Goodbye.',
        end: { reason: 'voicemail', outcome: 'voicemail' },
      },
    },
  },
};
