import { plainTextOf } from './plain-text.ts';

/** What happened to a message at a destination. */
type StatusName = 'RECEIVED' | 'FILTERED' | 'TRANSFORMED' | 'SENT' | 'QUEUED' | 'ERROR' | 'PENDING';

export const RECEIVED = 'RECEIVED';
export const FILTERED = 'FILTERED';
export const TRANSFORMED = 'TRANSFORMED';
export const SENT = 'SENT';
export const QUEUED = 'QUEUED';
export const ERROR = 'ERROR';
export const PENDING = 'PENDING';

/** The same as a class, for scripts that name it. */
export const Status = { RECEIVED, FILTERED, TRANSFORMED, SENT, QUEUED, ERROR, PENDING } as const;

/** What a destination answered, or what a script answers to the sender. */
class OwnResponse {
  #status: StatusName;
  #message: string;
  #statusMessage: string;
  #error: string;

  constructor(
    status?: unknown,
    message?: unknown,
    statusMessage: unknown = '',
    error: unknown = '',
  ) {
    const isStatus = message !== undefined;
    this.#status = (isStatus ? String(status) : SENT) as StatusName;
    this.#message = plainTextOf((isStatus ? message : status) ?? '');
    this.#statusMessage = plainTextOf(statusMessage ?? '');
    this.#error = plainTextOf(error ?? '');
  }

  getStatus(): StatusName {
    return this.#status;
  }

  setStatus(status: StatusName): void {
    this.#status = status;
  }

  getMessage(): string {
    return this.#message;
  }

  setMessage(message: unknown): void {
    this.#message = String(message);
  }

  getStatusMessage(): string {
    return this.#statusMessage;
  }

  setStatusMessage(text: unknown): void {
    this.#statusMessage = String(text);
  }

  getError(): string {
    return this.#error;
  }

  setError(text: unknown): void {
    this.#error = String(text);
  }

  toString(): string {
    return this.#message;
  }
}

/** A Java class that can be created with or without `new`. */
export const Response = new Proxy(OwnResponse, {
  apply: (of, _self, given: ConstructorParameters<typeof OwnResponse>) => new of(...given),
});
export type Response = OwnResponse;

const made =
  (status: StatusName) =>
  (message?: unknown): OwnResponse =>
    new OwnResponse(status, message ?? '');

export const ResponseFactory = {
  getSentResponse: made(SENT),
  getSuccessResponse: made(SENT),
  getErrorResponse: made(ERROR),
  getQueuedResponse: made(QUEUED),
  getFilteredResponse: made(FILTERED),
};

/** The response to what an operation answered; that of a Database Writer says only how many rows were written. */
export function responseTo(
  {
    isGood,
    body,
    text,
  }: { readonly isGood: boolean; readonly body: string; readonly text: string },
  isDatabase = false,
): OwnResponse {
  if (!isGood || !isDatabase) return new OwnResponse(isGood ? SENT : ERROR, body, text);
  const [, count] = /^\{"count":(\d+)/.exec(body) ?? [];
  const more = count === undefined ? '' : `, ${count} rows updated`;
  return new OwnResponse(SENT, '', `Database write success${more}`);
}
