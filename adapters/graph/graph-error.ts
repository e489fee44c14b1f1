/** Graph understood a request and refused it. */
export class GraphError extends Error {
  readonly status: number;
  /** Microsoft's word for it: `ErrorAccessDenied`. `''` where the answer came from somewhere else. */
  readonly graphCode: string;
  /** Microsoft's sentence. It may quote addresses, so it goes to the trace and never to a log. */
  readonly said: string;
  /** Milliseconds that Graph asks to wait. */
  readonly retryAfter: number | undefined;
  /** What Microsoft's support asks for. */
  readonly requestId: string | undefined;

  constructor(
    status: number,
    {
      code,
      said,
      retryAfter,
      requestId,
    }: Pick<GraphError, 'said' | 'retryAfter' | 'requestId'> & {
      readonly code: string;
    },
  ) {
    super(`Graph answered ${status} ${code}`);
    this.status = status;
    this.graphCode = code;
    this.said = said;
    this.retryAfter = retryAfter;
    this.requestId = requestId;
  }

  /** For a trace. */
  get detail(): string {
    const id = this.requestId === undefined ? '' : ` (request-id ${this.requestId})`;
    return `${this.graphCode}: ${this.said}${id}`;
  }
}

/** No answer came. */
export class NoAnswer extends Error {
  /** Whether the request may have arrived and been carried out. */
  readonly doubtful: boolean;

  constructor(cause: unknown, doubtful: boolean) {
    super('no answer', { cause });
    this.doubtful = doubtful;
  }
}
