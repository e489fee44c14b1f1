import type { Credential } from '../../adapter/credential.ts';
import { DisableError } from '../../error/adapter-error.ts';
import { Digest } from './digest.ts';
import type { HttpClientValues } from './http-client-settings.ts';
import { signInFailure } from './http-failure.ts';

/** What is added to one request. Holds secrets. */
export interface Signed {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/** How requests show who sends them. */
export interface SignIn {
  /** `fresh` after a 401. Rejects with what the operation is to do about it. */
  sign(method: string, url: URL, options: SignOptions): Promise<Signed>;
  /** Whether asking once more after this 401 may help: with a fresh token, or with an answer to its challenge. */
  again(challenge: string | undefined, signed: Signed): boolean;
}

export interface SignOptions {
  readonly fresh: boolean;
  readonly signal: AbortSignal;
}

type Placing = Pick<HttpClientValues, 'signIn' | 'keyName'>;

const NOBODY: SignIn = {
  sign: async (_, url) => ({ url, headers: {} }),
  again: () => false,
};

/** Throws a DisableError where credential and signIn do not go together. NTLM is no matter of headers and not dealt with here. */
export function signInWith(credential: Credential | undefined, placing: Placing): SignIn {
  if (credential === undefined || credential.kind === 'ntlm') return NOBODY;
  const { signIn } = placing;
  if (credential.kind === 'basic') {
    if (signIn === 'digest') return digestSignIn(credential);
    if (signIn !== 'auto') throw misfit(signIn, credential.kind, 'bearer or oauth2');
    const proof = Buffer.from(`${credential.user}:${credential.password}`).toString('base64');
    const headers = { authorization: `Basic ${proof}` };
    return { sign: async (_, url) => ({ url, headers }), again: () => false };
  }
  if (credential.kind !== 'bearer' && credential.kind !== 'oauth2') {
    throw misfit(signIn, credential.kind, 'basic, bearer, oauth2 or ntlm');
  }
  if (signIn === 'digest') throw misfit(signIn, credential.kind, 'basic');
  return {
    async sign(_, url, { fresh, signal }) {
      const token = await credential.token(signal, { fresh }).catch((error: unknown) => {
        signal.throwIfAborted();
        throw signInFailure(error);
      });
      return placed(token, url, placing);
    },
    again: () => true,
  };
}

function digestSignIn(account: { readonly user: string; readonly password: string }): SignIn {
  const digest = new Digest(account);
  return {
    async sign(method, url) {
      const authorization = digest.header(method, url);
      return { url, headers: authorization === undefined ? {} : { authorization } };
    },
    again: (challenge, { headers }) =>
      digest.challenged(challenge, headers['authorization'] !== undefined),
  };
}

function placed(token: string, url: URL, { signIn, keyName }: Placing): Signed {
  if (signIn === 'header') return { url, headers: { [keyName]: token } };
  if (signIn === 'cookie') return { url, headers: { cookie: `${keyName}=${token}` } };
  if (signIn === 'query') {
    const keyed = new URL(url);
    keyed.searchParams.set(keyName, token);
    return { url: keyed, headers: {} };
  }
  return { url, headers: { authorization: `Bearer ${token}` } };
}

function misfit(signIn: string, kind: string, needed: string): DisableError {
  return new DisableError(
    `signIn ${signIn} does not go with a credential of kind ${kind}. Use one of kind ${needed}, or another signIn.`,
  );
}
