import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '../error/codes.ts';
import { isEngineError } from '../error/engine-error.ts';
import { type ApiCode, ApiError } from './api-error.ts';
import { type Static, Type } from './type.ts';

/** RFC 9457. `code` does not change between versions; `detail` is for people. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'urn:waybill:problem: and the code' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String(),
    detail: Type.String(),
    retryable: Type.Boolean(),
    request: Type.String({ description: 'The request id, as in the log.' }),
  },
  { description: 'What went wrong (RFC 9457).' },
);
export type Problem = Static<typeof Problem>;

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
};

const STATUS: Partial<Record<ErrorCode, number>> = {
  NOT_FOUND: 404,
  HOST_UNKNOWN: 404,
  ORDER_UNCERTAIN: 409,
  LIST_OUTDATED: 409,
  CONFIG_CHANGED: 409,
  MESSAGES_WAITING: 409,
  QUERY_INVALID: 400,
  CONFIG_INVALID: 422,
  DOCUMENT_UNREADABLE: 422,
  PATH_INVALID: 422,
  MESSAGE_INVALID: 422,
  REHEARSAL_STUCK: 422,
  REHEARSAL_BUSY: 429,
  REHEARSAL_UNKNOWN: 503,
  CREDENTIAL_MISSING: 422,
  CREDENTIAL_REFUSED: 422,
  MESSAGE_TOO_LARGE: 413,
  BROKER_UNAVAILABLE: 503,
  QUEUE_UNAVAILABLE: 503,
  QUEUE_FULL: 503,
  STORE_UNAVAILABLE: 503,
};

interface Described {
  readonly status: number;
  readonly code: ApiCode;
  readonly detail: string;
  readonly retryable: boolean;
}

/** Every error becomes a problem document; a foreign error's text is withheld, since parsers quote their input. */
export function sendProblem(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const described = describe(error);
  // the client has gone, or it is an answer and not a fault of ours: nothing is wrong here
  const isExpected = error.name === 'AbortError' || error instanceof ApiError;
  if (described.status >= 500 && !isExpected) {
    request.log.error({ event: 'api-failed', code: described.code, err: error }, 'api-failed');
  }
  const { status, code, detail, retryable } = described;
  const problem: Problem = {
    type: `urn:waybill:problem:${code}`,
    title: TITLES[status] ?? 'Error',
    status,
    code,
    detail,
    retryable,
    request: request.id,
  };
  // the type set for a stream must not remain, and the problem does not match the route's schema
  void reply
    .code(status)
    .removeHeader('content-disposition')
    .serializer(JSON.stringify)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(problem);
}

export function notFound(request: FastifyRequest, reply: FastifyReply): void {
  const path = request.url.split('?', 1)[0] ?? '';
  sendProblem(
    new ApiError(404, 'NOT_FOUND', `there is no ${request.method} ${path}`),
    request,
    reply,
  );
}

/** The name that a request gives and its schema does not have, which the validator's text leaves out. */
function unknownIn(validation: NonNullable<FastifyError['validation']>): string {
  const name = validation[0]?.params['additionalProperty'];
  return typeof name === 'string' ? `: ${JSON.stringify(name.slice(0, 100))}` : '';
}

function describe(error: FastifyError | Error): Described {
  if (error instanceof ApiError) {
    const { status, code, message } = error;
    return { status, code, detail: message, retryable: status === 429 || status === 503 };
  }
  if (isEngineError(error)) {
    const status = STATUS[error.code] ?? (error.retryable ? 503 : 502);
    return { status, code: error.code, detail: error.message, retryable: error.retryable };
  }
  const { statusCode, validation, message } = error as FastifyError;
  if (validation !== undefined) {
    const detail = `${message}${unknownIn(validation)}`;
    return { status: 400, code: 'REQUEST_INVALID', detail, retryable: false };
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    const code = statusCode === 429 ? 'TOO_MANY' : 'REQUEST_INVALID';
    return {
      status: statusCode,
      code,
      detail: TITLES[statusCode] ?? 'the request was refused',
      retryable: statusCode === 429,
    };
  }
  const detail = 'something went wrong here; the log has it under this request';
  return { status: 500, code: 'INTERNAL', detail, retryable: true };
}
