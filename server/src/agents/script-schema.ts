import { z } from 'zod';

/** A scripted conversation. */
export const scriptSchema = z.strictObject({
  start: z.string(),
});
