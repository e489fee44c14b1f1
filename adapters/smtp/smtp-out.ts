import { LRUCache } from 'lru-cache';
import {
  background,
  DisableError,
  describeSize,
  isTold,
  type Lent,
  type Message,
  NotConnectedError,
  type OpenOutbound,
  outbound,
  RejectedError,
  type Reply,
  SuspendError,
  type setting,
  TemporaryError,
} from 'waybill/adapter';
import { Resting, SignInGuard, UnderWay } from 'waybill/peer/basics';
import { letter, mailboxesIn } from 'waybill/peer/mail';
import { type Mail, mail, type Signature } from './mail.ts';
import { signatureOf } from './signature.ts';
import { meaning, type SmtpAnswer } from './smtp-answer.ts';
import {
  describeSession,
  openSession,
  type RefusedRecipient,
  type SmtpSession,
} from './smtp-session.ts';
import { accountOf, smtpSettings } from './smtp-settings.ts';
import { smtpTest } from './smtp-test.ts';

type SmtpLent = Lent<typeof smtpSettings>;

export default outbound({
  type: 'smtp-out',
  title: 'Mail (SMTP)',
  summary: 'Sends each message as a mail through an SMTP server.',
  settings: smtpSettings,
  replies: { partial: 'warn' },
  check: ({ credential, security }) =>
    Promise.resolve(
      credential === undefined || security !== 'none'
        ? []
        : [
            {
              path: ['security'],
              what: 'none with a credential: the password would cross the network in plain text',
              remedy: 'Use starttls or tls.',
            },
          ],
    ),
  async open(lent) {
    const signature = await signatureOf(lent.settings);
    const pool = sessionPool(lent);
    await connectFirst(pool, lent);
    return new MailSender(lent.settings, pool, signature);
  },
  test: smtpTest,
});

/**
 * Makes the first connection at once, so that a server that is down is noticed before a message
 * waits for it. A refused sign-in is left to the first message, which stops the operation: opening
 * is repeated every few seconds, and so many tries would lock the account.
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

type Values = setting.ValuesOf<typeof smtpSettings>;

interface Addressed extends Mail {
  readonly from: string;
  readonly to: readonly string[];
}

/** Writes each message as a mail and hands it over through a connection of the pool. */
class MailSender implements OpenOutbound {
  readonly #settings: Values;
  readonly #pool: SessionPool;
  readonly #signature: Signature | undefined;
  readonly #recipients: RefusedRecipients;
  readonly #underWay = new UnderWay();

  constructor(settings: Values, pool: SessionPool, signature: Signature | undefined) {
    this.#settings = settings;
    this.#pool = pool;
    this.#signature = signature;
    this.#recipients = new RefusedRecipients(settings);
  }

  async send(message: Message, signal: AbortSignal): Promise<Reply> {
    return this.#underWay.run(this.#send(message, signal));
  }

  async close(): Promise<void> {
    await this.#underWay.ended();
    await this.#pool.close();
  }

  async #send(message: Message, signal: AbortSignal): Promise<Reply> {
    const written = await letter(message, this.#settings);
    const composed = mail(written, message, this.#signature);
    const from = (await this.#envelopeFrom(message)) ?? written.from.address;
    const to = this.#recipients.remaining(message.id, composed.recipients);
    const refusals: RefusedRecipient[] = [];
    const answer = await this.#handOver({ ...composed, from, to }, refusals, signal);
    return replyOf(answer, this.#recipients.settle(message.id, to, refusals));
  }

  async #envelopeFrom(message: Message): Promise<string | undefined> {
    const text = await this.#settings.envelopeFrom?.render(message);
    if (text === undefined || text.trim() === '') return undefined;
    const [first, ...more] = mailboxesIn(text, 'envelopeFrom');
    if (more.length === 0) return first?.address;
    throw new SuspendError('envelopeFrom gave several addresses; reports can only go to one.');
  }

  /** The server may just have closed a waiting connection: then another one is used. */
  async #handOver(
    addressed: Addressed,
    refusals: RefusedRecipient[],
    signal: AbortSignal,
  ): Promise<SmtpAnswer> {
    for (;;) {
      const session = await this.#pool.take(signal);
      const waited = session.mails > 0;
      try {
        checkSize(addressed, session);
        checkLetters(addressed, session);
        return await session.deliver(
          {
            ...addressed,
            onRefused: (refused) => {
              refusals.push(...refused);
              this.#recipients.judge(refused, addressed.to.length);
            },
          },
          signal,
        );
      } catch (error) {
        if (!waited || !session.ended || !(error instanceof NotConnectedError)) throw error;
        refusals.length = 0;
      } finally {
        await this.#pool.give(session);
      }
    }
  }
}

function checkSize({ size }: Mail, { sizeLimit, place }: SmtpSession): void {
  if (sizeLimit === undefined || size <= sizeLimit) return;
  throw new RejectedError(
    `The mail has ${describeSize(size)}, but ${place} accepts only ${describeSize(sizeLimit)}. Have the limit raised, or send the document another way.`,
  );
}

/** Without the extension the server would misinterpret the bytes, or send the mail elsewhere. */
function checkLetters({ from, to }: Addressed, { capabilities, place }: SmtpSession): void {
  if ([from, ...to].every((address) => /^\p{ASCII}*$/u.test(address))) return;
  if (capabilities.some((one) => /^SMTPUTF8\b/i.test(one))) return;
  throw new SuspendError(
    `An address has letters before the @ that ${place} does not accept: it offers no SMTPUTF8. Use an address in plain letters and resend.`,
  );
}

function replyOf(answer: SmtpAnswer, refused: readonly RefusedRecipient[]): Reply {
  const taken = `${answer.code} ${answer.text}`;
  const text = refused.length === 0 ? taken : `${taken}; refused: ${describe(refused)}`;
  return {
    body: Buffer.from(text),
    type: 'text/plain',
    code: refused.length === 0 ? String(answer.status) : 'partial',
    text,
  };
}

/** What to do with a mail if the server accepts only some recipients. */
type RefusedPolicy = 'reject' | 'continue' | 'suspend';

/** How many partly delivered messages are remembered. */
const MOST = 10_000;

const SERVED = new WeakMap<object, LRUCache<number, ReadonlySet<string>>>();

/** An adapter that lost its connection is opened again with the same settings, and must still know them. */
function servedWith(settings: object): LRUCache<number, ReadonlySet<string>> {
  const served = SERVED.get(settings) ?? new LRUCache<number, ReadonlySet<string>>({ max: MOST });
  SERVED.set(settings, served);
  return served;
}

/**
 * Decides about mails that the server accepts for some recipients and not for others. With `reject`
 * and `suspend` nobody gets it; if the server only asks to wait for the rest, all wait. `continue`
 * delivers to those it accepts, and retries only for those that must wait.
 */
class RefusedRecipients {
  readonly #policy: RefusedPolicy;
  /** Message id → who already has it. Lost with the process: then they may get it twice. */
  readonly #served: LRUCache<number, ReadonlySet<string>>;

