/** Graph understood a request and refused it. */
export class GraphError extends Error {
  readonly status: number;
  /** Microsoft's code for it: `ErrorAccessDenied`. `''` if the answer came from somewhere else. */
  readonly graphCode: string;
  /** Microsoft's sentence. It may quote addresses, so it goes to the trace and never to a log. */
  readonly said: string;
  /** Milliseconds that Graph asks to wait. */
  readonly retryAfter: number | undefined;
  /** The id that Microsoft's support asks for. */
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

  /**
   * Graph gives each refusal a code, except sometimes for a token; a refusal without one comes from
   * a proxy, a portal or a gateway.
   */
  get isForeign(): boolean {
    return this.graphCode === '' && this.status < 500 && this.status !== 401 && this.status !== 429;
  }

  /** Whether the request may have been carried out anyway. */
  get isDoubtful(): boolean {
    return this.status >= 500 || this.status === 408 || this.status < 300;
  }

  /** Whether the object does not exist: it was moved out of reach or deleted. */
  get isGone(): boolean {
    return this.status === 404 && /^(Error)?ItemNotFound$/i.test(this.graphCode);
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
