import { DisableError, NotConnectedError } from 'waybill/adapter';
import type { SignIn } from './database.ts';

/** `user`, or that of the credential. */
export function userOf({ credential, settings }: Pick<SignIn, 'credential' | 'settings'>): string {
  const named = credential !== undefined && 'user' in credential ? credential.user : undefined;
  const user = named ?? settings.user;
  if (user !== undefined) return user;
  throw new DisableError(
    'It is not known which account signs in. Set user, or name a credential that has one.',
  );
}

/** A password, or a token in its place; none where a certificate signs in. */
export function passwordOf({ credential, token }: SignIn): string | undefined {
  return credential?.kind === 'basic' ? credential.password : token;
}

/** The server is there and takes nobody now. */
export const notNow = (place: string, state: string): NotConnectedError =>
  new NotConnectedError(
    `Not connected: ${place} takes no connection now (${state}). It starts, stops or has too many; it is tried again.`,
  );

/** The server speaks in clear only. */
export const noTls = (place: string): NotConnectedError =>
  new NotConnectedError(
    `Not connected: ${place} offers no TLS, so that neither password nor rows are sent. Have TLS switched on there; security: none would send both in clear.`,
  );

/** A sign-in that another try would not better; accounts are locked for less. */
export const refused = (place: string, why: string): DisableError =>
  new DisableError(
    `${place} refused the sign-in: ${why}. Correct credential, user and database, then start the host again.`,
  );

/** How a connection is encrypted, for people. */
export function encryptionOf(stream: unknown): string {
  const { getProtocol } = Object(stream) as { getProtocol?: () => string | null };
  return getProtocol?.call(stream) ?? 'in clear';
}
