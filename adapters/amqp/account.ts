import { DisableError, type Lent, type setting } from 'waybill/adapter';
import type { TlsClientSettings } from 'waybill/peer/tls';

interface AccountLent extends Pick<Lent<setting.Settings>, 'credential'> {
  readonly settings: {
    readonly credential: string | undefined;
    readonly tls: TlsClientSettings | undefined;
  };
}

/** Who signs in at a broker. */
export interface Account {
  readonly user: string;
  /** Undefined signs in by the certificate. */
  readonly password: string | undefined;
  readonly who: string;
  readonly remedy: string;
}

/** Throws a DisableError for a credential that no broker takes. */
export async function accountOf(
  { settings, credential }: AccountLent,
  signal: AbortSignal,
): Promise<Account> {
  const name = settings.credential;
  if (name === undefined) {
    const certificate = settings.tls?.certificate;
    return {
      user: '',
      password: undefined,
      who: `by the certificate ${certificate ?? '(none)'}`,
      remedy:
        certificate === undefined
          ? 'Name a credential, or a certificate under tls'
          : 'The broker needs EXTERNAL (rabbitmq_auth_mechanism_ssl) and a user of the name in the certificate',
    };
  }
  const found = await credential(name);
  if (found.kind === 'basic') {
    const { user, password } = found;
    const local =
      user === 'guest' ? '; guest may sign in from the machine of the broker alone' : '';
    return {
      user,
      password,
      who: `as ${user}`,
      remedy: `Check user and password with its owner${local}`,
    };
  }
  if (found.kind === 'bearer' || found.kind === 'oauth2') {
    return {
      user: found.user ?? '',
      password: await found.token(signal),
      who: 'by a token',
      remedy:
        'Check that the broker takes tokens (rabbitmq_auth_backend_oauth2), and their audience and scopes',
    };
  }
  throw new DisableError(
    `AMQP cannot sign in with a credential of kind ${found.kind}. Use one of kind basic or bearer, or a certificate under tls.`,
  );
}
