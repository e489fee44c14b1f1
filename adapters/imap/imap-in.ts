import type { SearchObject } from 'imapflow';
import {
  describeSize,
  inbound,
  type LentInbound,
  type Step,
  toldInStep,
  wait,
} from 'waybill/adapter';
import { newsFilter, type Talk } from 'waybill/peer/basics';
import {
  cutWhenStopped,
  type MailFate,
  MailIntake,
  mailMessages,
  openMailbox,
  tryMailbox,
} from 'waybill/peer/mail';
import { imapFailure } from './imap-failure.ts';
import { ImapSession, type MailFacts } from './imap-session.ts';
import { imapSettings } from './imap-settings.ts';
import { KEYWORD } from './marks.ts';
import { TakenMails } from './taken-mails.ts';

type ImapLent = LentInbound<typeof imapSettings>;

export default inbound({
  type: 'imap-in',
  title: 'Mail (IMAP)',
  summary: 'Takes the mails of a folder of a mailbox, or the files attached to them.',
  settings: imapSettings,
  polling: true,
  open: (lent) =>
    openMailbox(lent, {
      connect: (signal) => ImapSession.open(lent, lent.settings, signal),
      read: (session, _again, signal) => read(lent, session, signal),
    }),
  test: imapTest,
});

async function read(lent: ImapLent, session: ImapSession, signal: AbortSignal): Promise<void> {
  const rounds = await mailRounds(lent, session);
  const over = new AbortController();
  const cut = cutWhenStopped(session, {
    lent,
    signal,
    over: over.signal,
    delivering: () => rounds.delivering,
  });
  try {
    await takeMails(lent, { session, rounds }, signal);
  } finally {
    if (signal.aborted && !lent.signal.aborted) await session.quit();
    session.close();
    over.abort();
    await cut;
  }
}

async function mailRounds(lent: ImapLent, session: ImapSession): Promise<MailRounds> {
  const { settings } = lent;
  const taken = new TakenMails(lent.memory, settings.afterwards === 'keep');
  const renumbered = await taken.enter(session.validity);
  if (renumbered) {
    lent.event(
      'info',
      'renumbered',
      `The server has renumbered the mails of ${settings.folder}. Taken ones are recognised by their Message-ID.`,
    );
  }
  return new MailRounds(lent, taken);
}

async function takeMails(
  lent: ImapLent,
  { session, rounds }: { readonly session: ImapSession; readonly rounds: MailRounds },
  signal: AbortSignal,
): Promise<void> {
  const { every } = lent.settings;
  const how = session.pushes ? 'notified of new mails at once' : `looks every ${every} ms`;
  const state = `${session.place}, ${session.signedIn}, ${how}`;
  lent.connection('connected', state);
  lent.event('info', 'sign-in', state);
  while (!signal.aborted) {
    const all = await rounds.round(session, signal);
    if (all) await session.news(every, signal);
    else await wait(every, { signal });
  }
}

/** Name, TCP, TLS, sign-in, and whether the folder can be read and mails cleared away. Changes nothing. */
async function imapTest(lent: ImapLent, step: Step): Promise<void> {
  const session = await tryMailbox(lent, step, {
    name: 'IMAP',
    role: 'IMAP.AccessAsApp',
    startTls,
    signIn: () => ImapSession.signIn(lent, lent.settings, lent.signal),
  });
  try {
    await step('folder', async (detail) => detail(await toldInStep(() => lookInto(session, lent))));
  } finally {
    await session.quit();
  }
}

async function startTls(talk: Talk): Promise<boolean> {
  if (!(await talk.line()).startsWith('* OK')) return false;
  talk.say('a1 STARTTLS');
  let answer = await talk.line();
  while (answer.startsWith('* ')) answer = await talk.line();
  return answer.startsWith('a1 OK');
}

async function lookInto(session: ImapSession, { settings }: ImapLent): Promise<string> {
  const { folder, afterwards, archive } = settings;
  const archived =
    afterwards === 'archive' && !(await session.has(archive)) ? `; ${archive} will be created` : '';
  await session.enter();
  const pushes = session.pushes
    ? 'reports new mails at once'
    : 'does not report new mails (no IDLE)';
  return `${folder} has ${session.mails} mails; the server ${pushes}${archived}`;
}

/**
 * About how many mails the server is asked at once, at most. The first of a round is asked about alone, then twice as many
 * each time: where the engine accepts nothing, or one mail ends the connection, little is asked for nothing.
 */
const ASKED = 32;

/**
 * Takes every waiting mail of the folder, one after another: first its messages are stored, then
 * that is remembered, then the mail is marked, moved or deleted. A failure between two of these
 * steps leaves the mail either untouched, or known as taken and only to be cleared away.
 */
class MailRounds {
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
    for (let at = 0, some = 1; at < waiting.length; at += some, some = Math.min(2 * some, ASKED)) {
      const next = waiting.slice(at, at + some);
      const known = some === 1 ? undefined : await session.factsOfAll(next);
      for (const uid of next) {
        signal.throwIfAborted();
        const mail = known?.get(uid) ?? (await session.facts(uid));
        if (mail !== undefined && !(await this.#handle(session, mail))) return false;
      }
    }
    await this.#taken.wholeRound(waiting.at(-1) ?? 0);
    return true;
  }

  /** False if the engine could not accept the mail. */
  async #handle(session: ImapSession, mail: MailFacts): Promise<boolean> {
    const fate = this.#taken.fate(mail) ?? (await this.#take(session, mail));
    if (fate === 'later') return false;
    if (fate === 'taken') await this.#putAway(session, mail);
    if (fate === 'refused') await this.#putAside(session, mail);
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
