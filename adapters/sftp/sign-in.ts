import type { AnyAuthMethod, AuthHandlerMiddleware, ParsedKey, Prompt } from 'ssh2';
import { type Credential, DisableError } from 'waybill/adapter';
import { fingerprint } from './host-key.ts';
import { readPrivateKey } from './private-key.ts';

type Method = 'publickey' | 'password' | 'keyboard-interactive';

/** One sign-in and what is known of it afterwards. */
export interface SignIn {
  readonly user: string;
  /**
   * Asks the server first what it offers, then tries what the credential has: the key, then the password,
   * as such or as the answer to a prompt. Never both: accounts are locked after a few wrong passwords.
   */
  readonly handler: AuthHandlerMiddleware;
  /** What the server said it takes; empty before it was asked. */
  readonly offered: readonly string[];
  /** What was tried, in order; the last one is what worked, if the sign-in did. */
  readonly tried: readonly string[];
  /** Why it could not succeed, if more is known than that it was refused. */
  readonly problem: string | undefined;
}

/** Prepares a sign-in. Throws DisableError where the credential's key cannot be read. */
export function signIn(credential: Credential): SignIn {
  if (credential.kind !== 'basic' && credential.kind !== 'ssh-key') {
    throw new DisableError(
      `SSH cannot sign in with a credential of kind ${credential.kind}. Use one of kind basic or ssh-key.`,
    );
  }
  const key =
    credential.kind === 'ssh-key'
      ? readPrivateKey(credential.privateKey, credential.passphrase)
      : undefined;
  return new CredentialSignIn(credential.user, key, credential.password);
}

class CredentialSignIn implements SignIn {
  readonly user: string;
  readonly tried: string[] = [];
  offered: readonly string[] = [];
  problem: string | undefined;
  readonly #key: ParsedKey | undefined;
  readonly #password: string | undefined;
  /** What has not been tried since the server last asked for a further method. */
  #left: Method[];

  constructor(user: string, key: ParsedKey | undefined, password: string | undefined) {
    this.user = user;
    this.#key = key;
    this.#password = password;
    this.#left = this.#all();
  }

  readonly handler: AuthHandlerMiddleware = (left, partial, next) => {
    // The first call comes before anything was asked: `none` makes the server say what it takes.
    const offered = left as readonly string[] | null;
    if (offered === null) {
      next({ type: 'none', username: this.user });
      return;
    }
    this.offered = offered;
    // The last method was right, and the server wants another one as well.
    if (partial)
      this.#left = this.#all().filter((method) => !this.tried.at(-1)?.startsWith(method));
    const method = this.#left.find((one) => offered.includes(one));
    if (method === undefined) {
      // The types of the library leave out that `false` ends the sign-in.
      next(false as unknown as AnyAuthMethod);
      return;
    }
    const isSpent = (one: Method): boolean =>
      one === method || (one !== 'publickey' && method !== 'publickey');
    this.#left = this.#left.filter((one) => !isSpent(one));
    next(this.#attempt(method));
  };

  #all(): Method[] {
    const withPassword: Method[] =
      this.#password === undefined ? [] : ['password', 'keyboard-interactive'];
    return this.#key === undefined ? withPassword : ['publickey', ...withPassword];
  }

  #attempt(method: Method): AnyAuthMethod {
    const username = this.user;
    if (method === 'publickey' && this.#key !== undefined) {
      const { type } = this.#key;
      this.tried.push(`publickey (${type} ${fingerprint(this.#key.getPublicSSH())})`);
      return { type: 'publickey', username, key: this.#key };
    }
    this.tried.push(method);
    if (method === 'password')
      return { type: 'password', username, password: this.#password ?? '' };
    let rounds = 0;
    return {
      type: 'keyboard-interactive',
      username,
      prompt: (...asked) => {
        const [, , , prompts, finish] = asked;
        rounds += 1;
        finish(this.#answers(prompts, rounds));
      },
    };
  }

  /** The password is given once: a server that asks again has refused it, or wants a code that we do not have. */
  #answers(prompts: readonly Prompt[], round: number): string[] {
    const secret = prompts.filter(({ echo }) => echo !== true);
    if (round === 1 && secret.length === 1 && prompts.length === 1) return [this.#password ?? ''];
    this.problem =
      round > 1
        ? 'it asked again, so the password is wrong or it wants a second factor'
        : 'its prompts are not a question for the password alone';
    return prompts.map(() => '');
  }
}
