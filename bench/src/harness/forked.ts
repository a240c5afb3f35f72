import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { RpcEndpoint } from '../../../server/src/shared/worker-rpc.ts';
import { childPort } from './process-port.ts';

type Procedures = Record<string, (args: never) => unknown>;

/** A process of ours at the other end of an RPC. */
export interface Forked<Remote extends Procedures> {
  readonly pid: number;
  readonly rpc: RpcEndpoint<Record<string, never>, Remote>;
  /** Ends the process, by force where it does not end by itself. Idempotent. */
  close(): Promise<void>;
}

const CLOSE_TIMEOUT_MS = 5_000;

/** Starts a module as a process of its own. */
export function forked<Remote extends Procedures>(module: URL): Forked<Remote> {
  const child = fork(module, [], { serialization: 'advanced' });
  const rpc = new RpcEndpoint<Record<string, never>, Remote>(childPort(child), {});
  child.once('exit', () => rpc.close());
  return { pid: child.pid ?? 0, rpc, close: () => close(child) };
}

async function close(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}
