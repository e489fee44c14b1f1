import { Readable } from 'node:stream';
import {
  describeSize,
  inbound,
  type LentInbound,
  NotConnectedError,
  type Step,
  toldInStep,
  wait,
} from 'waybill/adapter';
import { beginning, continued, newsFilter, type Talk } from 'waybill/peer/basics';
import {
  cutWhenStopped,
  type MailFate,
  MailIntake,
  mailFacts,
  mailMessages,
  openMailbox,
  tryMailbox,
} from 'waybill/peer/mail';
import { type ListedMail, Pop3Session } from './pop3-session.ts';
import { pop3Settings } from './pop3-settings.ts';
import { type PresentMail, TakenMails } from './taken-mails.ts';

type Pop3Lent = LentInbound<typeof pop3Settings>;

export default inbound({
  type: 'pop3-in',
  title: 'Mail (POP3)',
  summary: 'Takes the mails of a mailbox by POP3, or the files attached to them.',
  settings: pop3Settings,
  polling: true,
  open: (lent) =>
    openMailbox(lent, {
      connect: (signal) => Pop3Session.open(lent, lent.settings, signal),
      read: (session, again, signal) => read(lent, { session, again }, signal),
    }),
  test: pop3Test,
});

/** A session for each round: the mailbox is locked for others while one is open. */
async function read(
  lent: Pop3Lent,
  {
    session: first,
    again,
  }: { readonly session: Pop3Session; readonly again: () => Promise<Pop3Session> },
  signal: AbortSignal,
): Promise<void> {
  const { settings } = lent;
  let session = first;
  const rounds = new MailRounds(lent, await takenMails(lent, session));
  const state = `${session.place}, ${session.signedIn}, looks every ${settings.every} ms`;
  lent.connection('connected', state);
  lent.event('info', 'sign-in', state);
  for (;;) {
    const end = await oneRound(lent, { session, rounds }, signal);
    if (end !== 'more') await wait(settings.every, { signal });
    signal.throwIfAborted();
    session = await again();
    lent.connection('connected', state);
  }
}

function takenMails({ memory, settings }: Pop3Lent, { user }: Pop3Session): Promise<TakenMails> {
  const { connect, from = '', subject = '', afterwards } = settings;
  return TakenMails.read(memory, {
    mailbox: `${user} ${connect.host}`,
    filter: JSON.stringify([from, subject]),
    stay: afterwards === 'keep',
  });
}

async function oneRound(
  lent: Pop3Lent,
  { session, rounds }: { readonly session: Pop3Session; readonly rounds: MailRounds },
  signal: AbortSignal,
): ReturnType<MailRounds['round']> {
  const over = new AbortController();
  const cut = cutWhenStopped(session, {
    lent,
    signal,
    over: over.signal,
    delivering: () => rounds.delivering,
  });
  try {
    return await rounds.round(session, signal);
  } finally {
    session.close();
    over.abort();
    await cut;
  }
}

/** Name, TCP, TLS, sign-in, and whether the mailbox can be read. Changes nothing. */
async function pop3Test(lent: Pop3Lent, step: Step): Promise<void> {
  const session = await tryMailbox(lent, step, {
    name: 'POP3',
    role: 'POP.AccessAsApp',
    startTls,
    signIn: () => Pop3Session.open(lent, lent.settings, lent.signal),
  });
  try {
    await step('mailbox', async (detail) => {
      const mails = await toldInStep(() => session.list());
      detail(`${mails.length} mails, ${mails.reduce((sum, { size }) => sum + size, 0)} bytes`);
    });
  } finally {
    await session.quit();
  }
}

async function startTls(talk: Talk): Promise<boolean> {
  if (!(await talk.line()).startsWith('+OK')) return false;
  talk.say('STLS');
  return (await talk.line()).startsWith('+OK');
}

/** How much of a mail is read to find its subject. */
const HEAD = 64 * 1024;

interface Mail extends ListedMail, PresentMail {}

/** How a round ended. `more`: mails are left for the next session; `later`: the engine accepts nothing now. */
type RoundEnd = 'all' | 'more' | 'later';

interface Session {
  readonly mails: readonly ListedMail[];
  /** The names of those that are deleted once the session has ended. */
  readonly deleted: string[];
  readonly signal: AbortSignal;
}

/**
 * Takes the new mails of a mailbox, one after another: first its messages are stored, then that is
 * remembered, then the mail is marked as deleted, which the end of the session makes final. A
 * session that is cut leaves a mail either untouched, or known as taken and only to be deleted.
 */
class MailRounds {
  readonly #lent: Pop3Lent;
  readonly #taken: TakenMails;
  readonly #intake: MailIntake<Mail>;
  readonly #isNews = newsFilter(60 * 60_000);

