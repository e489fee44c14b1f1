import { ImapFlow, type ImapFlowOptions } from 'imapflow';
import type { Goodbye, ImapRefusal } from './imap-refusal.ts';

/** The ways to sign in. `LOGIN` is the mechanism, or the old command if that is the only one left. */
export type Mechanism = 'PLAIN' | 'LOGIN' | 'XOAUTH2' | 'OAUTHBEARER';

/** Picks the mechanism from those offered; an error ends the attempt to connect. */
export type Choice = (offered: readonly string[]) => Mechanism;

interface Bye {
  readonly attributes?: readonly { readonly section?: readonly { readonly value?: unknown }[] }[];
}

interface ByeTaker {
  serverBye: (this: ImapFlow, parsed: Bye | undefined) => Promise<void>;
}

/**
 * imapflow with our own choice of the mechanism: by default it prefers OAUTHBEARER even if XOAUTH2
 * is requested, and signs in over plain text if the server allows it.
 */
export class ImapClient extends ImapFlow {
  readonly #choose: Choice;
  /** As sent by the server once the connection was secured. */
  offered: readonly string[] = [];
  used: Mechanism | undefined;
  /** The last refused command; imapflow returns `false` for many of them. */
  refusal: ImapRefusal = {};
  /** How the server said goodbye, if it did. */
  bye: Goodbye | undefined;

  constructor(options: ImapFlowOptions, choose: Choice) {
    super(options);
    this.#choose = choose;
    this.on('response', ({ response, code }) => {
      if (response === 'OK') return;
      this.refusal = {
        responseStatus: response,
        ...(code !== undefined && { serverResponseCode: code.toUpperCase() }),
      };
    });
  }

  /** Called for each BYE; imapflow keeps its text but not the code. It is missing in the type declarations. */
  async serverBye(parsed: Bye | undefined): Promise<void> {
    const { value } = parsed?.attributes?.[0]?.section?.[0] ?? {};
    await (ImapFlow.prototype as unknown as ByeTaker).serverBye.call(this, parsed);
    const { byeReason: reason } = this as { readonly byeReason?: string };
    this.bye = { code: typeof value === 'string' ? value.toUpperCase() : undefined, reason };
  }

  /** Runs once the capabilities are known, right before signing in. */
  override async upgradeToSTARTTLS(): Promise<boolean> {
    const secured = await super.upgradeToSTARTTLS();
    if (!this.secureConnection) throw new Error('not encrypted');
    this.offered = this.#offer();
    this.used = this.#choose(this.offered);
    for (const capability of this.capabilities.keys()) {
      if (capability.startsWith('AUTH=') && capability !== `AUTH=${this.used}`) {
        this.capabilities.delete(capability);
      }
    }
    const { auth } = this.options;
    if (auth !== undefined) {
      this.options.auth = { ...auth, loginMethod: this.#loginMethod(this.used) };
    }
    return secured;
  }

  #offer(): string[] {
    const names = [...this.capabilities.keys()];
    const mechanisms = names.flatMap((name) => (name.startsWith('AUTH=') ? [name.slice(5)] : []));
    const command =
      names.includes('LOGINDISABLED') || mechanisms.includes('LOGIN') ? [] : ['LOGIN'];
    return [...mechanisms, ...command];
  }

  #loginMethod(used: Mechanism): string {
    if (used === 'PLAIN') return 'AUTH=PLAIN';
    return this.capabilities.has('AUTH=LOGIN') ? 'AUTH=LOGIN' : 'LOGIN';
  }
}
