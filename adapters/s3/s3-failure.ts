import { DisableError, EngineError, NotConnectedError, TemporaryError } from 'waybill/adapter';
import { connectionCause } from 'waybill/peer/basics';
import { FileError, type FileProblem } from 'waybill/peer/folder';

/** What the service says of itself where it cannot be used at all. */
const REFUSED: Readonly<Record<string, string>> = {
  InvalidAccessKeyId:
    'The server does not know the access key. Correct the credential, or make a new key.',
  SignatureDoesNotMatch:
    'The secret does not fit the access key. Correct the credential; a proxy that changes the address also breaks the signature.',
  InvalidToken: 'The session token is not accepted. Get a new one.',
  ExpiredToken: 'The session token has expired. Get a new one.',
  TokenRefreshRequired: 'The session token has expired. Get a new one.',
  AccountProblem: 'The account is suspended. Ask its owner.',
  RequestTimeTooSkewed:
    'The clocks differ by more than 15 minutes. Correct the clock of this machine.',
  NoSuchBucket: 'There is no such bucket. Correct bucket, region or endpoint.',
  InvalidBucketName: 'The name of the bucket is not one. Correct bucket.',
  PermanentRedirect: 'The bucket is in another region. Correct region.',
  AuthorizationHeaderMalformed: 'The bucket is in another region. Correct region.',
  IllegalLocationConstraintException: 'The bucket is in another region. Correct region.',
  CredentialsProviderError:
    'There is no credential here: neither in the settings nor in the environment, a profile or the role of this machine. Set credential.',
};

const PROBLEMS: Readonly<Record<string, readonly [FileProblem, text: string]>> = {
  NoSuchKey: ['missing', 'There is no such object.'],
  NotFound: ['missing', 'There is no such object.'],
  AccessDenied: [
    'denied',
    'The server denies it. Give the key the right, or look at the bucket’s policy.',
  ],
  Forbidden: [
    'denied',
    'The server denies it. Give the key the right, or look at the bucket’s policy.',
  ],
  PreconditionFailed: ['exists', 'There is an object of that name.'],
  ConditionalRequestConflict: ['exists', 'Somebody else writes an object of that name.'],
  QuotaExceeded: ['full', 'The quota of the bucket is used up.'],
  EntityTooLarge: ['failed', 'The object is larger than the server takes.'],
  KMSAccessDenied: [
    'denied',
    'The key of the encryption may not be used. Give the account the right to use it.',
  ],
};

/** What the SDK throws, as our error. Its text is not kept: it may contain the name of an object. */
export function s3Failure(error: unknown, place: string): Error {
  if (error instanceof EngineError) return error;
  const { name = '', $metadata } = error as {
    name?: string;
    $metadata?: { httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode ?? 0;
  const refused = REFUSED[name];
  if (refused !== undefined) return new DisableError(refused);
  const [problem, text] = PROBLEMS[name] ?? byStatus(status) ?? [];
  if (problem !== undefined && text !== undefined) return new FileError(problem, text);
  return unanswered(error, place) ?? answered(status, name, place) ?? notReached(error, place);
}

const answered = (status: number, name: string, place: string): Error | undefined =>
  status >= 300
    ? new TemporaryError(
        `${place} answered with status ${status} (${name.slice(0, 60)}). Look at its log.`,
      )
    : undefined;

function notReached(error: unknown, place: string): Error {
  const { cause, remedy } = connectionCause(error, place);
  return new NotConnectedError(`Not connected: ${cause}. ${remedy}.`, { cause: error });
}

/** The SDK calls a connection that was closed a TimeoutError too; an AbortError is our own limit. */
function unanswered(error: unknown, place: string): Error | undefined {
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  if (name !== 'TimeoutError' && name !== 'AbortError') return undefined;
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    const { cause, remedy } = connectionCause(error, place);
    return new TemporaryError(`${cause}. ${remedy}.`, { cause: error });
  }
  return new TemporaryError(`${place} did not answer in time. Look at its load, or raise timeout.`);
}

/** An answer without a body, as to HEAD, has no code. */
function byStatus(status: number): readonly [FileProblem, string] | undefined {
  if (status === 403) return PROBLEMS['AccessDenied'];
  if (status === 404) return PROBLEMS['NoSuchKey'];
  return status === 412 || status === 409 ? PROBLEMS['PreconditionFailed'] : undefined;
}
