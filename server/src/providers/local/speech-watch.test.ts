import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { pino } from 'pino';
import { FakeClock } from '../../shared/testing/fake-clock.ts';
import { NO_STATS } from './speech-protocol.ts';
import { SpeechWatch } from './speech-watch.ts';

it('warns of the kind of speech that calls wait for, as long as they do', async () => {
  const clock = new FakeClock();
  const lines: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(JSON.parse(line.toString()) as Record<string, unknown>);
      done();
    },
  });
  let sttWaitMs = 1_001;
  const watch = new SpeechWatch({
    clock,
    logger: pino(sink),
    stats: () =>
      Promise.resolve([
        { ...NO_STATS, kind: 'stt', waiting: 7, waitP95Ms: sttWaitMs },
        { ...NO_STATS, kind: 'tts', waitP95Ms: 1_000 },
      ]),
  });
  await clock.advance(15_000);
  expect(lines).toMatchObject([{ kind: 'stt', waiting: 7, wait_p95_ms: 1_001 }]);
  sttWaitMs = 0;
  await clock.advance(15_000);
  expect(lines).toHaveLength(1);
  sttWaitMs = 5_000;
  await clock.advance(15_000);
  expect(lines).toHaveLength(2);
  watch.close();
  expect(clock.pendingCount).toBe(0);
});
