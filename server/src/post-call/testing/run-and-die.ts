import { randomBytes } from 'node:crypto';
import { openDatabase } from '../../db/database.ts';
import { systemClock } from '../../shared/clock.ts';
import { silentLogger } from '../../shared/logger.ts';
import { createSecrets } from '../../workspaces/secrets.ts';
import { runPostCall } from '../run-post-call.ts';
import { postCallContext } from './post-call-lab.ts';

/**
 * Run as a program of its own by tests: works on a call and dies by SIGKILL at a point such as
 * `cost:prepared`. Arguments: database URL, folder of recordings, call, point.
 */
const [url = '', folder = '', callId = '', point = ''] = process.argv.slice(2);
const db = await openDatabase({ url, logger: silentLogger, clock: systemClock });
const secrets = createSecrets([randomBytes(32)]);
await runPostCall(postCallContext({ db, secrets }, folder), callId, {
  onProgress: (step, phase) => {
    if (`${step}:${phase}` === point) process.kill(process.pid, 'SIGKILL');
  },
});
await db.close();
