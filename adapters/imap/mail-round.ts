import type { Readable } from 'node:stream';
import type { SearchObject } from 'imapflow';
import { describeSize, EngineError, type LentInbound } from 'waybill/adapter';
import { newsFilter } from 'waybill/peer';
import { imapFailure } from './imap-failure.ts';
import type { ImapSession, MailFacts } from './imap-session.ts';
import type { imapSettings } from './imap-settings.ts';
import { mailMessages } from './mail-messages.ts';
import { KEYWORD } from './marks.ts';
import type { TakenMails } from './taken-mails.ts';

type ImapLent = LentInbound<typeof imapSettings>;

/** How a mail went. `later`: the engine takes nothing now. */
type Fate = 'taken' | 'gone' | 'refused' | 'later';

/**
 * Takes every waiting mail of the folder, one after the other: first its messages are stored, then
 * that is remembered, then the mail is marked, moved or deleted. What breaks between two of these
 * steps leaves the mail either untouched, or known as taken and only to be put away.
 */
export class MailRounds {
  readonly #lent: ImapLent;
  readonly #taken: TakenMails;
  readonly #isNews = newsFilter(60 * 60_000);
  #delivering = false;

  constructor(lent: ImapLent, taken: TakenMails) {
    this.#lent = lent;
    this.#taken = taken;
  }

  /** Whether a message is just being stored. */
  get delivering(): boolean {
    return this.#delivering;
  }

  /** Goes through the folder once. False if the engine could not take a mail, which stays. */
  async round(session: ImapSession, signal: AbortSignal): Promise<boolean> {
    const uids = await session.search(this.#criteria());
    const waiting = uids.filter((uid) => uid > this.#taken.floor);
    this.#taken.keepOnly([...waiting, ...(await this.#finishRemovals(session))]);
    for (const uid of waiting) {
      signal.throwIfAborted();
      const mail = await session.facts(uid);
      if (mail === undefined) continue;
      const fate = this.#taken.fate(mail) ?? (await this.#take(session, mail));
      if (fate === 'later') return false;
      if (fate === 'taken') await this.#putAway(session, mail);
      if (fate === 'refused') await this.#putAside(session, mail);
    }
    await this.#taken.wholeRound(waiting.at(-1) ?? 0);
    return true;
  }

  /**
   * A mail is deleted in two steps, and moved by copying and deleting it where the server knows no MOVE.
   * One that was only marked as deleted when that was cut off is found by no search of a round:
   * here it is removed. Resolves to those that are still there.
   */
  async #finishRemovals(session: ImapSession): Promise<readonly number[]> {
    const { afterwards, failed } = this.#lent.settings;
    const removed = [
      ...(afterwards === 'delete' || afterwards === 'archive' ? this.#taken.open('taken') : []),
      ...(failed === undefined ? [] : this.#taken.open('refused')),
    ];
    if (removed.length === 0) return [];
    const marked = await session.search({ uid: removed.join(','), deleted: true });
    const left: number[] = [];
    for (const uid of marked) if (!(await session.remove(uid))) left.push(uid);
    return left;
  }

  #criteria(): SearchObject {
    const { afterwards } = this.#lent.settings;
    if (afterwards === 'seen') return { seen: false };
    if (afterwards === 'flag') return { unKeyword: KEYWORD, deleted: false };
    const { floor, since } = this.#taken;
    if (afterwards !== 'keep') return { deleted: false };
    if (since !== undefined) return { since };
    return floor === 0 ? { all: true } : { uid: `${floor + 1}:*` };
  }

  async #take(session: ImapSession, mail: MailFacts): Promise<Fate> {
    const { limit } = this.#lent.settings;
    if (mail.size > limit) {
      return this.#refuse(
        mail,
        `it has ${describeSize(mail.size)}, more than the limit of ${describeSize(limit)}`,
      );
    }
    const { take, withoutAttachment } = this.#lent.settings;
    const first = await this.#deliver(session, mail, take);
    if (first !== 'empty') return first;
    if (withoutAttachment === 'mail') {
      const whole = await this.#deliver(session, mail, 'mail');
      return whole === 'empty' ? 'gone' : whole;
    }
    this.#tell('warn', 'mail-skipped', mail, 'has no attachment that fits and was put away');
    await this.#taken.add(mail, 'taken');
    return 'taken';
  }

