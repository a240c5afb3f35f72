import { describe, expect, it } from 'vitest';
import { silentLogger, type LogFields, type Logger } from '../shared/logger.ts';
import { FakeClock } from '../shared/testing/fake-clock.ts';
import type { PostgresEnd, PostgresProcess } from './postgres-process.ts';
import { restartDelayMs, watchPostgres } from './postgres-watch.ts';

interface TestServer extends PostgresProcess {
  end(): void;
  stopped: number;
}

function makeServer(pid: number): TestServer {
  const { promise, resolve } = Promise.withResolvers<PostgresEnd>();
  const server: TestServer = {
    pid,
    port: 5999,
    ended: promise,
    stopped: 0,
    end: () => resolve({ code: null, signal: 'SIGKILL' }),
    stop() {
      server.stopped += 1;
      server.end();
      return Promise.resolve();
    },
  };
  return server;
}

function memoryLogger(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const keep = (_fields: LogFields, message: string): void => void lines.push(message);
  return { logger: { ...silentLogger, warn: keep, error: keep }, lines };
}

/** Lets promises that are ready run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

describe('the delay before a server is started again', () => {
  it('doubles with every end of the last minute', () => {
    expect([1, 2, 3, 4, 5].map((count) => restartDelayMs(Array(count).fill(0)))).toEqual([
      100, 200, 400, 800, 1_600,
    ]);
  });

  it('is none after six ends within a minute, and short again when those are old', () => {
    expect(restartDelayMs([0, 1, 2, 3, 4, 59_999])).toBeNull();
    expect(restartDelayMs([0, 1, 2, 3, 4, 60_001])).toBe(800);
    expect(restartDelayMs([0, 1, 2, 3, 4, 90_000])).toBe(100);
  });
});

describe('a watched server', () => {
  it('is started again on its port, and its pid is that of the new one', async () => {
    const clock = new FakeClock();
    const first = makeServer(1);
    const ports: number[] = [];
    const watched = watchPostgres({
      server: first,
      restart: (port) => {
        ports.push(port);
        return Promise.resolve(makeServer(2));
      },
      logPath: '/data/postgres.log',
      clock,
      logger: silentLogger,
    });
    first.end();
    await settle();
    expect(watched.pid).toBe(1);
    await clock.advance(100);
    await settle();
    expect([watched.pid, ports]).toEqual([2, [5999]]);
    await watched.stop();
  });

  it('is given up after six ends in a minute, with one sentence that says what to do', async () => {
    const clock = new FakeClock();
    const { logger, lines } = memoryLogger();
    const first = makeServer(1);
    let starts = 0;
    const watched = watchPostgres({
      server: first,
      restart: () => {
        starts += 1;
        return Promise.reject(new Error('out of memory'));
      },
      logPath: '/data/postgres.log',
      clock,
      logger,
    });
    first.end();
    await settle();
    for (let second = 0; second < 30; second++) {
      await clock.advance(1_000);
      await settle();
    }
    expect(starts).toBe(5);
    expect(lines.at(-1)).toBe(
      'the database server ended 6 times within 60 s and is not started again: ' +
        'see /data/postgres.log, then start Trunkline again',
    );
    expect(lines.filter((line) => line.includes('not started again'))).toHaveLength(1);
    await watched.stop();
  });

  it('is not started again once it was stopped', async () => {
    const clock = new FakeClock();
    const first = makeServer(1);
    let starts = 0;
    const watched = watchPostgres({
      server: first,
      restart: () => {
        starts += 1;
        return Promise.resolve(makeServer(2));
      },
      logPath: '',
      clock,
      logger: silentLogger,
    });
    await Promise.all([watched.stop(), watched.stop()]);
    await clock.advance(10_000);
    expect([starts, first.stopped]).toEqual([0, 2]);
  });

  it('stops the server that was being started when it is stopped itself', async () => {
    const clock = new FakeClock();
    const first = makeServer(1);
    const second = makeServer(2);
    const starting = Promise.withResolvers<PostgresProcess>();
    const watched = watchPostgres({
      server: first,
      restart: () => starting.promise,
      logPath: '',
      clock,
      logger: silentLogger,
    });
    first.end();
    await settle();
    await clock.advance(100);
    const stopped = watched.stop();
    starting.resolve(second);
    await stopped;
    expect(second.stopped).toBe(1);
  });
});
