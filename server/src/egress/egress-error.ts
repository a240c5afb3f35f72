/** Why a request that we make for somebody came to nothing. */
export type EgressErrorCode =
  /** The URL, or an address behind its host, may not be asked. */
  | 'refused-target'
  /** The host has no address. */
  | 'unresolved'
  /** Nobody answered at the address, or the connection broke. */
  | 'unreachable'
  | 'timeout'
  /** Head or body of the response is larger than allowed. */
  | 'response-too-large'
  /** What came back is not HTTP. */
  | 'bad-response'
  /** The caller aborted, or the program is stopping. */
  | 'aborted';

export class EgressError extends Error {
  readonly code: EgressErrorCode;

  constructor(code: EgressErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EgressError';
    this.code = code;
  }
}
