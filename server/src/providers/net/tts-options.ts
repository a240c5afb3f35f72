import type { HttpAccess } from './http-request.ts';

/** What every network voice is made with. */
export interface TtsAdapterOptions extends HttpAccess {
  /** Default: the vendor's own. */
  baseUrl?: string | undefined;
  /** Default: the vendor's model for talk without delay. */
  model?: string | undefined;
  /** BCP 47. Default: what the voice speaks. */
  language?: string | undefined;
}
