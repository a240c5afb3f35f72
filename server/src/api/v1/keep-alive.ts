import type { WebSocket } from 'ws';
import type { Clock, TimerHandle } from '../../shared/clock.ts';

/** Shorter than the idle limit of the usual proxies, which is a minute. */
const PING_PERIOD_MS = 25_000;

/**
 * Pings a reader (RFC 6455 §5.5.2), so that a proxy does not take the line for idle, and cuts one
 * off that has not answered the ping before: its machine is gone.
 */
export function keepAlive(socket: WebSocket, clock: Clock): { close(): void } {
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
    timer = clock.setTimer(PING_PERIOD_MS, beat);
  }
}