  async #deliver(
    session: ImapSession,
    mail: MailFacts,
    take: ImapLent['settings']['take'],
  ): Promise<Fate | 'empty'> {
    const content = await session.content(mail.uid);
    if (content === undefined) return 'gone';
    try {
      this.#delivering = true;
      const messages = await this.#store(session, mail, { content, take });
      if (messages === 0) return 'empty';
    } catch (error) {
      // Lost while it was read: the engine's refusal, if any, is only the consequence.
      if (content.errored !== null) throw imapFailure(content.errored, session.place);
      return await this.#undelivered(mail, error);
    } finally {
      this.#delivering = false;
    }
    await this.#taken.add(mail, 'taken');
    return 'taken';
  }

  /** How many messages the mail has; those that an earlier try stored are not stored again. */
  async #store(
    session: ImapSession,
    mail: MailFacts,
    { content, take }: { readonly content: Readable; readonly take: ImapLent['settings']['take'] },
  ): Promise<number> {
    const { settings, deliver } = this.#lent;
    const begun = this.#taken.begun(mail);
    let messages = 0;
    const notOpened = (what: string): void =>
      this.#tell('warn', 'mail-not-opened', mail, `holds what was not opened: ${what}`);
    for await (const part of mailMessages(content, mail.subject, {
      ...settings,
      take,
      notOpened,
    })) {
      messages += 1;
      if (messages <= begun) continue;
      if (messages > 1) await this.#taken.noteBegun(mail, messages - 1);
      await deliver({
        ...part,
        origin: `imap://${session.place}/${settings.folder}`,
        dedupeKey: `${mail.messageId} ${session.validity}/${mail.uid} ${take} ${messages}`,
      });
    }
    return messages;
  }

  #undelivered(mail: MailFacts, error: unknown): Promise<Fate> | Fate {
    if (!(error instanceof EngineError)) {
      return this.#refuse(mail, 'it could not be read as a mail');
    }
    if (!error.retryable) return this.#refuse(mail, error.message);
    this.#tell('warn', 'mail-waits', mail, `stays until the engine takes it: ${error.message}`);
    return 'later';
  }

  async #refuse(mail: MailFacts, why: string): Promise<Fate> {
    const { failed } = this.#lent.settings;
    const where = failed === undefined ? 'stays where it is' : `goes to ${failed}`;
    this.#tell('error', 'mail-refused', mail, `is not taken and ${where}: ${why}`);
    await this.#taken.add(mail, 'refused');
    return 'refused';
  }

  async #putAway(session: ImapSession, mail: MailFacts): Promise<void> {
    if (await session.settle(mail.uid)) {
      this.#taken.forget(mail);
      return;
    }
    this.#tell(
      'error',
      'mail-not-put-away',
      mail,
      `was taken but could not be marked, moved or deleted; it is remembered and tried again. ${session.refused || 'Check the rights of the account and whether the mailbox is full'}`,
    );
  }

  /** A refused mail stays known, so that it is not tried again and again where it stays. */
  async #putAside(session: ImapSession, mail: MailFacts): Promise<void> {
    const { failed } = this.#lent.settings;
    if (failed !== undefined && (await session.move(mail.uid, failed))) this.#taken.forget(mail);
  }

  #tell(level: 'warn' | 'error', name: string, mail: MailFacts, text: string): void {
    if (this.#isNews(`${name} ${mail.uid}`)) {
      this.#lent.event(level, name, `The mail with UID ${mail.uid} ${text}.`);
    }
  }
}
