import type { SearchObject } from 'imapflow';
import { describeSize, type LentInbound } from 'waybill/adapter';
import { newsFilter } from 'waybill/peer/basics';
import { type MailFate, MailIntake, mailMessages } from 'waybill/peer/mail';
import { imapFailure } from './imap-failure.ts';
import type { ImapSession, MailFacts } from './imap-session.ts';
import type { imapSettings } from './imap-settings.ts';
import { KEYWORD } from './marks.ts';
import type { TakenMails } from './taken-mails.ts';

type ImapLent = LentInbound<typeof imapSettings>;

/**
 * Takes every waiting mail of the folder, one after another: first its messages are stored, then
 * that is remembered, then the mail is marked, moved or deleted. A failure between two of these
 * steps leaves the mail either untouched, or known as taken and only to be cleared away.
 */
export class MailRounds {
  readonly #lent: ImapLent;
  readonly #taken: TakenMails;
  readonly #intake: MailIntake<MailFacts>;
  readonly #isNews = newsFilter(60 * 60_000);

  constructor(lent: ImapLent, taken: TakenMails) {
    this.#lent = lent;
    this.#taken = taken;
    this.#intake = new MailIntake({ ...lent, taken, tell: this.#tell.bind(this) });
  }

  /** Whether a message is being stored at the moment. */
  get delivering(): boolean {
    return this.#intake.isStoring;
  }

  /** Handles the folder once. False if the engine could not accept a mail, which stays. */
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
   * A mail is deleted in two steps, and moved by copying and deleting it if the server has no MOVE.
   * If that was interrupted after it was marked as deleted, no search of a round finds it: it is
   * removed here. Resolves to those that still exist.
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

  async #take(session: ImapSession, mail: MailFacts): Promise<MailFate> {
    const { limit } = this.#lent.settings;
    if (mail.size > limit) {
      return await this.#intake.refuse(
        mail,
        `it has ${describeSize(mail.size)}, more than the limit of ${describeSize(limit)}`,
      );
    }
    return await this.#intake.take(mail, (take) => this.#deliver(session, mail, take));
  }

  async #deliver(
    session: ImapSession,
    mail: MailFacts,
    take: ImapLent['settings']['take'],
  ): Promise<MailFate | 'empty'> {
    const { settings } = this.#lent;
    const content = await session.content(mail.uid);
    if (content === undefined) return 'gone';
    const notOpened = this.#intake.notOpened(mail);
    const parts = mailMessages(content, mail.subject, { ...settings, take, notOpened });
    return await this.#intake.storeWhole(mail, parts, {
      origin: `imap://${session.place}/${settings.folder}`,
      key: `${mail.messageId} ${session.validity}/${mail.uid} ${take}`,
      cut: () =>
        content.errored === null ? undefined : imapFailure(content.errored, session.place),
    });
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
      `was taken but could not be marked, moved or deleted; it is remembered and retried. ${session.refused || 'Check the permissions of the account and whether the mailbox is full'}`,
    );
  }

  /** A refused mail is remembered, so that it is not tried again and again if it stays. */
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
