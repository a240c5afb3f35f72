import type { WebSocket } from 'ws';
import type { Clock, TimerHandle } from '../../shared/clock.ts';

/** Shorter than the idle limit of the usual proxies, which is a minute. */
const PING_PERIOD_MS = 25_000;
/** RFC 6455 §7.4.1. */
const POLICY_VIOLATION = 1008;

/**
 * Pings a reader (RFC 6455 §5.5.2), so that a proxy does not take the line for idle, and cuts one
 * off that has not answered the ping before: its machine is gone. With each ping it is asked
 * whether the reader may still read.
 */
export function keepAlive(
  socket: WebSocket,
  clock: Clock,
  mayRead: () => Promise<boolean>,
): { close(): void } {
  let answered = true;
  let timer: TimerHandle = clock.setTimer(PING_PERIOD_MS, beat);
  socket.on('pong', () => {
    answered = true;
  });
  const close = (): void => timer.cancel();
  socket.on('close', close);
  return { close };

  function beat(): void {
    if (!answered) {
      socket.terminate();
      return;
    }
    answered = false;
    socket.ping();
    void judge();
    timer = clock.setTimer(PING_PERIOD_MS, beat);
  }

  async function judge(): Promise<void> {
    // The database is away: it is asked again with the next ping.
    const may = await mayRead().catch(() => true);
    if (!may) socket.close(POLICY_VIOLATION, 'the API key was revoked or has ended');
  }
}
