/** HTTP status of each Twirp error code. */
const STATUS = {
  canceled: 408,
  unknown: 500,
  invalid_argument: 400,
  malformed: 400,
  deadline_exceeded: 408,
  not_found: 404,
  bad_route: 404,
  already_exists: 409,
  permission_denied: 403,
  unauthenticated: 401,
  resource_exhausted: 429,
  failed_precondition: 412,
  aborted: 409,
  out_of_range: 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
} as const;

export type TwirpCode = keyof typeof STATUS;

/** Answered as `{"code", "msg", "meta"}` with the status of its code. */
export class TwirpError extends Error {
  readonly code: TwirpCode;
  readonly meta: Readonly<Record<string, string>>;

  constructor(code: TwirpCode, message: string, meta: Record<string, string> = {}) {
    super(message);
    this.name = 'TwirpError';
    this.code = code;
    this.meta = meta;
  }

  get status(): number {
    return STATUS[this.code];
  }

  toBody(): { code: TwirpCode; msg: string; meta: Readonly<Record<string, string>> } {
    return { code: this.code, msg: this.message, meta: this.meta };
  }
}

/** SIP answers whose Twirp code is not the one of their class. */
const BY_SIP_STATUS: readonly [TwirpCode, readonly number[]][] = [
  ['not_found', [301, 302, 404, 410, 481, 604]],
  ['permission_denied', [401, 402, 403, 433, 470, 603, 607, 608]],
  ['unauthenticated', [407, 428, 436, 437, 438, 494]],
  ['deadline_exceeded', [408, 504]],
  ['failed_precondition', [409, 412, 482, 483]],
  ['resource_exhausted', [440, 480, 486, 600]],
  ['aborted', [487, 491]],
  ['out_of_range', [416]],
];

/** The Twirp code that LiveKit gives to a final SIP answer. */
export function twirpCodeOfSip(status: number): TwirpCode {
  const found = BY_SIP_STATUS.find(([, statuses]) => statuses.includes(status));
  if (found) return found[0];
  return status >= 500 && status < 600 ? 'failed_precondition' : 'invalid_argument';
}

/** A call that a SIP answer ended; clients read the answer from `meta`. */
export function sipFailure(
  sip: { code: number; reason: string },
  options: { before?: string } = {},
): TwirpError {
  return new TwirpError(
    twirpCodeOfSip(sip.code),
    `${options.before ?? ''}sip status ${sip.code}: ${sip.reason}`,
    {
      sip_status_code: String(sip.code),
      sip_status: sip.reason,
    },
  );
}
