import type { ListUpdate } from '@livekit/protocol';

/** The list after an update: `clear`, else `set` in place of it, then `add` and `remove`. */
export function updatedList(list: readonly string[], update: ListUpdate | undefined): string[] {
  if (!update) return [...list];
  if (update.clear) return [];
  const base = update.set.length > 0 ? update.set : list;
  const removed = new Set(update.remove);
  return [...new Set([...base, ...update.add])].filter((item) => !removed.has(item));
}
