/** Utterances that mean one thing. */
export interface IntentDefinition {
  examples: string[];
  /** Regular expressions, case ignored, that settle it by themselves. */
  patterns?: string[];
}

/** What happens on a global intent, wherever the conversation is. */
export interface GlobalReaction {
  say?: string | string[] | undefined;
  /** Go to this state. */
  next?: string | undefined;
  /** End the call. */
  end?: { reason: string; outcome?: string | undefined } | undefined;
  /** Without `next` and `end`: ask the question again, say the last words again, or wait. */
  afterwards?: 'ask-again' | 'say-again' | 'wait' | undefined;
  set?: Record<string, string> | undefined;
}

/** Intents that every script knows without defining them. A script may define them anew. */
export const BUILT_IN_INTENTS: Readonly<Record<string, IntentDefinition>> = {
  yes: {
    examples: [
      'yes',
      'yes please',
      'yeah',
      'sure',
      'that is right',
      'correct',
      'of course',
      'okay',
    ],
    patterns: [
      "^(oh |well |um |uh )?(yes|yeah|yep|yup|yah|sure|certainly|absolutely|definitely|correct|exactly|right|okay|ok|of course|indeed)( it is| it does| i do| i am| i will| please| thanks| thank you| that's right| that is right| correct| sure| sir| ma'am| yes| yeah)?[.!, ]*$",
      "^(yes |yeah |yep )?(that|it) ?('s| is| sounds) (right|correct|fine|good|great|true|perfect)[.! ]*$",
      '^(that |it )?works( for me)?[.! ]*$',
    ],
  },
  no: {
    examples: ['no', 'nope', 'not really', 'that is wrong', 'that is not right'],
    patterns: [
      "^(oh |well |um |uh )?(no|nope|nah|never|negative|not really|no way)( thanks| thank you| it isn't| it is not| it's not| i don't| i'm not| that's wrong| not really| sir| ma'am| no)?[.!, ]*$",
      "^(no[, ]+)?(that|it) ?('s| is) (wrong|incorrect|not right|not correct|all)[.! ]*$",
      "^(no[, ]+)?(that|it) (isn't|is not) (right|correct|it)[.! ]*$",
      "^(no[, ]+)?(nothing( else)?|i'm (good|fine|all set)|i am (good|fine|all set)|that will be all|that'll be all)( thanks| thank you)?[.! ]*$",
    ],
  },
  hello: {
    examples: ['hello', 'hello there', 'hi', 'good morning', 'hello can you hear me'],
    patterns: [
      '^(hello|hi|hey|good (morning|afternoon|evening)|howdy)( there| hello| hi)?[.?!, ]*$',
      '^(hello[,.?! ]*)?(can you hear me|are you there|anybody there|anyone there)[.?! ]*$',
      '^(yes[,. ]+)?([a-z]{1,15},? )?speaking[.?! ]*$',
      '^(yes[,. ]+|yeah[,. ]+)?(my name is [a-z]+|this is (he|she|him|her))( speaking)?[.! ]*$',
      "^(yes|yeah)[,. ]+(this is|it is|it's) (?!(fine|good|correct|right|okay|ok|great|perfect|true|confirmed)\\b)[a-z]+( speaking)?[.! ]*$",
    ],
  },
  here: {
    examples: ['I am here', 'I am still here', 'yes I am still on the line', 'I can hear you'],
    patterns: [
      "^(yes|yeah|yep|sorry|hello)?[,. ]*(i am|i'm)( still)? (here|there|listening|on the line|on the phone)[.! ]*$",
      '^(yes|yeah|yep|sorry|hello)?[,. ]*(still here|i can( still)? hear you)[.! ]*$',
    ],
  },
  repeat: {
    examples: ['can you repeat that', 'say that again please', 'what did you say', 'pardon'],
    patterns: [
      '\\b(say|repeat) (that|it|this)( again| once more| please|[.?!]|$)',
      '\\b(can|could|would) you (please )?repeat\\b',
      '^(pardon|pardon me|sorry|excuse me|what|come again|huh|repeat|again)( please| what| that)?[.?! ]*$',
      '\\bwhat (did you|was that you|were you) (just )?(say|said|saying)\\b',
      "\\b(did not|didn't|could not|couldn't) (quite )?(hear|catch|get|understand) (that|you|it|what)\\b",
    ],
  },
  human: {
    examples: [
      'I want to talk to a real person',
      'can I speak to someone',
      'let me talk to a human',
      'transfer me to the receptionist',
    ],
    patterns: [
      '\\b(speak|talk|chat) (to|with) (a |an |the |some |your |another )?(real |live |actual )?(person|human|human being|someone|somebody|agent|operator|receptionist|representative|manager|staff)\\b',
      '^(a )?(real person|human|human being|operator|agent|representative|receptionist)( please)?[.?! ]*$',
      '\\b(transfer|connect|put) me (through )?(to|with)\\b',
    ],
  },
  'do-not-call': {
    examples: [
      'stop calling me',
      'do not call me again',
      'take me off your list',
      'remove my number from your list',
    ],
    patterns: [
      '\\b(stop|quit) (calling|phoning|ringing|bothering|harassing)\\b',
      "\\b(do not|don't|never) (ever )?(call|phone|ring|contact|bother) (me|us|here|this number|back|again)\\b",
      '\\b(take|remove|delete|get) (me|us|my (phone )?number|this number) (off|from|out)\\b',
      '\\b(do not|don.t) call list\\b',
      '\\bunsubscribe\\b',
    ],
  },
  'wrong-number': {
    examples: [
      'you have the wrong number',
      'there is nobody here by that name',
      'I think you dialed the wrong number',
      'that is not me',
    ],
    patterns: [
      '\\bwrong (number|person|guy|house|phone)\\b',
      '\\b(no one|nobody|no person|not anyone) (here )?(by|with|of|called|named) ?(that|this)?\\b',
      "\\b(there is|there's) (no|not) .{0,30}\\b(here|name)\\b",
      "^(no[, ]+)?(this|that|i) ?('s| is| am|'m) not (me|him|her|them)[.! ]*$",
    ],
  },
  'who-is-this': {
    examples: ['who is this', 'who is calling', 'where are you calling from', 'what is this about'],
    patterns: [
      "\\bwho('s| is| are| am i) (this|calling|speaking|it|you|talking|that)\\b",
      '\\bwhere are you calling from\\b',
      "\\bwhat('s| is) (this|it|the call|this call) (about|regarding|for)\\b",
      '\\b(why|what) are you calling\\b',
      '\\bmay i (ask|know) who\\b',
    ],
  },
  goodbye: {
    examples: ['goodbye', 'bye bye', 'have a nice day bye', 'I have to go'],
    patterns: [
      '^(okay |ok |alright |thanks |thank you |well )*[,. ]*(good ?bye|bye|bye bye|see you)[.! ]*$',
      '\\b(i|i have|i.ve) (have |got |gotta |need )(to )?(go|hang up|leave)( now)?[.! ]*$',
      '^(thanks|thank you)[,. ]+(and )?(good ?bye|bye|bye bye)[.! ]*$',
    ],
  },
  'hold-on': {
    examples: [
      'hold on',
      'one moment please',
      'wait a second',
      'give me a minute',
      'just a moment',
    ],
    patterns: [
      '^(please |um |uh |oh |okay |just )?(hold on|hang on|wait)( a| one| just a)?( second| minute| moment| sec)?( please)?[.! ]*$',
      '^(just |give me )?(a|one) (second|sec|minute|moment)( please)?[.! ]*$',
      '\\b(give me|just) (a|one) (second|sec|minute|moment)\\b',
      '\\blet me (check|look|see|get|grab|find)\\b',
    ],
  },
  'are-you-a-robot': {
    examples: [
      'are you a robot',
      'is this a recording',
      'am I talking to a machine',
      'are you real',
    ],
    patterns: [
      '\\b(are you|is this|is that|am i (talking|speaking) (to|with)) (a |an )?(real |live |actual )?(robot|recording|machine|computer|bot|ai|a\\.i\\.|human|person|automated|real|artificial intelligence)\\b',
    ],
  },
  voicemail: {
    examples: [
      'please leave a message after the tone',
      'you have reached the voicemail of',
      'is not available to take your call',
    ],
    patterns: [
      '\\bafter the (tone|beep)\\b',
      '\\bat the (tone|beep)\\b',
      '\\bleave (me |us |him |her |them )?((a|your) )?((short|brief|detailed) )?(message|name)\\b',
      '\\b(reached|forwarded to) .{0,60}\\b(voice ?mail|mailbox|answering machine)\\b',
      '\\brecord your message\\b',
    ],
  },
};

