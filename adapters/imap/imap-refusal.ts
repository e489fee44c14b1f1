import { type EngineError, NotConnectedError, TemporaryError } from 'waybill/adapter';

interface Meaning {
  /** Whether waiting helps and nothing has to be changed here. */
  readonly passing: boolean;
  /** What is wrong: begins in lower case, no full stop. */
  readonly cause: string;
  /** What to do: a sentence without a full stop. */
  readonly remedy: string;
}

const passing = (cause: string, remedy: string): Meaning => ({ passing: true, cause, remedy });
const lasting = (cause: string, remedy: string): Meaning => ({ passing: false, cause, remedy });

const AGAIN = 'It is retried; look at the log of the server if it lasts';

/** The codes by which servers say why (RFC 5530, RFC 9208). */
const CODES: Readonly<Record<string, Meaning>> = {
  UNAVAILABLE: passing('a part of the server is not working', AGAIN),
  SERVERBUG: passing('the server has an internal fault', AGAIN),
  INUSE: passing('somebody else is using the mailbox exclusively', AGAIN),
  LIMIT: passing(
    'the account has too many connections or requests',
    'Close other programs that use the account, or have the limit raised',
  ),
  OVERQUOTA: passing(
    'the mailbox is full',
    'Have it cleared or enlarged; taken mails are remembered',
  ),
  EXPUNGEISSUED: passing('somebody else has removed mails meanwhile', AGAIN),
  CORRUPTION: lasting('the mailbox is damaged', 'Have it repaired by those who run the server'),
  NONEXISTENT: lasting('there is no such folder', 'Correct its name, or create it'),
  TRYCREATE: lasting('there is no such folder', 'Correct its name, or create it'),
  NOPERM: lasting('the account has no access to it', 'Have access granted'),
  CONTACTADMIN: lasting('the account is locked or switched off', 'Ask those who run the server'),
};

/** What `BAD User is authenticated but not connected` of Exchange means. */
const NOT_CONNECTED = lasting(
  'the sign-in succeeded, but the account may not open this mailbox',
  'Have IMAP allowed for the mailbox, and the account given access to it',
);

/** A refusal as imapflow reports it. */
export interface ImapRefusal {
  /** `NO` or `BAD`. */
  readonly responseStatus?: string;
  /** The response code in brackets. */
  readonly serverResponseCode?: string;
  readonly responseText?: string;
}

/** What the server said when it closed the connection (BYE). */
export interface Goodbye {
  readonly code: string | undefined;
  /** Its text: for the trace, never for a log. */
  readonly reason: string | undefined;
}

function meaningOf({
  serverResponseCode = '',
  responseText = '',
}: ImapRefusal): Meaning | undefined {
  return /authenticated but not connected/i.test(responseText)
    ? NOT_CONNECTED
    : CODES[serverResponseCode];
}

/** Whether this code means that the server cannot answer now, but may later. */
export const isPassing = (code: string): boolean => CODES[code]?.passing === true;

/** `NO [INUSE]`, for people. */
export const refusalText = ({ responseStatus = 'NO', serverResponseCode }: ImapRefusal): string =>
  `${responseStatus}${serverResponseCode === undefined ? '' : ` [${serverResponseCode}]`}`;

/** Why it was refused and what to do, without a full stop; undefined if the server does not say. */
export function refusalReason(refusal: ImapRefusal): string | undefined {
  const meaning = meaningOf(refusal);
  return meaning && `${meaning.cause}. ${meaning.remedy}`;
}

/**
 * The error for `what` the server refused, such as `the folder INBOX cannot be opened`. `otherwise`
 * is the reason and remedy if it does not say why.
 */
export function refusalFailure(
  refusal: ImapRefusal,
  { what, otherwise }: { readonly what: string; readonly otherwise: string },
): EngineError {
  const meaning = meaningOf(refusal);
  const reason = meaning === undefined ? otherwise : `${meaning.cause}. ${meaning.remedy}`;
  const text = `${what} (${refusalText(refusal)}): ${reason}.`;
  return meaning?.passing === true
    ? new TemporaryError(text.replace(/^the /, 'The '))
    : new NotConnectedError(`Not connected: ${text}`);
}

/** Whether the server answered and refused; anything else is about the connection, or asks for a pause. */
export function isRefusal(error: unknown): error is ImapRefusal {
  const { code, responseStatus, mailboxMissing } = error as {
    readonly code?: string;
    readonly responseStatus?: string;
    readonly mailboxMissing?: boolean;
  };
  if (code === 'ETHROTTLE') return false;
  return (responseStatus !== undefined && responseStatus !== 'BYE') || mailboxMissing === true;
}