  constructor(settings: { readonly refusedRecipients: RefusedPolicy }) {
    this.#policy = settings.refusedRecipients;
    this.#served = servedWith(settings);
  }

  /** Who still is to get the message. */
  remaining(id: number, recipients: readonly string[]): readonly string[] {
    const served = this.#served.get(id);
    return served === undefined ? recipients : recipients.filter((one) => !served.has(one));
  }

  /** Called before the mail is sent; throws unless it may be sent to the others. */
  judge(refusals: readonly RefusedRecipient[], recipients: number): void {
    if (this.#policy === 'continue') return;
    const final = refusals.filter(isFinal);
    const text = `${refusals.length} of ${recipients} recipients were refused (${codes(refusals)}). Nobody got the mail.`;
    const detail = { detail: describe(refusals) };
    if (final.length === 0) throw new TemporaryError(text, detail);
    if (this.#policy === 'reject') throw new RejectedError(text, detail);
    throw new SuspendError(
      `${text} Correct the recipients and resend, or have the mailboxes created.`,
      detail,
    );
  }

  /**
   * Called once the mail was delivered to the others. Throws a TemporaryError while some must wait.
   * Returns those that were permanently refused.
   */
  settle(
    id: number,
    recipients: readonly string[],
    refusals: readonly RefusedRecipient[],
  ): readonly RefusedRecipient[] {
    const waiting = refusals.filter((one) => !isFinal(one));
    if (waiting.length === 0) {
      this.#served.delete(id);
      return refusals;
    }
    const missing = new Set(waiting.map(({ recipient }) => recipient));
    const served = recipients.filter((one) => !missing.has(one));
    this.#served.set(id, new Set([...(this.#served.get(id) ?? []), ...served]));
    throw new TemporaryError(
      `Delivered to some; ${waiting.length} of ${recipients.length} recipients must wait (${codes(waiting)}). Only they get the next try.`,
      { detail: describe(waiting) },
    );
  }
}

const isFinal = ({ answer }: RefusedRecipient): boolean => answer.status >= 500;

function codes(refusals: readonly RefusedRecipient[]): string {
  return [...new Set(refusals.map(({ answer }) => `${answer.code}${meaning(answer)}`))].join('; ');
}

/** Including addresses: for the trace. */
function describe(refusals: readonly RefusedRecipient[]): string {
  return refusals
    .map(({ recipient, answer }) => `${recipient}: ${answer.code} ${answer.text}`)
    .join('; ');
}

interface PoolLimits {
  /** Milliseconds a connection may wait for the next mail. */
  readonly idle: number;
  /** After how many mails a connection is closed; servers count them. */
  readonly mails: number;
}

/**
 * The open connections. There are never more than mails under way, which the operation's `pool`
 * limits; the most recently used one is used first, so that the others become idle and close.
 */
class SessionPool {
  readonly #open: (signal: AbortSignal) => Promise<SmtpSession>;
  readonly #limits: PoolLimits;
  readonly #guard = new SignInGuard();
  readonly #all = new Set<SmtpSession>();
  readonly #resting: Resting<SmtpSession>;
  #closed = false;

  constructor(open: (signal: AbortSignal) => Promise<SmtpSession>, limits: PoolLimits) {
    this.#open = open;
    this.#limits = limits;
    this.#resting = new Resting(limits.idle, endIdle);
  }

  /** A waiting connection, or a new one. */
  async take(signal: AbortSignal): Promise<SmtpSession> {
    return this.#resting.take() ?? (await this.#opened(signal));
  }

  /** Takes a connection back after a mail. */
  async give(session: SmtpSession): Promise<void> {
    if (session.ended) return;
    if (this.#closed || session.mails >= this.#limits.mails) return session.quit();
    this.#resting.rest(session);
  }

  /** Closes the waiting connections, and waits for the others to be returned and closed. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const session of this.#resting.takeAll()) endIdle(session);
    await Promise.all([...this.#all].map(({ end }) => end));
  }

  async #opened(signal: AbortSignal): Promise<SmtpSession> {
    const session = await this.#guard.run(() => this.#open(signal));
    this.#all.add(session);
    background(this.#forgetAtEnd(session), 'noting the end of a session');
    return session;
  }

  async #forgetAtEnd(session: SmtpSession): Promise<void> {
    await session.end;
    this.#resting.leave(session);
    this.#all.delete(session);
  }
}

const endIdle = (session: SmtpSession): void =>
  background(session.quit(), 'ending a session', isTold);
