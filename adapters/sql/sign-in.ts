import { DisableError, NotConnectedError } from 'waybill/adapter';
import type { SqlSignIn } from './database.ts';

/** `user`, or the user of the credential. */
export function userOf({
  credential,
  settings,
}: Pick<SqlSignIn, 'credential' | 'settings'>): string {
  const named = credential !== undefined && 'user' in credential ? credential.user : undefined;
  const user = named ?? settings.user;
  if (user !== undefined) return user;
  throw new DisableError(
    'It is unknown which account signs in. Set user, or name a credential that has one.',
  );
}

/** A password, or a token instead; none if a certificate signs in. */
export function passwordOf({ credential, token }: SqlSignIn): string | undefined {
  return credential?.kind === 'basic' ? credential.password : token;
}

/** The server is reachable but accepts no connections now. */
export const notNow = (place: string, state: string): NotConnectedError =>
  new NotConnectedError(
    `Not connected: ${place} accepts no connections now (${state}). It is starting, stopping or has too many; it is tried again.`,
  );

/** The server supports no TLS. */
export const noTls = (place: string): NotConnectedError =>
  new NotConnectedError(
    `Not connected: ${place} offers no TLS, so neither password nor rows are sent. Have TLS enabled there; security: none would send both unencrypted.`,
  );

/** A sign-in that must not be retried: the account could be locked. */
export const refused = (place: string, why: string): DisableError =>
  new DisableError(
    `${place} refused the sign-in: ${why}. Correct credential, user and database, then start the host again.`,
  );

/** How a connection is encrypted, for display. */
export function encryptionOf(stream: unknown): string {
  const { getProtocol } = Object(stream) as { getProtocol?: () => string | null };
  return getProtocol?.call(stream) ?? 'in clear';
}
