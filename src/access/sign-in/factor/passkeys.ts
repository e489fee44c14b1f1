import { isIP } from 'node:net';
import type * as WebAuthn from '@simplewebauthn/server';
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server';
import { describeError } from '../../../error/engine-error.ts';
import { ApiError } from '../../../web/api-error.ts';
import type { StoredPasskey } from './factor-store.ts';

/** Where a browser shows the console. */
export interface Site {
  /** `https://tie.example` */
  readonly origin: string;
  /** The name to which passkeys belong. */
  readonly name: string;
}

export const siteOf = (origin: string): Site => ({ origin, name: new URL(origin).hostname });

/** Why browsers make no passkeys for this address; undefined if they do. */
export function passkeyObstacle({ origin, name }: Site): string | undefined {
  if (isIP(name.replace(/^\[|\]$/g, '')) !== 0)
    return `passkeys belong to a name, and ${name} is an address: open the console by its name`;
  if (origin.startsWith('http:') && name !== 'localhost' && !name.endsWith('.localhost'))
    return `browsers make passkeys only over https, and this console is ${origin}`;
  return undefined;
}

/** What a browser needs for making a passkey. */
export async function newPasskeyOptions(
  site: Site,
  user: string,
  { handle, known }: { readonly handle: Uint8Array; readonly known: readonly StoredPasskey[] },
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  const obstacle = passkeyObstacle(site);
  if (obstacle !== undefined) throw new ApiError(409, 'CONFLICT', obstacle);
  const { generateRegistrationOptions } = await webauthn();
  return generateRegistrationOptions({
    rpName: 'Waybill',
    rpID: site.name,
    userName: user,
    userID: Uint8Array.from(handle),
    attestationType: 'none',
    excludeCredentials: known.map(descriptorOf),
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
  });
}

/** What a browser made; rejects with CREDENTIAL_REFUSED, which says which check failed. */
export async function madePasskey(
  response: unknown,
  { site, challenge }: { readonly site: Site; readonly challenge: string },
): Promise<Pick<StoredPasskey, 'id' | 'site' | 'publicKey' | 'counter' | 'transports'>> {
  const { verifyRegistrationResponse } = await webauthn();
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: response as RegistrationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: site.origin,
      expectedRPID: site.name,
      requireUserVerification: false,
    });
    if (!verified) throw new Error('it is not signed correctly');
    const { id, publicKey, counter, transports = [] } = registrationInfo.credential;
    return { id, site: site.name, publicKey, counter, transports };
  } catch (error) {
    throw new ApiError(
      422,
      'CREDENTIAL_REFUSED',
      `this passkey cannot be used: ${describeError(error).text}`,
    );
  }
}

/** What a browser needs for using one of the passkeys that belong to this site; undefined if none does. */
export async function passkeyRequest(
  site: Site,
  known: readonly StoredPasskey[],
): Promise<PublicKeyCredentialRequestOptionsJSON | undefined> {
  const here = known.filter((one) => one.site === site.name);
  if (here.length === 0) return undefined;
  const { generateAuthenticationOptions } = await webauthn();
  return generateAuthenticationOptions({
    rpID: site.name,
    userVerification: 'preferred',
    allowCredentials: here.map(descriptorOf),
  });
}

/** The new counter of a passkey that was used, or why it is refused. */
export async function usedPasskey(
  response: unknown,
  stored: StoredPasskey,
  { site, challenge }: { readonly site: Site; readonly challenge: string },
): Promise<number | string> {
  const { verifyAuthenticationResponse } = await webauthn();
  const { id, publicKey, counter } = stored;
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: response as AuthenticationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: site.origin,
      expectedRPID: site.name,
      credential: { id, counter, publicKey: Uint8Array.from(publicKey) },
      requireUserVerification: false,
    });
    return verified ? authenticationInfo.newCounter : 'its signature is wrong';
  } catch (error) {
    return describeError(error).text;
  }
}

const descriptorOf = ({ id }: StoredPasskey): { readonly id: string } => ({ id });

/** Takes a quarter of a second to load, so it is loaded when a passkey is used. */
const webauthn = (): Promise<typeof WebAuthn> => import('@simplewebauthn/server');
