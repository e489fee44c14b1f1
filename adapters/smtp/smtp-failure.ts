import type { NodemailerError } from 'nodemailer/lib/errors';
import {
  DisableError,
  EngineError,
  NotConnectedError,
  RejectedError,
  TemporaryError,
} from 'waybill/adapter';
import { connectionCause } from 'waybill/peer/basics';
import type { Progress } from './mail-content.ts';
import { answerOf, meaning, type SmtpAnswer } from './smtp-answer.ts';

/** The error for a connection that could not be made, secured or kept. */
export function connectionFailure(error: unknown, place: string): Error {
  if (error instanceof EngineError || !(error instanceof Error)) return asError(error);
  const { response, code, command, timeoutType }: NodemailerError = error;
  if (response !== undefined) return refusedConnection(answerOf(response), { place, command });
  if (timeoutType === 'GREETING_TIMEOUT') {
    return new NotConnectedError(
      `Not connected: ${place} did not greet. It may speak TLS from the start (port 465): use security tls.`,
    );
  }
  if (code === 'ETIMEDOUT') {
    return new NotConnectedError(`Not connected: ${place} stopped answering.`);
  }
  const { cause, remedy, tls } = connectionCause(withOwnCode(error), place);
  const refused = new EngineError('TLS_REFUSED', cause, { retryable: true });
  return new NotConnectedError(
    `Not connected: ${cause}. ${remedy}.`,
    tls ? { cause: refused } : {},
  );
}

/** nodemailer overwrites node's code with its own. */
function withOwnCode(error: NodemailerError): Error {
  return error.originalCode === undefined
    ? error
    : Object.assign(error, { code: error.originalCode });
}

/** Turns what was thrown into an error. */
export const asError = (error: unknown): Error =>
  error instanceof Error
    ? error
    : new EngineError('ADAPTER_TEMPORARY', 'unknown', { retryable: true });

function refusedConnection(
  answer: SmtpAnswer,
  { place, command }: { readonly place: string; readonly command: string | undefined },
): NotConnectedError {
  const text =
    command === 'STARTTLS'
      ? `Not connected: ${place} does not offer encryption (${answer.code} to STARTTLS), so nothing was sent. Have it switched on, or use the port with TLS from the start and security tls.`
      : `Not connected: ${place} answered ${answer.code}${meaning(answer)}. Ask its administrator why.`;
  return new NotConnectedError(text, { detail: answer.text });
}

/** The error for a mail that the server refused or whose connection broke. */
export function mailFailure(error: unknown, place: string, progress: Progress): Error {
  const { response, command = 'the mail' } = error as NodemailerError;
  if (response === undefined) {
    const failure = connectionFailure(error, place);
    if (progress !== 'read') return failure;
    // Counted as a try, unlike a lost connection: otherwise a mail that crashes the server would be
    // sent again and again.
    return new TemporaryError(
      `${place} broke the connection after the mail was handed over, before it confirmed. It may have been delivered; it is sent again with the same Message-ID.`,
      { cause: failure },
    );
  }
  const answer = answerOf(response);
  const text = `${place} answered ${answer.code} to ${command}${meaning(answer)}.`;
  if (answer.status === 421 && progress === 'unread') {
    return new NotConnectedError(`${text} It ended the connection.`, { detail: answer.text });
  }
  if (answer.status < 500) return new TemporaryError(text, { detail: answer.text });
  return isSetup(answer)
    ? new DisableError(`${text} Correct the sign-in of this operation.`, { detail: answer.text })
    : new RejectedError(text, { detail: answer.text });
}

/** Refusals that would affect every mail: no sign-in, or no encryption. */
function isSetup({ status, code }: SmtpAnswer): boolean {
  return status === 530 || status === 535 || status === 538 || code.endsWith(' 5.7.57');
}
