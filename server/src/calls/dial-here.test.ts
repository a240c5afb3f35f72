import { describe, expect, it } from 'vitest';
import { silentLogger } from '../shared/logger.ts';
import { DialHere } from './dial-here.ts';
import type { KnownCall } from './load-plan.ts';

const known = { call: { id: 'call_1' } } as unknown as KnownCall;

interface Rig {
  here: DialHere;
  removed: string[];
  /** Lets the next dialling come to its end. */
  dialled: PromiseWithResolvers<void>;
}

function rig(free: number): Rig {
  const removed: string[] = [];
  const dialled = Promise.withResolvers<void>();
  const here = new DialHere({
    jobs: { remove: (_name, jobId) => Promise.resolve(void removed.push(jobId)) },
    logger: silentLogger,
    freeCount: () => free,
    dial: () => dialled.promise,
  });
  return { here, removed, dialled };
}

describe('a place to dial at once', () => {
  it('is given as often as there is room, and again when nothing was stored', () => {
    const { here } = rig(2);
    const first = here.place();
    expect(here.place()).not.toBeNull();
    expect(here.place()).toBeNull();
    first?.release();
    first?.release();
    expect(here.place()).not.toBeNull();
    expect(here.place()).toBeNull();
  });

  it('takes the job away when the call is on its way', async () => {
    const { here, removed, dialled } = rig(1);
    here.place()?.begin(known, 'job-1');
    expect(removed).toEqual([]);
    dialled.resolve();
    await expect.poll(() => removed).toEqual(['job-1']);
  });

  it('leaves the call to its job when it comes to nothing', async () => {
    const { here, removed, dialled } = rig(1);
    here.place()?.begin(known, 'job-1');
    dialled.reject(new Error('no free slot'));
    await dialled.promise.catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect(removed).toEqual([]);
  });
});
