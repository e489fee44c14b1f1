import {
  describeSize,
  type Message,
  NotConnectedError,
  type OpenOutbound,
  RejectedError,
  type Reply,
  SuspendError,
  type setting,
} from 'waybill/adapter';
import { letter, mailboxesIn } from 'waybill/peer';
import { type Mail, mail, type Signature } from './mail.ts';
import { describe, RefusedRecipients } from './refused-recipients.ts';
import type { SessionPool } from './session-pool.ts';
import type { Answer } from './smtp-answer.ts';
import type { Refusal, SmtpSession } from './smtp-session.ts';
import type { smtpSettings } from './smtp-settings.ts';

type Values = setting.ValuesOf<typeof smtpSettings>;

interface Addressed extends Mail {
  readonly from: string;
  readonly to: readonly string[];
}

/** Writes each message as a mail and hands it over through a connection of the pool. */
export class MailSender implements OpenOutbound {
  readonly #settings: Values;
  readonly #pool: SessionPool;
  readonly #signature: Signature | undefined;
  readonly #recipients: RefusedRecipients;
  readonly #underWay = new Set<Promise<void>>();

  constructor(settings: Values, pool: SessionPool, signature: Signature | undefined) {
    this.#settings = settings;
    this.#pool = pool;
    this.#signature = signature;
    this.#recipients = new RefusedRecipients(settings);
  }

  async send(message: Message, signal: AbortSignal): Promise<Reply> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#underWay.add(promise);
    try {
      return await this.#send(message, signal);
    } finally {
      this.#underWay.delete(promise);
      resolve();
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#underWay);
    await this.#pool.close();
  }

  async #send(message: Message, signal: AbortSignal): Promise<Reply> {
    const written = await letter(message, this.#settings);
    const composed = mail(written, message, this.#signature);
    const from = (await this.#envelopeFrom(message)) ?? written.from.address;
    const to = this.#recipients.remaining(message.id, composed.recipients);
    const refusals: Refusal[] = [];
    const answer = await this.#handOver({ ...composed, from, to }, refusals, signal);
    return replyOf(answer, this.#recipients.settle(message.id, to, refusals));
  }

  async #envelopeFrom(message: Message): Promise<string | undefined> {
    const text = await this.#settings.envelopeFrom?.render(message);
    if (text === undefined || text.trim() === '') return undefined;
    const [first, ...more] = mailboxesIn(text, 'envelopeFrom');
    if (more.length === 0) return first?.address;
    throw new SuspendError('envelopeFrom gave several addresses; reports go to one.');
  }

  /** A waiting connection may have been closed by the server a moment ago: then another one is used. */
  async #handOver(addressed: Addressed, refusals: Refusal[], signal: AbortSignal): Promise<Answer> {
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
    `The mail has ${describeSize(size)}, and ${place} takes ${describeSize(sizeLimit)}. Have the limit raised, or send the document another way.`,
  );
}

/** Without the extension the server would take the bytes for something else, or send the mail elsewhere. */
function checkLetters({ from, to }: Addressed, { capabilities, place }: SmtpSession): void {
  if ([from, ...to].every((address) => /^\p{ASCII}*$/u.test(address))) return;
  if (capabilities.some((one) => /^SMTPUTF8\b/i.test(one))) return;
  throw new SuspendError(
    `An address has letters before the @ that ${place} does not take: it offers no SMTPUTF8. Use an address in plain letters and resend.`,
  );
}

function replyOf(answer: Answer, refused: readonly Refusal[]): Reply {
  const taken = `${answer.code} ${answer.text}`;
  const text = refused.length === 0 ? taken : `${taken}; refused: ${describe(refused)}`;
  return {
    body: Buffer.from(text),
    type: 'text/plain',
    code: refused.length === 0 ? String(answer.status) : 'partial',
    text,
  };
}
