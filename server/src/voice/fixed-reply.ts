import type { DialogueReply, ReplyPart } from '../agents/dialogue.ts';

const fixedReplies = new WeakSet<DialogueReply>();

/** Words of the platform's own, spoken like a reply of the dialogue, which knows nothing of them. */
export function fixedReply(text: string): DialogueReply {
  const reply: DialogueReply = {
    parts: sayOnce(text),
    commit: () => undefined,
    abort: () => undefined,
  };
  fixedReplies.add(reply);
  return reply;
}

/** Whether `reply` came from `fixedReply`. */
export function isFixed(reply: DialogueReply): boolean {
  return fixedReplies.has(reply);
}

async function* sayOnce(text: string): AsyncGenerator<ReplyPart, void, void> {
  yield { type: 'say', text };
}
