import type { WebhookFormat } from '../../events/event-type.ts';
import { bolnaFormat } from './bolna.ts';
import { boltiFormat } from './bolti.ts';
import { createLiveKitFormat, type FindSigningPair } from './livekit.ts';
import { createTrunklineFormat, type DescribeCall } from './trunkline.ts';
import type { WebhookFormatter } from './webhook-format.ts';

/** Every form that webhooks are sent in. */
export function formatList(options: {
  describeCall: DescribeCall;
  /** Default: no workspace has a pair of its own. */
  findSigningPair?: FindSigningPair | undefined;
}): Partial<Record<WebhookFormat, WebhookFormatter>> {
  return {
    trunkline: createTrunklineFormat(options.describeCall),
    bolna: bolnaFormat,
    bolti: boltiFormat,
    livekit: createLiveKitFormat(options.findSigningPair ?? (() => Promise.resolve(null))),
  };
}
