import { ERROR_CODES, type ErrorCode } from './codes.ts';

export interface ErrorDetail extends ErrorOptions {
  /** The peer's own text: shown in the trace next to the message, masked by the format of values, and never logged. */
  readonly detail?: string;
}

/**
 * Every error that Waybill throws on purpose. Match on `code`, never on the message. The text says what was
 * tried and what the answer was, and never quotes a body or a secret.
 */
export class EngineError extends Error {
  readonly code: ErrorCode;
  /** Whether a retry may succeed. */
  readonly retryable: boolean;
  readonly detail: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    { retryable = false, detail, ...options }: ErrorDetail & { readonly retryable?: boolean } = {},
  ) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.retryable = retryable;
    this.detail = detail;
  }
}

/**
 * Narrows what was caught. Foreign errors are not converted: only their name and system code are
 * known to be free of body text.
 */
export function isEngineError(error: unknown): error is EngineError {
  return error instanceof Error && 'code' in error && 'retryable' in error;
}

/**
 * What may be shown or logged about any error. The text of a foreign error is kept only for the
 * well-known errors of sockets, files and TLS (they have a `code`), since parsers quote their
 * input.
 */
export function describeError(error: unknown): { code: string; text: string; retryable: boolean } {
  if (isEngineError(error)) {
    return { code: error.code, text: error.message, retryable: error.retryable };
  }
  if (error instanceof Error) {
    const { code } = error as { code?: unknown };
    if (typeof code === 'string') return { code, text: error.message, retryable: true };
    if (OF_NATS.has(error.name)) return { code: error.name, text: ofNats(error), retryable: true };
    return { code: error.name, text: `${error.name} (text withheld)`, retryable: true };
  }
  return { code: 'UNKNOWN', text: 'something that is not an Error was thrown', retryable: true };
}

/** The client's errors for what JetStream answers: their texts are the server's, and quote nothing from a message. */
const OF_NATS: ReadonlySet<string> = new Set([
  'JetStreamApiError',
  'StreamNotFoundError',
  'ConsumerNotFoundError',
]);

function ofNats({ message }: Error): string {
  const remedy = roomRemedy(message);
  return `NATS refuses it: ${message}${remedy === undefined ? '' : `. ${remedy}`}`;
}

/** What to do where NATS says that it can store no more: what it may take is full, or its disk. Undefined for other words. */
export function roomRemedy(said: string): string | undefined {
  if (said.includes('insufficient'))
    return 'It holds as much as it may: raise max_file_store in its jetstream block, or remove what else is stored in it';
  if (said.includes('no space left'))
    return 'Free its disk: room (df -h), or inodes (df -i) where it holds too many files';
  return /read-only file|input\/output/.test(said) ? 'Repair its disk' : undefined;
}

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_CODES, code);

/**
 * An error that another thread or process described, as an error again.
 *
 * @param otherwise instead of a code that this version does not know
 */
export function toldError(
  { code, text, retryable }: ReturnType<typeof describeError>,
  otherwise: ErrorCode,
): EngineError {
  return new EngineError(isErrorCode(code) ? code : otherwise, text, { retryable });
}
