import type { SocketGuard } from '../../egress/socket-guard.ts';
import type { HttpAccess } from './http-request.ts';

/** What every network recogniser is made with. */
export interface SttAdapterOptions extends HttpAccess {
  /** Default: the vendor's own. */
  baseUrl?: string | undefined;
  /** Default: the vendor's model for talk. */
  model?: string | undefined;
  /** BCP 47, `en` or `hi-IN`; goes before the language of the agent. */
  language?: string | undefined;
  /** Words that are likely to be said. */
  keywords?: readonly string[] | undefined;
  /** For addresses that a sub-account named. Default: any address. */
  guard?: SocketGuard | undefined;
  /** Another recogniser can be asked instead. Default false. */
  hasNext?: boolean | undefined;
}
