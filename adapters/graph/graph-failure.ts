import {
  DisableError,
  type EngineError,
  NotConnectedError,
  RejectedError,
  SuspendError,
  TemporaryError,
} from 'waybill/adapter';
import { notConnected } from 'waybill/peer/basics';
import { GraphError, NoAnswer } from './graph-error.ts';

/** What a refusal means. `setup`: it would affect every message. `sender`: it depends on the sender of the mail. */
interface Meaning {
  readonly kind: 'setup' | 'sender' | 'message' | 'later';
  /** What is wrong and what to do. */
  readonly text: string;
}

/** Where a refusal occurred: words for the explanation. */
export interface Asked {
  readonly place: string;
  readonly mailbox: string;
  /** The application permission that the request needs. */
  readonly needs: string;
}

type Explain = (asked: Asked) => Meaning;

const setup = (text: string): Meaning => ({ kind: 'setup', text });
const message = (text: string): Meaning => ({ kind: 'message', text });
const later = (text: string): Meaning => ({ kind: 'later', text });

const CODES: Readonly<Record<string, Explain>> = {
  ErrorAccessDenied: ({ needs, mailbox }) =>
    setup(
      `the application is not allowed to do this in ${mailbox}. Grant it the application permission ${needs} with the consent of an administrator; if it has that, include the mailbox in its scope (RBAC for Applications, or the application access policy)`,
    ),
  NoPermissionsInAccessToken: ({ needs }) =>
    setup(
      `the token has no permissions at all. Grant the application ${needs} as an application permission of Microsoft Graph (a delegated one is not enough), with the consent of an administrator; a new consent takes some minutes`,
    ),
  ErrorSendAsDenied: ({ mailbox }) => ({
    kind: 'sender',
    text: `${mailbox} is not allowed to send as the address under from. Use its own address, or give it permission to send as the other`,
  }),
  MailboxNotEnabledForRESTAPI: ({ mailbox }) =>
    setup(
      `${mailbox} is not in Exchange Online: it has no licence, was deleted, or is on your own server. Give it a licence, or use SMTP`,
    ),
  MailboxNotSupportedForRESTAPI: ({ mailbox }) =>
    setup(`${mailbox} is not a mailbox that Graph serves. Use a user's or a shared mailbox`),
  ErrorInvalidUser: ({ mailbox }) =>
    setup(
      `there is no mailbox ${mailbox} in this tenant. Check mailbox, and the tenant of the credential`,
    ),
  ResourceNotFound: ({ mailbox }) =>
    setup(
      `there is no mailbox ${mailbox} in this tenant. Check mailbox, and the tenant of the credential`,
    ),
  ErrorInvalidRecipients: () =>
    message('a recipient is not a valid address. Correct the recipients and resend'),
  ErrorMessageSizeExceeded: () =>
    message(
      'the mail is larger than the mailbox is allowed to send. Have the limit raised (150 MB at most), or send the document another way',
    ),
  ErrorAttachmentSizeLimitExceeded: () =>
    message('the attachment is larger than Graph accepts (150 MB). Send the document another way'),
  ErrorQuotaExceeded: ({ mailbox }) => later(`${mailbox} is full. Have it cleared or enlarged`),
  ErrorSendQuotaExceeded: ({ mailbox }) =>
    later(`${mailbox} has reached its daily limit of mails. It continues tomorrow`),
  ErrorItemNotFound: () =>
    later('what was just created does not exist yet, or was removed by somebody. It is retried'),
};

/** Temporary problems, whatever their status; the first four sometimes come as a 400. */
const PASSING =
  /^(ErrorTimeoutExpired|ErrorServerBusy|ErrorInternalServer(Transient)?Error|ErrorMailboxStoreUnavailable|ErrorMailboxMoveInProgress|ErrorMailboxFailover|ErrorConnectionFailed|ErrorInsufficientResources|ErrorExceeded\w*Count|ErrorTooManyObjectsOpened|ErrorIrresolvableConflict|ErrorNotEnoughMemory|ErrorBatchProcessingStopped|ApplicationThrottled|TooManyRequests|ServiceNotAvailable|RequestTimeout|Timeout)$/i;

