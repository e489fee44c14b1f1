import type { Lent } from '../../adapter/adapter.ts';
import type { Address, Settings } from '../../adapter/setting.ts';
import { type Step, toldInStep } from '../../adapter/test-step.ts';
import { probe, tryTls } from '../probe.ts';
import type { Talk } from '../talk.ts';
import type { TlsClientLent } from '../tls/tls-files.ts';
import type { TlsClientSettings } from '../tls/tls-settings.ts';
import { testToken } from './test-token.ts';

interface MailboxSettings {
  readonly connect: Address;
  readonly security: 'tls' | 'starttls' | 'none';
  readonly tls?: TlsClientSettings | undefined;
  readonly credential?: string | undefined;
}

interface MailboxProtocol<Session> {
  readonly name: 'IMAP' | 'POP3';
  /** The application permission that Exchange Online asks for: `IMAP.AccessAsApp`. */
  readonly role: string;
  /** Asks in plain text for TLS; whether the server agrees. */
  readonly startTls: (talk: Talk) => Promise<boolean>;
  readonly signIn: () => Promise<Session>;
}

interface MailboxSession {
  /** Who, and how. */
  readonly signedIn: string;
  quit(): Promise<unknown>;
}

/** The steps of a connection test up to a signed-in session, which the caller ends. */
export async function tryMailbox<Session extends MailboxSession>(
  lent: TlsClientLent &
    Pick<Lent<Settings>, 'credential' | 'signal'> & { readonly settings: MailboxSettings },
  step: Step,
  { name, role, startTls, signIn }: MailboxProtocol<Session>,
): Promise<Session> {
  const { connect: address, security, tls, credential } = lent.settings;
  await probe(lent, step, {
    address,
    ...(security === 'tls' ? { tls, alwaysTls: true, inside: name } : {}),
  });
  if (security === 'starttls') {
    await step('TLS', async (detail) => {
      if (await tryTls(lent, { address, tls, agree: startTls }, detail)) return;
      await (await toldInStep(signIn)).quit();
    });
  }
  await testToken(lent, step, { credential, host: address.host, role });
  return await step('sign-in', async (detail) => {
    const session = await toldInStep(signIn);
    detail(session.signedIn);
    return session;
  });
}
