import { createPublicKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose';
import { CredentialError } from '../credential-error.ts';
import { keyMisfit } from '../key-misfit.ts';
import type { OAuth2Values } from '../kind/oauth2-settings.ts';
import { privateKey, readPem } from '../read-pem.ts';

export type PrivateKeyJwt = NonNullable<
  NonNullable<OAuth2Values['authentication']>['privateKeyJwt']
>;

/** The key that signs client assertions, with the id under which its public half is published. */
export interface AssertionKey {
  readonly key: KeyObject;
  readonly keyId: string;
  readonly algorithm: PrivateKeyJwt['algorithm'];
  readonly publicJwk: JWK;
}

/** Reads the key and checks that it is of the kind its algorithm needs. */
export async function assertionKey(name: string, values: PrivateKeyJwt): Promise<AssertionKey> {
  const { text } = await readPem(name, 'privateKeyJwt.key', values.key);
  const key = privateKey(name, 'privateKeyJwt.key', { text, passphrase: values.passphrase });
  const misfit = keyMisfit(key, values.algorithm);
  if (misfit !== undefined) {
    const { cause, remedy } = misfit;
    throw new CredentialError('CREDENTIAL_REFUSED', name, {
      cause: `privateKeyJwt.key: ${cause}`,
      remedy,
    });
  }
  const publicJwk = await exportJWK(createPublicKey(key));
  const keyId = values.keyId ?? (await calculateJwkThumbprint(publicJwk));
  return { key, keyId, algorithm: values.algorithm, publicJwk };
}

/** The public keys that others need to check what this key signs, and those under `alsoPublish`. */
export async function publishedKeys(name: string, values: PrivateKeyJwt): Promise<JWK[]> {
  const { publicJwk, keyId, algorithm } = await assertionKey(name, values);
  const further = await Promise.all(
    values.alsoPublish.map(async (pem) => {
      const { text } = await readPem(name, 'privateKeyJwt.alsoPublish', pem);
      const jwk = await exportJWK(publicKey(name, text));
      return { ...jwk, kid: await calculateJwkThumbprint(jwk), use: 'sig' };
    }),
  );
  return [{ ...publicJwk, kid: keyId, alg: algorithm, use: 'sig' }, ...further];
}

/** From a public key, a certificate or a private key; only the public half is used. */
function publicKey(name: string, text: string): KeyObject {
  try {
    return createPublicKey(text);
  } catch {
    throw new CredentialError('CREDENTIAL_REFUSED', name, {
      cause: 'a key under privateKeyJwt.alsoPublish cannot be read',
      remedy: 'Give a public key, a certificate or an unencrypted private key as PEM',
    });
  }
}