/** 408 too slow, 409 somebody else changed it, 423 locked, 425 too early, 429 too many. */
const PASSING_STATUS = new Set([408, 409, 412, 423, 425]);

/** Graph passes on a refusal of the services behind it without a text. Only the status says more. */
const UNKNOWN: Readonly<Record<number, Explain>> = {
  401: ({ mailbox }) =>
    setup(
      `Graph accepted the token, but Exchange Online behind it did not. Usually the tenant of the credential has no Exchange Online, ${mailbox} has no licence, or it was granted minutes ago; the request id in the trace is what Microsoft's support asks for`,
    ),
  403: ({ mailbox, needs }) =>
    setup(
      `Exchange Online refuses the application, and Graph does not say why. Check that it has ${needs}, that ${mailbox} is in its scope, and that no Conditional Access policy for applications blocks this machine`,
    ),
};

const STATUSES: Readonly<Record<number, Explain>> = {
  401: ({ place }) =>
    setup(
      `the token is refused, and so is a fresh one. Check the scope (https://graph.microsoft.com/.default), the tenant, and the clock of this machine; ${place} says no more`,
    ),
  403: ({ needs }) => setup(`the application lacks a permission. Grant it ${needs}`),
  413: () => message('the request is larger than Graph accepts. Make the mail smaller'),
  429: () => later('Graph asks for fewer requests. They continue after a pause'),
};

function meaningOf(error: GraphError, asked: Asked): Meaning {
  const { status, graphCode } = error;
  if (error.isForeign) {
    return later(
      `this is not an answer from Graph, but from something in between. Check the proxy, the firewall and url`,
    );
  }
  if (PASSING.test(graphCode)) return later('Graph is busy. It is retried');
  const silent = graphCode === 'UnknownError' ? UNKNOWN[status] : undefined;
  const known = CODES[graphCode] ?? silent ?? STATUSES[status];
  if (known !== undefined) return known(asked);
  if (status >= 500 || PASSING_STATUS.has(status) || graphCode === 'UnknownError') {
    return later('Graph has a problem of its own. It is retried');
  }
  return message('Graph does not accept the request. See its text in the trace');
}

/**
 * The error to throw for a mail that could not be sent. `fixedSender`: from is the same for every
 * mail, so a refused one is a matter of the settings.
 */
export function sendingFailure(error: unknown, asked: Asked, fixedSender: boolean): unknown {
  if (error instanceof NoAnswer) return lost(error, asked);
  if (!(error instanceof GraphError)) return error;
  const { kind, text } = meaningOf(error, asked);
  const full = `${asked.place} answered ${error.status} ${error.graphCode}: ${text}.`;
  const { detail, retryAfter } = error;
  if (kind === 'later') {
    return new TemporaryError(full, {
      detail,
      ...(retryAfter === undefined ? {} : { retryAfter }),
    });
  }
  if (kind === 'message') return new RejectedError(full, { detail });
  return kind === 'setup' || fixedSender
    ? new DisableError(full, { detail })
    : new SuspendError(full, { detail });
}

function lost({ cause, doubtful }: NoAnswer, { place }: Asked): EngineError {
  const failure = notConnected(cause, place);
  if (!doubtful) return failure;
  return new TemporaryError(
    `${place} broke the connection before it answered, so it may have the mail. The next try looks for it first.`,
    { cause: failure },
  );
}

/** The error for a mailbox that could not be read: it is opened again after a while. */
export function readingFailure(error: unknown, asked: Asked): unknown {
  if (error instanceof NoAnswer) return notConnected(error.cause, asked.place);
  if (!(error instanceof GraphError)) return error;
  const { detail, retryAfter } = error;
  const { kind, text } = meaningOf(error, asked);
  const full = `Not connected: ${asked.place} answered ${error.status} ${error.graphCode}: ${text}.`;
  if (kind !== 'later') return new NotConnectedError(full, { detail });
  return new TemporaryError(full, { detail, ...(retryAfter === undefined ? {} : { retryAfter }) });
}