  constructor(lent: Pop3Lent, taken: TakenMails) {
    const { settings } = lent;
    this.#lent = lent;
    this.#taken = taken;
    this.#intake = new MailIntake({
      deliver: lent.deliver,
      settings: { ...settings, failed: undefined },
      taken,
      tell: this.#tell.bind(this),
    });
  }

  /** Whether a message is being stored at the moment. */
  get delivering(): boolean {
    return this.#intake.isStoring;
  }

  /** Handles the mailbox once, and ends the session. */
  async round(session: Pop3Session, signal: AbortSignal): Promise<RoundEnd> {
    const mails = await session.list();
    if (this.#taken.enter(mails)) {
      this.#lent.event(
        'info',
        'renamed',
        'The server has given other names to the mails. Taken ones are recognised by their Message-ID.',
      );
    }
    const deleted: string[] = [];
    const end = await this.#each(session, { mails, deleted, signal });
    if (end === 'all' && !signal.aborted) this.#taken.wholeRound();
    await this.#quit(session, deleted);
    return end;
  }

  async #each(session: Pop3Session, { mails, deleted, signal }: Session): Promise<RoundEnd> {
    const { mailsAtOnce, afterwards } = this.#lent.settings;
    let handled = 0;
    for (const mail of mails) {
      if (signal.aborted) break;
      const known = this.#taken.fate(mail);
      if (known === undefined && handled === mailsAtOnce) return 'more';
      const fate = known ?? (await this.#take(session, mail));
      if (fate === 'later') return 'later';
      // Only what is remembered counts, so that the next session begins behind it.
      if (known === undefined && this.#taken.fate(mail) !== undefined) handled += 1;
      const isDone = fate === 'taken' && afterwards === 'delete';
      if (isDone && (await this.#delete(session, mail))) deleted.push(mail.uid);
    }
    return 'all';
  }

  async #quit(session: Pop3Session, deleted: readonly string[]): Promise<void> {
    if (await session.quit()) this.#taken.forget(deleted);
    else {
      this.#lent.event(
        'error',
        'mail-not-put-away',
        'The server did not delete mails that were taken; they are remembered and that is retried. Look at the log of the server.',
      );
    }
    await this.#taken.save();
  }

  async #delete(session: Pop3Session, listed: ListedMail): Promise<boolean> {
    if (await session.delete(listed)) return true;
    this.#tell(
      'error',
      'mail-not-put-away',
      { ...listed, messageId: '' },
      'was taken but could not be deleted; it is remembered and retried. Check the permissions of the account',
    );
    return false;
  }

  async #take(session: Pop3Session, listed: ListedMail): Promise<MailFate | 'left'> {
    const { limit, from, subject } = this.#lent.settings;
    const mail = { ...listed, messageId: '' };
    if (mail.size > limit) {
      return await this.#intake.refuse(
        mail,
        `it has ${describeSize(mail.size)}, more than the limit of ${describeSize(limit)}`,
      );
    }
    if ((from !== undefined || subject !== undefined) && !(await this.#fits(session, listed))) {
      this.#taken.leave(listed);
      return 'left';
    }
    return await this.#intake.take(mail, (take) => this.#read(session, listed, take));
  }

  async #fits(session: Pop3Session, listed: ListedMail): Promise<boolean> {
    const { from, subject } = this.#lent.settings;
    const head = await session.head(listed);
    if (head === undefined) {
      throw new NotConnectedError(
        `Not connected: ${session.place} does not give the heads of mails (TOP), which from and subject need. Leave these out.`,
      );
    }
    const facts = await mailFacts(head);
    return contains(facts.sender, from) && contains(facts.subject, subject);
  }

  /** Reads one mail to its end, whatever becomes of it: the connection has to be usable afterwards. */
  async #read(
    session: Pop3Session,
    listed: ListedMail,
    take: Pop3Lent['settings']['take'],
  ): Promise<MailFate | 'empty'> {
    const content = await session.content(listed);
    if (content === undefined) {
      this.#tell(
        'error',
        'mail-not-read',
        { ...listed, messageId: '' },
        'is not given out by the server; it is tried again. Look at the log of the server',
      );
      return 'gone';
    }
    const reading: Reading = {};
    const fate = await this.#deliver(session, { listed, take, content, reading });
    while ((await content.next()).done !== true);
    return fate;
  }

  async #deliver(
    session: Pop3Session,
    { listed, take, content, reading }: Deliverable,
  ): Promise<MailFate | 'empty'> {
    const { settings } = this.#lent;
    const chunks = borrowed(content, reading);
    const { head } = await beginning(chunks, HEAD);
    const { messageId, subject } = await mailFacts(head);
    const mail: Mail = { ...listed, messageId };
    if (this.#taken.isRenamed(mail))
      return await this.#taken.add(mail, 'taken').then(() => 'taken');
    const notOpened = this.#intake.notOpened(mail);
    const source = Readable.from(continued(head, chunks));
    const parts = mailMessages(source, subject, { ...settings, take, notOpened });
    return await this.#intake.storeWhole(mail, parts, {
      origin: `pop3://${session.place}`,
      key: `${session.user} ${mail.uid} ${take}`,
      cut: () => reading.problem,
    });
  }

  #tell(level: 'warn' | 'error', name: string, mail: Mail, text: string): void {
    if (this.#isNews(`${name} ${mail.uid}`)) {
      this.#lent.event(level, name, `The mail number ${mail.number} ${text}.`);
    }
  }
}

/** The error of reading while the engine consumed a message: the engine may report it differently. */
interface Reading {
  problem?: Error;
}

interface Deliverable {
  readonly listed: ListedMail;
  readonly take: Pop3Lent['settings']['take'];
  readonly content: AsyncGenerator<Buffer>;
  readonly reading: Reading;
}

/** The content for somebody who may stop reading early: it can be read on by others. */
async function* borrowed(
  content: AsyncGenerator<Buffer>,
  reading: Reading,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    for (let next = await content.next(); next.done !== true; next = await content.next()) {
      yield next.value;
    }
  } catch (error) {
    reading.problem = error as Error;
    throw error;
  }
}

function contains(text: string, part = ''): boolean {
  return text.toLowerCase().includes(part.toLowerCase());
}
