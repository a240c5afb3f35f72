/** Something cannot be what was asked for. */
export class ZentrunkError extends Error {
  /** 422: a field that is needed is missing; 400: a value cannot be; 404: there is no such thing. */
  readonly status: 400 | 404 | 422;

  constructor(status: ZentrunkError['status'], message: string) {
    super(message);
    this.name = 'ZentrunkError';
    this.status = status;
  }
}
