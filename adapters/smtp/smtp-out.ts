import { DisableError, type Lent, outbound } from 'waybill/adapter';
import { MailSender } from './mail-sender.ts';
import { SessionPool } from './session-pool.ts';
import { signatureOf } from './signature.ts';
import { describeSession, openSession, type SmtpSession } from './smtp-session.ts';
import { accountOf, smtpSettings } from './smtp-settings.ts';
import { smtpTest } from './smtp-test.ts';

type SmtpLent = Lent<typeof smtpSettings>;

export default outbound({
  type: 'smtp-out',
  title: 'Mail (SMTP)',
  summary: 'Sends each message as a mail through an SMTP server.',
  settings: smtpSettings,
  replies: { partial: 'warn' },
  async open(lent) {
    const signature = await signatureOf(lent.settings);
    const pool = sessionPool(lent);
    await connectFirst(pool, lent);
    return new MailSender(lent.settings, pool, signature);
  },
  test: smtpTest,
});

/**
 * Makes the first connection at once, so that a server that is down shows before a message waits for
 * it. A refused sign-in is left to the first message, which stops the operation: opening is repeated
 * every few seconds, and an account that is tried so often is locked.
 */
async function connectFirst(pool: SessionPool, lent: SmtpLent): Promise<void> {
  try {
    await pool.give(await pool.take(lent.signal));
  } catch (error) {
    if (!(error instanceof DisableError)) throw error;
    lent.connection('disconnected', error.message);
    lent.event('error', 'refused', error.message);
  }
}

function sessionPool(lent: SmtpLent): SessionPool {
  const { settings } = lent;
  let said = '';
  const open = async (signal: AbortSignal): Promise<SmtpSession> => {
    const session = await openSession(lent, accountOf(settings), signal);
    const state = describeSession(session);
    lent.connection('connected', state);
    if (state !== said) lent.event('info', 'sign-in', state);
    said = state;
    return session;
  };
  return new SessionPool(open, { idle: settings.idle, mails: settings.mailsPerConnection });
}
