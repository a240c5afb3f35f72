import { describe, expect, it } from 'vitest';
import { requestHash, storedKey } from './idempotency.ts';

const request = { workspaceId: 'ws_1', to: '+15005550101', idempotencyKey: 'k' };

describe('an idempotency key', () => {
  it('is one door’s own', () => {
    expect(storedKey(request)).toBe('k');
    expect(storedKey({ ...request, door: 'livekit' })).toBe('livekit:k');
    expect(storedKey({ workspaceId: 'ws_1', to: '+1' })).toBeNull();
  });

  it('stands for the whole request, in whatever order its fields come', () => {
    const a = requestHash({ ...request, variables: { b: [1, { y: 2, x: 1 }], a: '1' } });
    const b = requestHash({ ...request, variables: { a: '1', b: [1, { x: 1, y: 2 }] } });
    expect(a).toBe(b);
    expect(requestHash({ ...request, variables: { a: '2' } })).not.toBe(a);
    expect(requestHash({ ...request, idempotencyKey: 'other' })).toBe(requestHash(request));
  });

  it('stands for the body of the door where that is given', () => {
    const hash = requestHash({ ...request, idempotencyBody: { recipient: 'x' } });
    expect(requestHash({ ...request, to: '+1', idempotencyBody: { recipient: 'x' } })).toBe(hash);
    expect(requestHash({ ...request, idempotencyBody: { recipient: 'y' } })).not.toBe(hash);
  });
});
