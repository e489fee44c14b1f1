import { DisableError, TemporaryError } from 'waybill/adapter';
import { FileError, type FileProblem } from 'waybill/peer/folder';
import { retryAfterOf } from 'waybill/peer/http';
import type { SigningWay } from './azure-site.ts';

/** Codes after which nothing can be done with the container at all. */
const UNUSABLE: Readonly<Record<string, string>> = {
  NoAuthenticationInformation: 'The server wants a sign-in. Correct the credential.',
  KeyBasedAuthenticationNotPermitted:
    'The account takes no keys. Use a credential of kind oauth2, or have keys allowed.',
  AccountIsDisabled: 'The storage account is disabled. Ask its owner.',
  AuthorizationFailure:
    'The account refuses this machine or this signature: its network rules, the key, or what the SAS allows. Compare the key, and have the address of this machine allowed, or a private endpoint made.',
  AuthorizationSourceIPMismatch:
    'The SAS is for other addresses than that of this machine. Have a new one made.',
  AuthorizationProtocolMismatch: 'The SAS is for https only. Use https.',
  AuthorizationServiceMismatch: 'The SAS is not for blobs. Have a new one made.',
  ContainerNotFound: 'There is no such container. Correct container, account or endpoint.',
  InvalidResourceName: 'The name of the container is not one. Correct container.',
  ResourceTypeMismatch: 'The container is not one of blobs. Correct container.',
};

const LEASED = 'Somebody else holds a lease on the blob. It is tried again until that ends.';
const DENIED =
  'The server denies it. Give the account the role Storage Blob Data Contributor (for tags Storage Blob Data Owner), or the SAS the right.';
const TAKEN = 'There is a blob of that name.';
const CHANGED = 'The blob was changed meanwhile. It is looked at again.';

const PROBLEMS: Readonly<Record<string, readonly [FileProblem, text: string]>> = {
  BlobNotFound: ['missing', 'There is no such blob.'],
  ResourceNotFound: ['missing', 'There is no such blob.'],
  CannotVerifyCopySource: ['missing', 'The blob that should be copied cannot be read.'],
  AuthorizationPermissionMismatch: ['denied', DENIED],
  AuthorizationResourceTypeMismatch: ['denied', DENIED],
  InsufficientAccountPermissions: ['denied', DENIED],
  UnauthorizedBlobOverwrite: ['exists', TAKEN],
  BlobAlreadyExists: ['exists', TAKEN],
  TargetConditionNotMet: ['exists', TAKEN],
  InvalidBlobType: ['exists', 'There is a blob of that name, and it is of another type.'],
  ConditionNotMet: ['changed', CHANGED],
  SourceConditionNotMet: ['changed', CHANGED],
  LeaseAlreadyPresent: ['changed', LEASED],
  LeaseIdMismatchWithLeaseOperation: ['changed', LEASED],
  LeaseIdMismatchWithBlobOperation: ['changed', LEASED],
  LeaseLost: ['changed', LEASED],
  LeaseIdMissing: ['failed', LEASED],
  LeaseIsBreakingAndCannotBeAcquired: ['changed', LEASED],
  BlobArchived: [
    'failed',
    'The blob is in the archive tier and cannot be read. Have it moved to a warmer tier.',
  ],
  BlobBeingRehydrated: ['failed', 'The blob is still being brought back from the archive tier.'],
  BlobImmutableDueToPolicy: [
    'denied',
    'A policy or legal hold keeps the blob as it is. Set keep, so that it stays and is remembered.',
  ],
  RequestBodyTooLarge: ['failed', 'The blob is larger than the server takes.'],
  BlockCountExceedsLimit: ['failed', 'The blob has too many blocks.'],
  InvalidTagName: ['failed', 'The server does not take the tag’s name. Correct tag.'],
  FeatureNotSupportedForAccount: [
    'unsupported',
    'The account cannot do that: with a hierarchical namespace there are no tags.',
  ],
};

/** An answer that is a refusal: its status, code, and what it says of a refused sign-in. */
export interface Refused {
  readonly status: number;
  /** How the request was signed. */
  readonly way: SigningWay;
  /** When the signature ends. */
  readonly until: number | undefined;
  /** `x-ms-error-code`. */
  readonly code: string;
  /** The body, of which only known phrases are looked for: it may name a blob. */
  readonly text: string;
  readonly retryAfter: string | undefined;
}

/** The error to throw for a refusal. The server's own text is not kept. */
export function azureFailure(refused: Refused, place: string): Error {
  const { status, code } = refused;
  if (isOver(refused) || isSignInRefused(refused)) return new DisableError(signInText(refused));
  const unusable = UNUSABLE[code];
  if (unusable !== undefined) return new DisableError(unusable);
  const [problem, said] = PROBLEMS[code] ?? byStatus(status) ?? [];
  if (problem !== undefined && said !== undefined) return new FileError(problem, said);
  return laterError(refused, place);
}

function laterError({ status, code, retryAfter }: Refused, place: string): TemporaryError {
  const wait = retryAfterOf(retryAfter);
  const busy = status === 429 || status === 503;
  const what = busy ? 'is busy' : `answered with status ${status}`;
  const named = code === '' ? '' : ` (${code.slice(0, 60)})`;
  const remedy = busy
    ? 'It is tried again; if that lasts, the account is at its limit.'
    : 'Look at its log.';
  return new TemporaryError(`${place} ${what}${named}. ${remedy}`, {
    ...(wait !== undefined && { retryAfter: wait }),
  });
}

const FAILED = new Set(['AuthenticationFailed', 'InvalidAuthenticationInfo']);

/** Whether it is the sign-in that is not accepted. */
export const isSignInRefused = ({ status, code }: Pick<Refused, 'status' | 'code'>): boolean =>
  FAILED.has(code) || (status === 401 && UNUSABLE[code] === undefined);

const isOver = ({ status, until }: Pick<Refused, 'status' | 'until'>): boolean =>
  (status === 401 || status === 403) && until !== undefined && until < Date.now();

const NOT_ACCEPTED: Readonly<Record<SigningWay, string>> = {
  key: 'The signature does not fit: the key is not one of the account. Correct the credential; a proxy that changes the address also breaks it.',
  signature:
    'The shared access signature is not accepted: it is damaged, or its key was exchanged. Have a new one made.',
  token:
    'The server does not accept the token. Compare its scope (https://storage.azure.com/.default), its tenant and the clocks.',
};

/** One code for a wrong key, a changed request, a wrong clock and a SAS that is over. */
function signInText({ text, way, ...refused }: Refused): string {
  if (isOver(refused) || /not valid in the specified time frame/i.test(text)) {
    return 'The SAS has expired or is not yet valid. Have a new one made, and look at the clock of this machine.';
  }
  if (/date header too old/i.test(text)) {
    return 'The clocks differ by more than 15 minutes. Correct the clock of this machine.';
  }
  return NOT_ACCEPTED[way];
}

/** Where the server gives no code that is known. */
function byStatus(status: number): readonly [FileProblem, string] | undefined {
  if (status === 403) return ['denied', DENIED];
  if (status === 404) return PROBLEMS['BlobNotFound'];
  if (status === 409)
    return ['failed', 'The state of the blob does not allow it. It is tried again.'];
  if (status === 413) return PROBLEMS['RequestBodyTooLarge'];
  return status === 412 ? PROBLEMS['ConditionNotMet'] : undefined;
}