/**
 * Reactions that hold in every state of every script. A state that expects the same intent goes
 * first; `globals` of a script replaces one.
 */
export const BUILT_IN_GLOBALS: Readonly<Record<string, GlobalReaction>> = {
  hello: { say: 'Hello.', afterwards: 'ask-again' },
  here: { afterwards: 'ask-again' },
  repeat: { afterwards: 'say-again' },
  human: {
    say: 'I am sorry, nobody is free right now. Somebody will call you back. Goodbye.',
    end: { reason: 'caller-requested-human', outcome: 'human-requested' },
  },
  'do-not-call': {
    say: 'I understand. We will not call you again. Goodbye.',
    end: { reason: 'do-not-call-requested', outcome: 'do-not-call' },
  },
  'wrong-number': {
    say: 'I am sorry to have bothered you. Goodbye.',
    end: { reason: 'wrong-number', outcome: 'wrong-number' },
  },
  'who-is-this': { say: 'This is an automated assistant.', afterwards: 'ask-again' },
  goodbye: {
    say: 'Thank you. Goodbye.',
    end: { reason: 'agent-goodbye' },
  },
  'hold-on': { say: 'Of course. Take your time.', afterwards: 'wait' },
  'are-you-a-robot': {
    say: 'Yes. I am an automated assistant, not a person.',
    afterwards: 'ask-again',
  },
  voicemail: {
    say: 'Sorry, I will try again later. Goodbye.',
    end: { reason: 'voicemail', outcome: 'voicemail' },
  },
};

/** Globals that a script may word differently but not switch off. */
export const REQUIRED_GLOBALS: readonly string[] = ['do-not-call', 'are-you-a-robot'];
