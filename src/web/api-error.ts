import type { ErrorCode } from '../error/codes.ts';

/** Codes of the API besides those of src/error/codes.ts; stable, like those. */
const API_CODES = {
  SIGN_IN_REQUIRED: 'Nobody is signed in, or the session has ended.',
  FORBIDDEN: 'The signed-in principal lacks a permission, which the text names.',
  PASSWORD_CHANGE_REQUIRED: 'The password was given by somebody else and must be changed first.',
  SECOND_FACTOR_REQUIRED:
    'A second factor is missing: a code has to be sent too, or one has to be set up first. The text says which.',
  REQUEST_INVALID: 'The request does not match its schema. The text names the part.',
  CONFLICT: 'The object is in a state in which this cannot be done. The text says which.',
  TOO_MANY: 'Too many requests of this kind are running or were made recently. Try again later.',
  INTERNAL: 'A bug. The log of the operator plane has it under the same request id.',
} as const;

export type ApiCode = keyof typeof API_CODES | ErrorCode;

/** Thrown by routes and hooks; becomes `application/problem+json` with its status and code. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: ApiCode;

  constructor(status: number, code: ApiCode, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
  }
}
