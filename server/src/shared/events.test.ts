import { describe, expect, it } from 'vitest';
import { TypedEvents } from './events.ts';

type Events = { hello: [name: string]; bye: [] };

describe('TypedEvents', () => {
  it('tells every listener, in order of registration', () => {
    const events = new TypedEvents<Events>();
    const heard: string[] = [];
    events.on('hello', (name) => heard.push(`a ${name}`));
    events.on('hello', (name) => heard.push(`b ${name}`));
    events.emit('hello', 'Ada');
    expect(heard).toEqual(['a Ada', 'b Ada']);
  });

  it('goes on after a listener that throws, and reports it', () => {
    const errors: [string, unknown][] = [];
    const events = new TypedEvents<Events>((event, error) => errors.push([event, error]));
    const boom = new Error('boom');
    let reached = false;
    events.on('bye', () => {
      throw boom;
    });
    events.on('bye', () => {
      reached = true;
    });
    events.emit('bye');
    expect(reached).toBe(true);
    expect(errors).toEqual([['bye', boom]]);
  });

  it('lets a listener remove itself while it is told', () => {
    const events = new TypedEvents<Events>();
    let count = 0;
    events.once('bye', () => count++);
    events.on('bye', () => (count += 10));
    events.emit('bye');
    events.emit('bye');
    expect(count).toBe(21);
  });
});
