/** A booking was refused; nothing was booked. The message is one sentence for the caller. */
export class WalletError extends Error {
  readonly code: 'reference-taken' | 'nothing-to-refund' | 'too-much';

  constructor(code: WalletError['code'], message: string) {
    super(message);
    this.name = 'WalletError';
    this.code = code;
  }
}
