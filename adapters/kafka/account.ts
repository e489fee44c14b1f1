import type { SASLOptions } from '@platformatic/kafka';
import { DisableError } from 'waybill/adapter';
import type { ClientLent } from 'waybill/peer/tls';
import type { KafkaConnectionValues } from './kafka-settings.ts';

export type KafkaLent = ClientLent<KafkaConnectionValues>;

/** Who signs in at the brokers. */
export interface Account {
  /** Undefined signs in not at all, or by the certificate. */
  readonly sasl: SASLOptions | undefined;
  readonly who: string;
  /** What to check if it is refused. */
  readonly remedy: string;
}

/** How long a token may take to be fetched when a broker wants the sign-in renewed. */
const RENEWAL = 30_000;

/** Throws a DisableError for a credential that no broker takes. */
export async function accountOf({ settings, credential }: KafkaLent): Promise<Account> {
  const { credential: name, tls, mechanism } = settings;
  if (name === undefined) {
    const certificate = tls?.certificate;
    return {
      sasl: undefined,
      who: certificate === undefined ? 'without a sign-in' : `by the certificate ${certificate}`,
      remedy:
        certificate === undefined
          ? 'If it wants a sign-in, name a credential'
          : 'The broker must trust the authority of the certificate and know its name',
    };
  }
  const found = await credential(name);
  if (found.kind === 'basic') {
    const { user, password } = found;
    const by = mechanism.toUpperCase() as 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
    return {
      sasl: { mechanism: by, username: user, password },
      who: `as ${user} by ${by}`,
      remedy: 'Check user and password with its owner, and whether mechanism is the one it wants',
    };
  }
  if (found.kind === 'bearer' || found.kind === 'oauth2') {
    return {
      // asked for each connection, and again where the broker limits how long a sign-in lasts
      sasl: {
        mechanism: 'OAUTHBEARER',
        token: () => found.token(AbortSignal.timeout(RENEWAL)),
      },
      who: 'by a token',
      remedy: 'Check which issuer, audience and scopes the broker wants of a token',
    };
  }
  throw new DisableError(
    `Kafka cannot sign in with a credential of kind ${found.kind}. Use one of kind basic, oauth2 or bearer, or a certificate under tls.`,
  );
}
