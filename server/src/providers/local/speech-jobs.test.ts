import { setImmediate as nextTurn } from 'node:timers/promises';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { JobQueue } from './job-queue.ts';
import { serveJobs } from './serve-thread.ts';
import { SpeechJobs } from './speech-jobs.ts';

const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** A service's end and the jobs of a consumer, with threads that double numbers. */
function setUp(threadCount = 1) {
  const services: MessagePort[] = [];
  const ports = Array.from({ length: threadCount }, () => {
    const { port1, port2 } = new MessageChannel();
    services.push(port1);
    return port2;
  });
  const jobs = new SpeechJobs<number, number>('local-test', ports);
  open.push(jobs, ...services);
  const service = (n = 0): MessagePort => services[n] as MessagePort;
  return { jobs, service };
}

/** Sends a new line; the thread at its other end counts what it does. */
function sendLine(service: MessagePort, gate: Promise<void> = Promise.resolve()) {
  const { port1: line, port2: far } = new MessageChannel();
  const started: number[] = [];
  serveJobs<number, number>(far, new JobQueue(4), async (work) => {
    started.push(work);
    await gate;
    return work * 2;
  });
  service.postMessage({ type: 'line', line }, [line]);
  open.push(far);
  return { far, started };
}

const options = (signal = new AbortController().signal) => ({ priority: 1, signal });
const outcomeOf = (job: Promise<unknown>): Promise<unknown> => job.catch((error: unknown) => error);

describe('SpeechJobs', () => {
  it('keeps jobs until the first line is there', async () => {
    const { jobs, service } = setUp();
    const early = jobs.run(21, options());
    sendLine(service());
    expect(await early).toBe(42);
  });

  it('refuses more jobs than it may keep while there is no line', async () => {
    const { jobs } = setUp();
    for (let n = 0; n < 64; n++) void outcomeOf(jobs.run(n, options()));
    await expect(jobs.run(64, options())).rejects.toMatchObject({ retryable: true });
  });

  it('rejects what is under way when the line is lost, and uses the next', async () => {
    const { jobs, service } = setUp();
    const { far } = sendLine(service(), new Promise(() => undefined));
    const lost = outcomeOf(jobs.run(1, options()));
    far.close();
    expect(await lost).toMatchObject({ retryable: true, provider: 'local-test' });
    const next = jobs.run(2, options());
    sendLine(service());
    expect(await next).toBe(4);
  });

  it('rejects at once while the thread does not start, until it does', async () => {
    const { jobs, service } = setUp();
    const waiting = outcomeOf(jobs.run(1, options()));
    service().postMessage({ type: 'down', message: 'the thread does not start' });
    expect(await waiting).toMatchObject({ retryable: true });
    await expect(jobs.run(2, options())).rejects.toThrow('does not start');
    sendLine(service());
    // The line travels on the event loop: nothing else tells when it has arrived.
    const poll = async (): Promise<number> => {
      await nextTurn();
      return jobs.run(3, options()).catch(() => poll());
    };
    expect(await poll()).toBe(6);
  });

  it('rejects for good when the service has ended', async () => {
    const { jobs, service } = setUp();
    const waiting = outcomeOf(jobs.run(1, options()));
    service().close();
    expect(await waiting).toMatchObject({ retryable: false });
    await expect(jobs.run(2, options())).rejects.toThrow('the speech service has ended');
  });

  it('gives each job to the thread with the fewest', async () => {
    const { jobs, service } = setUp(2);
    const gate = Promise.withResolvers<void>();
    const first = sendLine(service(0), gate.promise);
    const second = sendLine(service(1), gate.promise);
    // One job through each line, so that both are known to be there.
    const warm = [jobs.run(1, options()), jobs.run(2, options())];
    gate.resolve();
    await Promise.all(warm);
    await Promise.all([3, 4, 5, 6].map((n) => jobs.run(n, options())));
    expect([first.started.length, second.started.length]).toEqual([3, 3]);
  });

  it('gives no job to a thread that does not start while another does', async () => {
    const { jobs, service } = setUp(2);
    const kept = outcomeOf(jobs.run(1, options()));
    service(0).postMessage({ type: 'down', message: 'the thread does not start' });
    expect(await kept).toMatchObject({ retryable: true });
    const waiting = [2, 3, 4].map((n) => jobs.run(n, options()));
    const { started } = sendLine(service(1));
    expect(await Promise.all(waiting)).toEqual([4, 6, 8]);
    expect(started).toEqual([2, 3, 4]);
  });

  it('tells a full thread’s refusal as one that may pass', async () => {
    const { jobs, service } = setUp();
    const gate = Promise.withResolvers<void>();
    sendLine(service(), gate.promise);
    const all = Array.from({ length: 8 }, (_, n) => outcomeOf(jobs.run(n, options())));
    const refused = await all[7];
    expect(refused).toMatchObject({ retryable: true });
    expect((refused as Error).message).toContain('busy');
    gate.resolve();
    expect(await all[0]).toBe(0);
  });

  it('lets the thread drop a job that is aborted while it waits there', async () => {
    const { jobs, service } = setUp();
    const gate = Promise.withResolvers<void>();
    const { started } = sendLine(service(), gate.promise);
    const running = jobs.run(1, options());
    const controller = new AbortController();
    const dropped = outcomeOf(jobs.run(2, options(controller.signal)));
    const reason = new Error('no longer wanted');
    controller.abort(reason);
    expect(await dropped).toBe(reason);
    gate.resolve();
    expect(await running).toBe(2);
    expect(await jobs.run(3, options())).toBe(6);
    expect(started).toEqual([1, 3]);
  });
});
