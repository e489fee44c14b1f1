import { DisableError, NotConnectedError } from 'waybill/adapter';
import { notConnected, type SpokenProtocol } from 'waybill/peer/basics';
import type { HostKeyPin, ShownHostKey } from './host-key.ts';
import type { SshSignIn } from './ssh-sign-in.ts';

/** What one try to connect started with and has seen so far. */
export interface Attempt {
  readonly place: string;
  readonly timeout: number;
  readonly trusted: readonly HostKeyPin[];
  readonly revoked: readonly HostKeyPin[];
  /** `known_hosts` trusts it only by a certificate, which cannot be checked here. */
  readonly byCertificate: boolean;
  readonly signIn: SshSignIn;
  shown: ShownHostKey | undefined;
  passwordExpired: boolean;
}

/** Why connecting failed and what to do: the errors of the library have neither code nor remedy. */
export function failureOf(
  error: unknown,
  attempt: Attempt,
  heard: SpokenProtocol | undefined,
): Error {
  if (heard !== undefined) return foreign(attempt, heard);
  if (attempt.shown?.trusted === false) return untrusted(attempt, attempt.shown);
  const text = error instanceof Error ? error.message : '';
  if (attempt.passwordExpired || /authentication (methods )?fail/i.test(text)) {
    return refused(attempt);
  }
  const known = KNOWN.find(([pattern]) => pattern.test(text));
  if (known === undefined) return notConnected(error, attempt.place);
  const [, Kind, cause, remedy] = known;
  return new Kind(`${attempt.place} ${cause}. ${remedy}.`);
}

type Kind = new (message: string) => Error;

/** By the library's text: there is nothing else to go by. */
const KNOWN: readonly (readonly [RegExp, Kind, cause: string, remedy: string])[] = [
  [
    /no matching|handshake failed/i,
    NotConnectedError,
    'and this host have no algorithm in common',
    'It is an old or a very strict server: ask its owner which algorithms it supports, and name them under algorithms, such as +diffie-hellman-group14-sha1 for keyExchange and +ssh-rsa for hostKey',
  ],
  [
    /^Unsupported algorithm/,
    DisableError,
    'cannot be reached with these algorithms: one of the names under algorithms is unknown',
    'Write it as OpenSSH does, with + to add it to the defaults',
  ],
  [
    /Connection lost before handshake/,
    NotConnectedError,
    'closed the connection before its greeting',
    'It may have locked this host out after failed sign-ins, have reached its limit of connections, or allow only known addresses: look at its log',
  ],
  [
    /Timed out/i,
    NotConnectedError,
    'did not finish connecting in time',
    'Check that an SSH server listens on this port; a slow one needs a longer connectTimeout',
  ],
  [
    /subsystem|open fail|SFTP session/i,
    NotConnectedError,
    'let us sign in but does not start SFTP',
    'Ask its owner to allow SFTP for this user (Subsystem sftp in OpenSSH)',
  ],
  [
    /Connection lost|end event|close event|No response/i,
    NotConnectedError,
    'closed the connection while we signed in',
    'Look at its log: a chroot with wrong owner, a shell that does not exist or a limit of connections look like this',
  ],
];

function foreign({ place }: Attempt, { name, seen, remedy }: SpokenProtocol): NotConnectedError {
  const [says, todo] = FOREIGN[name] ?? [seen, remedy];
  return new NotConnectedError(`${place} ${says}, not SSH. ${todo}.`);
}

const FOREIGN: Readonly<Partial<Record<SpokenProtocol['name'], readonly [string, string]>>> = {
  TLS: [
    'speaks TLS from the start, as implicit FTPS does (mostly on port 990)',
    'FTPS is another protocol than SFTP: use ftps-in or ftps-out with security: implicit',
  ],
  FTP: ['is an FTP server', 'Use ftps-in or ftps-out, or ask for the port of its SFTP service'],
  'SMTP or FTP': [
    'is an FTP or mail server',
    'If it is FTP use ftps-in or ftps-out; otherwise correct the host or the port',
  ],
};

/** Both fingerprints are named: the person who decides needs them side by side. */
function untrusted(
  { place, trusted, revoked, byCertificate }: Attempt,
  shown: ShownHostKey,
): DisableError {
  const showed = `${shown.type} ${shown.fingerprint}`;
  if (revoked.some(({ fingerprint }) => fingerprint === shown.fingerprint)) {
    return new DisableError(
      `${place} has the host key ${showed}, which known_hosts marks as revoked. Ask its owner for the new key.`,
    );
  }
  if (byCertificate && trusted.length === 0) {
    return new DisableError(
      `known_hosts trusts ${place} by a host certificate (@cert-authority), which is not supported here. It has the host key ${showed}: compare that with what its owner says (ssh-keyscan, run where the certificate is checked, also shows it), then set hostKey to it or add a plain line to known_hosts.`,
    );
  }
  if (trusted.length === 0) {
    return new DisableError(
      `No host key of ${place} is known, so it could be an impostor. It has ${showed}: compare that with what its owner says, then set hostKey to it.`,
    );
  }
  const expected = trusted
    .map(({ type, fingerprint }) => [type, fingerprint].filter(Boolean).join(' '))
    .join(' or ');
  return new DisableError(
    `The host key of ${place} is not the expected one: it is ${showed}, expected was ${expected}. Either its key was changed or somebody is intercepting the connection: ask its owner before setting hostKey to the new one. If the expected key has another type, write the type before it (ssh-rsa SHA256:…).`,
  );
}

function refused({ place, signIn, passwordExpired }: Attempt): DisableError {
  const { user, offered, tried, problem } = signIn;
  if (passwordExpired) {
    return new DisableError(
      `${place} says that the password of ${user} has expired. Have it changed and put the new one into the credential.`,
    );
  }
  const offers = offered.length === 0 ? 'nothing' : offered.join(', ');
  const attempts =
    tried.length === 0 ? 'nothing, since the credential has none of these' : tried.join(', ');
  const why = problem === undefined ? '' : `; ${problem}`;
  return new DisableError(
    `${place} refused the sign-in of ${user}: it offers ${offers}; we tried ${attempts}${why}. Check user, password or key with its owner; a key must be in the authorized keys of that user.`,
  );
}
