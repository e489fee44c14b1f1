import {
  describeSize,
  type Lent,
  type Step,
  StepFailure,
  type setting,
  stepFailure,
} from 'waybill/adapter';
import { probe, type Talk, tryTls } from 'waybill/peer/basics';
import { mailboxesIn, testToken } from 'waybill/peer/mail';
import { signatureOf } from './signature.ts';
import { meaning } from './smtp-answer.ts';
import { type Account, openSession, type SmtpSession } from './smtp-session.ts';
import { accountOf, type smtpSettings } from './smtp-settings.ts';
import { describeSignIn } from './smtp-sign-in.ts';

type Values = setting.ValuesOf<typeof smtpSettings>;

/**
 * Name, TCP, TLS, what the server supports, sign-in, and whether it would accept the sender and the
 * recipients. It stops before the mail itself, so nobody gets anything.
 */
export async function smtpTest(lent: Lent<typeof smtpSettings>, step: Step): Promise<void> {
  const { settings, signal } = lent;
  const { connect: address, security, tls } = settings;
  await probe(lent, step, {
    address,
    ...(security === 'tls' ? { tls, alwaysTls: true, inside: 'SMTP' as const } : {}),
  });
  const account = accountOf(settings);
  const nobody = { ...account, credential: undefined };
  if (security === 'starttls') {
    await step('TLS', async (detail) => {
      if (await tryTls(lent, { address, tls, agree: startTls }, detail)) return;
      await (await opened(lent, nobody, signal)).quit();
    });
  }
  const plain = await step('greeting', async (detail) => {
    const session = await opened(lent, nobody, signal);
    detail(describeServer(session));
    return session;
  });
  await plain.quit();
  const { credential } = settings;
  await testToken(lent, step, { credential, host: address.host, role: 'SMTP.SendAsApp' });
  const session =
    account.credential === undefined
      ? await opened(lent, account, signal)
      : await step('sign-in', async (detail) => {
          const signedIn = await opened(lent, account, signal);
          detail(signedIn.signedIn === undefined ? '' : describeSignIn(signedIn.signedIn));
          return signedIn;
        });
  try {
    await tryKey(settings, step);
    await step('permission', async (detail) => detail(await permission(session, settings)));
  } finally {
    await session.quit();
  }
}

async function tryKey(settings: Values, step: Step): Promise<void> {
  const { dkim } = settings;
  if (dkim === undefined) return;
  await step('DKIM', async (detail) => {
    await signatureOf(settings).catch((error: unknown) => {
      throw stepFailure(error);
    });
    detail(
      `the key can sign; its public half belongs at ${dkim.selector}._domainkey.${dkim.domain}`,
    );
  });
}

async function startTls(talk: Talk): Promise<boolean> {
  await talk.reply();
  talk.say('EHLO [127.0.0.1]');
  const capabilities = await talk.reply();
  if (!capabilities.some((line) => /^250[ -]STARTTLS\s*$/i.test(line))) return false;
  talk.say('STARTTLS');
  const [answer = ''] = await talk.reply();
  return answer.startsWith('220');
}

async function opened(
  lent: Lent<typeof smtpSettings>,
  account: Account,
  signal: AbortSignal,
): Promise<SmtpSession> {
  try {
    return await openSession(lent, account, signal);
  } catch (error) {
    throw stepFailure(error);
  }
}

function describeServer({ capabilities, secure, sizeLimit }: SmtpSession): string {
  const size =
    sizeLimit === undefined ? 'no stated limit' : `mails up to ${describeSize(sizeLimit)}`;
  const signIn = capabilities.find((one) => /^AUTH\b/i.test(one)) ?? 'no AUTH';
  return `${secure ? 'encrypted' : 'plain text'}; ${signIn}; ${size}`;
}

/** Addresses that depend on the message cannot be tested without one. */
async function permission(session: SmtpSession, settings: Values): Promise<string> {
  const sender = constant(settings.envelopeFrom?.source ?? settings.from.source);
  if (sender === undefined) return 'not tried: the sender depends on the message';
  const from = await session.ask(`MAIL FROM:<${sender}>`);
  if (from.status >= 300) {
    throw new StepFailure(
      `the server does not accept mail from this sender (${from.code}${meaning(from)})`,
      'Give the account permission to send as it, or set from to its own address',
    );
  }
  const templates = [settings.to, settings.cc, settings.bcc].flat();
  const fixed = templates.map(({ source }) => constant(source)).filter((one) => one !== undefined);
  for (const recipient of fixed) {
    const answer = await session.ask(`RCPT TO:<${recipient}>`);
    if (answer.status < 300) continue;
    throw new StepFailure(
      `the server does not accept mail for a recipient (${answer.code}${meaning(answer)})`,
      'Check the addresses under to, cc and bcc; a relay may need a sign-in for addresses outside',
    );
  }
  await session.ask('RSET');
  return `the sender and ${fixed.length} of ${templates.length} recipients are accepted`;
}

function constant(source: string): string | undefined {
  if (source.includes('{')) return undefined;
  const [found] = /[^\s<>,;"]+@[^\s<>,;"]+/.exec(source) ?? [];
  return found === undefined ? undefined : mailboxesIn(found, 'The address')[0]?.address;
}
