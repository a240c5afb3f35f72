import { describe, expect, it } from 'vitest';
import { heardText } from './heard-text.ts';
import { Playout } from './playout.ts';

function samples(count: number, from = 0): Int16Array {
  return Int16Array.from({ length: count }, (_, i) => from + i + 1);
}

/** Everything that is played until there is nothing for two ticks. */
function playAll(playout: Playout): Int16Array[] {
  const frames: Int16Array[] = [];
  for (let empty = 0; empty < 2;) {
    const frame = playout.next();
    if (frame) frames.push(frame.slice());
    else empty++;
  }
  return frames;
}

function withSentence(text: string, sampleCount: number): Playout {
  const playout = new Playout();
  playout.begin('turn-1');
  const sentence = playout.addSentence('turn-1', text);
  playout.write('turn-1', sentence, samples(sampleCount));
  playout.endSentence('turn-1', sentence);
  return playout;
}

describe('playout', () => {
  it('plays chunks of any size as frames of 160, the last one padded with silence', () => {
    const playout = new Playout();
    playout.begin('t');
    const sentence = playout.addSentence('t', 'hello');
    playout.write('t', sentence, samples(100));
    playout.write('t', sentence, samples(250, 100));
    playout.endSentence('t', sentence);
    playout.finish('t');
    const frames = playAll(playout);
    expect(frames).toHaveLength(3);
    expect(frames.flatMap((frame) => [...frame]).slice(0, 350)).toEqual([...samples(350)]);
    expect([...(frames[2] ?? [])].slice(30).every((value) => value === 0)).toBe(true);
  });

  it('reports drained one tick after the last frame, once, with the tick', () => {
    const playout = withSentence('hello', 320);
    const drained: { turnId: string; tick: number }[] = [];
    playout.events.on('drained', (event) => drained.push(event));
    playout.finish('turn-1');
    playout.next();
    playout.next();
    expect(drained).toEqual([]);
    playAll(playout);
    expect(drained).toEqual([{ turnId: 'turn-1', tick: 3 }]);
  });

  it('is not drained while more sentences may come', () => {
    const playout = withSentence('hello', 160);
    let drained = 0;
    playout.events.on('drained', () => drained++);
    playAll(playout);
    expect(drained).toBe(0);
    playout.finish('turn-1');
    playout.next();
    expect(drained).toBe(1);
  });

  it('is drained at once when a turn had nothing to say', () => {
    const playout = new Playout();
    let drained = 0;
    playout.events.on('drained', () => drained++);
    playout.begin('t');
    playout.finish('t');
    playout.next();
    expect(drained).toBe(1);
  });

  it('is silent at once when held and goes on with the very next sample', () => {
    const playout = withSentence('hello', 480);
    const first = playout.next()?.slice();
    playout.hold('duck');
    expect(playout.next()).toBeNull();
    expect(playout.next()).toBeNull();
    playout.resume('duck');
    const second = playout.next()?.slice();
    expect([...(first ?? []), ...(second ?? [])]).toEqual([...samples(320)]);
  });

  it('stays silent while there is a second reason to hold', () => {
    const playout = withSentence('hello', 480);
    playout.hold('duck');
    playout.hold('far-end');
    playout.resume('duck');
    expect(playout.next()).toBeNull();
    playout.begin('turn-2');
    expect(playout.held).toBe(true);
    playout.resume('far-end');
    expect(playout.held).toBe(false);
  });

  it('counts to the sample what was played when it is flushed', () => {
    const playout = withSentence('one two three four', 18 * 480);
    for (let i = 0; i < 27; i++) playout.next();
    expect(playout.unplayed()).toBe('three four');
    expect(playout.flush()).toEqual({
      turnId: 'turn-1',
      text: 'one two',
      replyText: 'one two',
      sampleCount: 27 * 160,
    });
    expect(playout.unplayed()).toBe('');
    expect(playout.next()).toBeNull();
    expect(playout.queuedMs).toBe(0);
  });

  it('says something in between while the turn waits for its next sentence, and only then', () => {
    const playout = new Playout();
    playout.begin('turn-1');
    const filler = new Int16Array(160).fill(7);
    expect(playout.interject('turn-2', 'Well.', filler)).toBe(false);
    const first = playout.addSentence('turn-1', 'Yes.');
    expect(playout.interject('turn-1', 'One moment.', filler)).toBe(true);
    expect(playout.interject('turn-1', 'One moment.', filler)).toBe(false);
    expect(playout.next()?.[0]).toBe(7);
    playout.write('turn-1', first, new Int16Array(320).fill(1));
    playout.endSentence('turn-1', first);
    playout.finish('turn-1');
    expect(playout.next()?.[0]).toBe(1);
    expect(playout.interject('turn-1', 'One moment.', filler)).toBe(false);
    expect(playout.next()?.[0]).toBe(1);
    expect(playout.played()).toMatchObject({ text: 'One moment. Yes.', replyText: 'Yes.' });
  });

  it('drops what comes for another turn, or after a flush', () => {
    const playout = withSentence('hello', 160);
    expect(playout.write('turn-0', 0, samples(160))).toBe(false);
    expect(playout.addSentence('turn-0', 'late')).toBe(-1);
    playout.flush();
    expect(playout.write('turn-1', 0, samples(160))).toBe(false);
    playout.begin('turn-2');
    expect(playout.write('turn-1', 0, samples(160))).toBe(false);
    expect(playAll(playout)).toEqual([]);
  });

  it('plays nothing of a later sentence before the earlier one is complete', () => {
    const playout = new Playout();
    playout.begin('t');
    const first = playout.addSentence('t', 'first');
    const second = playout.addSentence('t', 'second');
    playout.write('t', second, samples(160, 1_000));
    expect(playout.next()).toBeNull();
    playout.write('t', first, samples(160));
    playout.endSentence('t', first);
    playout.endSentence('t', second);
    expect(playout.next()?.[0]).toBe(1);
    expect(playout.next()?.[0]).toBe(1_001);
  });

  it('announces each sentence with its first frame', () => {
    const playout = withSentence('first', 160);
    const second = playout.addSentence('turn-1', 'second');
    playout.write('turn-1', second, samples(160));
    playout.endSentence('turn-1', second);
    const started: [number, boolean][] = [];
    playout.events.on('sentence-started', ({ sentence, first }) => started.push([sentence, first]));
    playout.next();
    expect(started).toEqual([[0, true]]);
    playout.next();
    expect(started).toEqual([
      [0, true],
      [1, false],
    ]);
  });

  it('refuses audio beyond two minutes and counts it', () => {
    const playout = new Playout();
    playout.begin('t');
    const sentence = playout.addSentence('t', 'endless');
    expect(playout.write('t', sentence, new Int16Array(120 * 8_000))).toBe(true);
    expect(playout.write('t', sentence, new Int16Array(160))).toBe(false);
    expect(playout.droppedSamples).toBe(160);
  });

  it('tells who waits that everything so far was played, or that the turn is no more', async () => {
    const playout = withSentence('hello', 160);
    const order: string[] = [];
    const waiting = playout.caughtUp('turn-1').then(() => order.push('caught up'));
    playout.next();
    order.push('last frame');
    playout.next();
    await waiting;
    expect(order).toEqual(['last frame', 'caught up']);
    const flushed = playout.caughtUp('turn-1');
    playout.flush();
    await flushed;
    await playout.caughtUp('turn-1');
  });
});

describe('heard text', () => {
  it.each([
    [0, ''],
    [400, ''],
    [700, 'Your'],
    [5_000, 'Your appointment'],
    [9_999, 'Your appointment is tomorrow.'],
    [10_000, 'Your appointment is tomorrow.'],
  ])('after %i of 10,000 samples is "%s"', (played, text) => {
    expect(heardText('Your appointment is tomorrow.', played, 10_000)).toBe(text);
  });

  it('is nothing where there was no audio', () => {
    expect(heardText('hello', 0, 0)).toBe('');
  });
});
