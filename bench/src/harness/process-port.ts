import type { ChildProcess } from 'node:child_process';
import type { RpcPort } from '../../../server/src/shared/worker-rpc.ts';

/** A child process as one end of an RPC. */
export function childPort(child: ChildProcess): RpcPort {
  return portOf((message) => child.connected && child.send(message as object), child);
}

/** The process that forked this one; null: none did. */
export function parentPort(): RpcPort | null {
  if (!process.send) return null;
  return portOf((message) => process.connected && process.send?.(message), process);
}

function portOf(
  send: (message: unknown) => unknown,
  emitter: Pick<NodeJS.EventEmitter, 'on' | 'off'>,
): RpcPort {
  // Threads and processes emit the same `message` event; only sending is called differently.
  const port = {
    postMessage: (message: unknown): void => void send(message),
    on: (event: string, listener: (...args: never[]) => void) =>
      emitter.on(event, listener as never),
    off: (event: string, listener: (...args: never[]) => void) =>
      emitter.off(event, listener as never),
  };
  return port as unknown as RpcPort;
}
