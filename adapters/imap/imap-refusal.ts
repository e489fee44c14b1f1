import { type EngineError, NotConnectedError, TemporaryError } from 'waybill/adapter';

interface Meaning {
  /** Whether waiting helps, and nothing has to be changed here. */
  readonly passing: boolean;
  /** What is wrong: begins lower case, no full stop. */
  readonly cause: string;
  /** What to do: a sentence without a full stop. */
  readonly remedy: string;
}

const passing = (cause: string, remedy: string): Meaning => ({ passing: true, cause, remedy });
const lasting = (cause: string, remedy: string): Meaning => ({ passing: false, cause, remedy });

const AGAIN = 'It is asked again; look at the log of the server if it lasts';

/** The codes by which servers say why (RFC 5530, RFC 9208). */
const CODES: Readonly<Record<string, Meaning>> = {
  UNAVAILABLE: passing('a part of the server does not work now', AGAIN),
  SERVERBUG: passing('the server has met a fault of its own', AGAIN),
  INUSE: passing('somebody else uses the mailbox and shuts others out', AGAIN),
  LIMIT: passing(
    'the account has too many connections, or asks too much',
    'Close other programs that use the account, or have the limit raised',
  ),
  OVERQUOTA: passing(
    'the mailbox is full',
    'Have it cleared or enlarged; taken mails are remembered',
  ),
  EXPUNGEISSUED: passing('mails were removed by somebody else meanwhile', AGAIN),
  CORRUPTION: lasting('the mailbox is damaged', 'Have it repaired by those who run the server'),
  NONEXISTENT: lasting('there is no such folder', 'Correct its name, or make it'),
  TRYCREATE: lasting('there is no such folder', 'Correct its name, or make it'),
  NOPERM: lasting('the account has no right on it', 'Have the right given'),
  CONTACTADMIN: lasting('the account is locked or switched off', 'Ask those who run the server'),
};

/** What `BAD User is authenticated but not connected` of Exchange means. */
const NOT_CONNECTED = lasting(
  'the sign-in is good, and the account may not open this mailbox',
  'Have IMAP allowed for the mailbox, and the account given a right on it',
);

/** A refusal as imapflow gives it. */
export interface ImapRefusal {
  /** `NO` or `BAD`. */
  readonly responseStatus?: string;
  /** The response code in brackets. */
  readonly serverResponseCode?: string;
  readonly responseText?: string;
}

/** What a server said as it closed the connection (BYE). */
export interface Goodbye {
  readonly code: string | undefined;
  /** Its words: for the trace, never for a log. */
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

/** Whether a server says with this code that it cannot answer now, and may do so later. */
export const isPassing = (code: string): boolean => CODES[code]?.passing === true;

/** `NO [INUSE]`, for people. */
export const refusalText = ({ responseStatus = 'NO', serverResponseCode }: ImapRefusal): string =>
  `${responseStatus}${serverResponseCode === undefined ? '' : ` [${serverResponseCode}]`}`;

/** Why it was refused and what to do, without a full stop; undefined where the server does not say. */
export function refusalReason(refusal: ImapRefusal): string | undefined {
  const meaning = meaningOf(refusal);
  return meaning && `${meaning.cause}. ${meaning.remedy}`;
}

/**
 * The error for `what` that the server refused, such as `the folder INBOX cannot be opened`. `otherwise`
 * is the reason and remedy where it does not say why.
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

/** The server answered and said no; anything else is about the connection, or asks for a pause. */
export function isRefusal(error: unknown): error is ImapRefusal {
  const { code, responseStatus, mailboxMissing } = error as {
    readonly code?: string;
    readonly responseStatus?: string;
    readonly mailboxMissing?: boolean;
  };
  if (code === 'ETHROTTLE') return false;
  return (responseStatus !== undefined && responseStatus !== 'BYE') || mailboxMissing === true;
}
