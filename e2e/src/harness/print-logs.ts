import { afterEach } from 'vitest';
import { takeLogTails } from './program-logs.ts';

// Named first, run last: a test's own hooks have ended its programs by then.
afterEach(({ task }) => {
  const tails = takeLogTails();
  if (task.result?.state === 'fail') console.log(`the program's log:\n${tails}`);
});
