import { MessageChannel } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { RpcClosedError, RpcEndpoint } from './worker-rpc.ts';

type Maths = {
  double: (n: number) => number;
  fail: (why: string) => Promise<never>;
  note: (text: string) => void;
};
type Nothing = Record<never, never>;

const channels: MessageChannel[] = [];

function pair(onCastError?: (name: string, error: unknown) => void) {
  const channel = new MessageChannel();
  channels.push(channel);
  const notes: string[] = [];
  const server = new RpcEndpoint<Maths, Nothing>(
    channel.port1,
    {
      double: (n) => n * 2,
      fail: (why) => Promise.reject(new Error(why)),
      note: (text) => {
        if (text === 'bad') throw new Error('bad note');
        notes.push(text);
      },
    },
    onCastError,
  );
  const client = new RpcEndpoint<Nothing, Maths>(channel.port2, {});
  return { client, server, notes };
}

afterEach(() => {
  for (const channel of channels.splice(0)) channel.port1.close();
});

describe('RpcEndpoint', () => {
  it('answers calls by their number', async () => {
    const { client } = pair();
    expect(await Promise.all([client.call('double', 4), client.call('double', 5)])).toEqual([
      8, 10,
    ]);
  });

  it('rejects with the message of the other side', async () => {
    const { client } = pair();
    await expect(client.call('fail', 'no such thing')).rejects.toThrow('no such thing');
  });

  it('reports a cast that throws and keeps the order of casts and calls', async () => {
    const errors: string[] = [];
    const { client, notes } = pair((name) => errors.push(name));
    client.cast('note', 'one');
    client.cast('note', 'bad');
    client.cast('note', 'two');
    await client.call('double', 1);
    expect(notes).toEqual(['one', 'two']);
    expect(errors).toEqual(['note']);
  });

  it('rejects what is awaited when it is closed, and every call after', async () => {
    const { client } = pair();
    const waiting = client.call('double', 1);
    client.close();
    client.close();
    await expect(waiting).rejects.toThrow(RpcClosedError);
    await expect(client.call('double', 1)).rejects.toThrow(RpcClosedError);
  });
});
