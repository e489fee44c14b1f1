import { readFile } from 'node:fs/promises';
import {
  describeSize,
  type Lent,
  letter,
  type Message,
  NotConnectedError,
  outbound,
  RejectedError,
  type Reply,
  type setting,
} from 'waybill/adapter';
import { type Mail, mail, type Signature } from './mail.ts';
import { describe, RefusedRecipients } from './refused-recipients.ts';
import { SessionPool } from './session-pool.ts';
import type { Answer } from './smtp-answer.ts';
import { type Account, openSession, type Refusal, type SmtpSession } from './smtp-session.ts';
import { smtpSettings } from './smtp-settings.ts';
import { smtpTest } from './smtp-test.ts';

type Values = setting.ValuesOf<typeof smtpSettings>;
type SmtpLent = Lent<typeof smtpSettings>;

export default outbound({
  type: 'smtp-out',
  title: 'Mail (SMTP)',
  summary: 'Sends each message as a mail through an SMTP server.',
  settings: smtpSettings,
  replies: { partial: 'warn' },
  async open(lent) {
    const { settings, signal } = lent;
    const signature = await signatureOf(settings);
    const pool = sessionPool(lent);
    // The first connection is made now, so that a server that is down or refuses us shows at once.
    await pool.give(await pool.take(signal));
    const post: Post = {
      pool,
      settings,
      signature,
      recipients: new RefusedRecipients(settings.refusedRecipients),
    };
    return {
      send: (message, sending) => send(post, message, sending),
      close: () => pool.close(),
    };
  },
  test: smtpTest,
});

/** What sending needs while the adapter is open. */
interface Post {
  readonly pool: SessionPool;
  readonly settings: Values;
  readonly signature: Signature | undefined;
  readonly recipients: RefusedRecipients;
}

/** The settings as the connection wants them. */
export function accountOf(settings: Values): Account {
  const { mechanism } = settings;
  return { ...settings, mechanism: mechanism === 'auto' ? undefined : mechanism };
}

async function signatureOf({ dkim }: Values): Promise<Signature | undefined> {
  if (dkim === undefined) return undefined;
  const { domain, selector, key } = dkim;
  return { domain, selector, privateKey: await readFile(key, 'utf8') };
}

function sessionPool(lent: SmtpLent): SessionPool {
  const { settings } = lent;
  let said = '';
  const open = async (signal: AbortSignal): Promise<SmtpSession> => {
    const session = await openSession(lent, accountOf(settings), signal);
    const state = describeSession(session);
    lent.connection('connected', state);
    if (state !== said) lent.event('info', 'connected', state);
    said = state;
    return session;
  };
  return new SessionPool(open, { idle: settings.idle, mails: settings.mailsPerConnection });
}

/** Which mechanisms were offered and used: what a support desk asks first. */
export function describeSession({ place, secure, signedIn }: SmtpSession): string {
  const how = secure ? 'encrypted' : 'in plain text';
  if (signedIn === undefined) return `${place}, ${how}, without signing in`;
  const { used, offered, refused } = signedIn;
  const before = refused.length === 0 ? '' : `; refused before: ${refused.join(', ')}`;
  return `${place}, ${how}, signed in with ${used} (offered: ${offered.join(', ')}${before})`;
}

async function send(post: Post, message: Message, signal: AbortSignal): Promise<Reply | undefined> {
  const { settings, recipients } = post;
  const written = await letter(message, settings);
  const composed = await mail(written, message, post.signature);
  const from = (await settings.envelopeFrom?.render(message)) ?? written.from.address;
  const to = recipients.remaining(message.id, composed.recipients);
  const refusals: Refusal[] = [];
  const answer = await handOver(post, { ...composed, from, to }, { signal, refusals });
  const refused = recipients.settle(message.id, to, refusals);
  return replyOf(answer, refused);
}

interface Addressed extends Mail {
  readonly from: string;
  readonly to: readonly string[];
}

/** A waiting connection may have been closed by the server a moment ago: then a new one is used, once. */
async function handOver(
  { pool, recipients }: Post,
  addressed: Addressed,
  { signal, refusals }: { readonly signal: AbortSignal; readonly refusals: Refusal[] },
): Promise<Answer> {
  for (;;) {
    const session = await pool.take(signal);
    const waited = session.mails > 0;
    try {
      checkSize(addressed, session);
      return await session.deliver(
        {
          ...addressed,
          content: addressed.content(),
          onRefused(refused) {
            refusals.splice(0, refusals.length, ...refused);
            recipients.judge(refused, addressed.to.length);
          },
        },
        signal,
      );
    } catch (error) {
      if (!waited || !session.ended || !(error instanceof NotConnectedError)) throw error;
    } finally {
      await pool.give(session);
    }
  }
}

function checkSize({ size }: Mail, { sizeLimit, place }: SmtpSession): void {
  if (sizeLimit === undefined || size <= sizeLimit) return;
  throw new RejectedError(
    `The mail has ${describeSize(size)}, and ${place} takes ${describeSize(sizeLimit)}. Have the limit raised, or send the document another way.`,
  );
}

function replyOf(answer: Answer, refused: readonly Refusal[]): Reply {
  const text = `${answer.code} ${answer.text}`;
  const full = refused.length === 0 ? text : `${text}; refused: ${describe(refused)}`;
  return {
    body: Buffer.from(full),
    type: 'text/plain',
    code: refused.length === 0 ? String(answer.status) : 'partial',
    text: full,
  };
}
