import { type EngineError, NotConnectedError, TemporaryError } from 'waybill/adapter';

/** The first line of an answer. */
export interface Pop3Answer {
  readonly ok: boolean;
  /** The response code in brackets (RFC 2449, RFC 3206): `IN-USE`, `SYS/TEMP`; `''` if there is none. */
  readonly code: string;
  /** The rest: for deciding, never for a log. */
  readonly text: string;
}

/** Undefined if the line is not one of POP3. */
export function answerOf(line: string): Pop3Answer | undefined {
  const [, status, code = '', text = ''] =
    /^(\+OK|-ERR)(?: +\[([^\]]*)\])?(?: +(.*))?$/i.exec(line.trimEnd()) ?? [];
  return status === undefined
    ? undefined
    : { ok: status.startsWith('+'), code: code.toUpperCase(), text };
}

/** Servers without codes say it in words. */
const LOCKED = /\b(lock(ed)?|in use|busy|already (open|logged)|another (session|pop))/i;

/** The error for an answer that is about the server or the mailbox, now or for good; undefined if it is not. */
export function mailboxFailure({ code, text }: Pop3Answer, place: string): EngineError | undefined {
  if (code === 'IN-USE' || (code === '' && LOCKED.test(text))) {
    return new TemporaryError(
      `${place} says that another session holds the mailbox. It is tried again; a session that was cut may hold it for ten minutes.`,
    );
  }
  if (code === 'LOGIN-DELAY') {
    return new TemporaryError(
      `${place} wants more time between two sign-ins. It is tried again; set every to a longer time.`,
    );
  }
  if (code === 'SYS/TEMP') {
    return new TemporaryError(
      `${place} has a passing fault (SYS/TEMP). It is tried again; look at the log of the server if it lasts.`,
    );
  }
  if (code === 'SYS/PERM') {
    return new NotConnectedError(
      `Not connected: ${place} cannot open the mailbox (SYS/PERM). Ask those who run the server to look at its log.`,
    );
  }
  return undefined;
}

/** `-ERR [AUTH]`, for people. */
export const refusalText = ({ code }: Pop3Answer): string =>
  code === '' ? '-ERR' : `-ERR [${code}]`;
