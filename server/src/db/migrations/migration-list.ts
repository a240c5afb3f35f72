import { sql as firstCall } from './0001-first-call.ts';
import { sql as inboundRetries } from './0002-inbound-retries.ts';
import { sql as stopRequests } from './0003-stop-requests.ts';
import { sql as tenancy } from './0004-tenancy.ts';
import { sql as wallet } from './0005-wallet.ts';
import { sql as compliance } from './0006-compliance.ts';
import { sql as webhooks } from './0007-webhooks.ts';
import { sql as postCall } from './0008-post-call.ts';
import { sql as callAdmission } from './0009-call-admission.ts';
import { sql as trunks } from './0010-trunks.ts';
import { sql as rooms } from './0011-rooms.ts';
import { sql as zentrunk } from './0012-zentrunk.ts';
import { sql as bolna } from './0013-bolna.ts';
import { sql as sipTraces } from './0014-sip-traces.ts';
import { sql as trunkHealth } from './0015-trunk-health.ts';
import { sql as rowSecurity } from './0020-row-security.ts';
import { sql as hotTables } from './0021-hot-tables.ts';
import { sql as spendWarnings } from './0022-spend-warnings.ts';
import { sql as freeNumbers } from './0023-free-numbers.ts';
import { sql as zentrunkAttempts } from './0024-zentrunk-attempts.ts';
import { sql as sipRouting } from './0030-sip-routing.ts';
import { sql as answering } from './0040-answering.ts';
import { sql as transfer } from './0045-transfer.ts';
import { sql as sipRetention } from './0050-sip-retention.ts';

export interface Migration {
  /** Applied in this order; never reused, never changed once released. */
  version: number;
  name: string;
  sql: string;
}

/** Every migration, oldest first. */
export const migrationList: readonly Migration[] = [
  { version: 1, name: 'first-call', sql: firstCall },
  { version: 2, name: 'inbound-retries', sql: inboundRetries },
  { version: 3, name: 'stop-requests', sql: stopRequests },
  { version: 4, name: 'tenancy', sql: tenancy },
  { version: 5, name: 'wallet', sql: wallet },
  { version: 6, name: 'compliance', sql: compliance },
  { version: 7, name: 'webhooks', sql: webhooks },
  { version: 8, name: 'post-call', sql: postCall },
  { version: 9, name: 'call-admission', sql: callAdmission },
  { version: 10, name: 'trunks', sql: trunks },
  { version: 11, name: 'rooms', sql: rooms },
  { version: 12, name: 'zentrunk', sql: zentrunk },
  { version: 13, name: 'bolna', sql: bolna },
  { version: 14, name: 'sip-traces', sql: sipTraces },
  { version: 15, name: 'trunk-health', sql: trunkHealth },
  { version: 20, name: 'row-security', sql: rowSecurity },
  { version: 21, name: 'hot-tables', sql: hotTables },
  { version: 22, name: 'spend-warnings', sql: spendWarnings },
  { version: 23, name: 'free-numbers', sql: freeNumbers },
  { version: 24, name: 'zentrunk-attempts', sql: zentrunkAttempts },
  { version: 30, name: 'sip-routing', sql: sipRouting },
  { version: 40, name: 'answering', sql: answering },
  { version: 45, name: 'transfer', sql: transfer },
  { version: 50, name: 'sip-retention', sql: sipRetention },
];
