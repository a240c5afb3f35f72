import { z } from 'zod';
import { eventNamesOf, WEBHOOK_FORMATS } from '../events/event-type.ts';

/** Where the events of an agent's calls are sent, besides the workspace's own webhooks. */
export const webhookSchema = z
  .strictObject({
    url: z.url({ protocol: /^https?$/ }).max(2_000),
    /** `bolna` sends Bolna's execution object at every change of the status. */
    format: z.enum(WEBHOOK_FORMATS).default('trunkline'),
    /** In the words of the format. Default: all of them. */
    events: z.array(z.string().max(100)).max(50).default([]),
  })
  .superRefine(({ format, events }, ctx) => {
    const names = eventNamesOf(format);
    for (const [index, name] of events.entries()) {
      if (names.includes(name)) continue;
      ctx.addIssue({
        code: 'custom',
        path: ['events', index],
        message: `${name} is no event of the format ${format}; there are ${names.join(', ')}`,
      });
    }
  });
