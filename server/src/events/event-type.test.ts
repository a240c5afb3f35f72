import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { EVENT_TYPES, eventNames, eventNamesOf } from './event-type.ts';

const page = new URL('../../../docs/reference/events.md', import.meta.url);

describe('event types', () => {
  it('are all on the page of the reference, and nothing else is', async () => {
    const rows = (await readFile(page, 'utf8')).matchAll(
      /^\| ((?:`[a-z]+\.[a-z-]+`(?:, )?)+) \|/gm,
    );
    const named = [...rows].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
    );
    expect(named.toSorted()).toEqual([...EVENT_TYPES].toSorted());
  });

  it('have their own name in the native form', () => {
    for (const type of EVENT_TYPES) expect(eventNames(type).trunkline).toEqual([type]);
  });

  it('have the names in Bolti’s form that Bolti lets one subscribe to', () => {
    expect(eventNamesOf('bolti').toSorted()).toEqual([
      'campaign.completed',
      'conversation.completed',
      'scheduled_call.cancelled',
      'scheduled_call.created',
      'scheduled_call.dispatched',
      'scheduled_call.failed',
    ]);
  });
});
