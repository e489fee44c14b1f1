import { EngineError, type LentInbound } from 'waybill/adapter';
import { newsFilter } from 'waybill/peer';
import type { GraphClient } from './graph-client.ts';
import { GraphError, NoAnswer } from './graph-error.ts';
import type { GraphInSettings } from './graph-in-settings.ts';
import { type MailFacts, mailChanges } from './mail-changes.ts';
import { mailParts, type Reading, UntakeableMail } from './mail-parts.ts';
import type { TakenMails } from './taken-mails.ts';

type GraphLent = LentInbound<GraphInSettings>;
type Take = GraphLent['settings']['take'];

/** How a mail went. `later`: the engine takes nothing now. */
type Fate = 'taken' | 'gone' | 'refused' | 'later';

/** How long putting a mail away may take. */
const PATIENCE = 10_000;

/** The category that marks taken mails where `afterwards` is `flag`. */
const CATEGORY = 'Waybill';

/** The folders of a mailbox, by id. */
export interface Folders {
  readonly folder: string;
  readonly archive: string | undefined;
  readonly failed: string | undefined;
}

/**
 * Takes every new mail of the folder, one after the other: first its messages are stored, then that
 * is remembered, then the mail is marked, moved or deleted; and once all are, the position moves on.
 */
export class MailRounds {
  readonly #lent: GraphLent;
  readonly #client: GraphClient;
  readonly #taken: TakenMails;
  readonly #folders: Folders;
  readonly #isNews = newsFilter(60 * 60_000);

  constructor(
    lent: GraphLent,
    { client, taken, folders }: { client: GraphClient; taken: TakenMails; folders: Folders },
  ) {
    this.#lent = lent;
    this.#client = client;
    this.#taken = taken;
    this.#folders = folders;
  }

  /** Goes through what is new. Throws GraphError and NoAnswer where Graph could not be asked. */
  async round(signal: AbortSignal): Promise<void> {
    const changes = await mailChanges(this.#client, {
      folder: this.#folders.folder,
      link: this.#taken.link,
      since: this.#taken.since,
      signal,
    });
    if (changes.anew) {
      this.#lent.event(
        'info',
        'looked-anew',
        'Graph no longer knew where the last look ended, so the folder was gone through anew.',
      );
    }
    let isSettled = true;
    for (const mail of changes.mails.filter((one) => this.#fits(one))) {
      signal.throwIfAborted();
      const fate = this.#taken.fate(mail) ?? (await this.#take(mail, signal));
      if (fate === 'later') return;
      if (fate === 'taken') isSettled = (await this.#putAway(mail)) && isSettled;
      if (fate === 'refused') await this.#putAside(mail);
    }
    if (isSettled) await this.#taken.moveOn(changes.link);
  }

  #fits(mail: MailFacts): boolean {
    const { from, subject, afterwards } = this.#lent.settings;
    if (afterwards === 'seen' && mail.isRead) return false;
    if (afterwards === 'flag' && mail.categories.includes(CATEGORY)) return false;
    return contains(mail.sender, from) && contains(mail.subject, subject);
  }

  async #take(mail: MailFacts, signal: AbortSignal): Promise<Fate> {
    const { take, withoutAttachment } = this.#lent.settings;
    const first = await this.#deliver(mail, take, signal);
    if (first !== 'empty') return first;
    if (withoutAttachment === 'mail') {
      const whole = await this.#deliver(mail, 'mail', signal);
      return whole === 'empty' ? 'gone' : whole;
    }
    this.#tell('warn', 'mail-skipped', mail, 'has no attachment that fits and was put away');
    await this.#taken.add(mail, 'taken');
    return 'taken';
  }

  async #deliver(mail: MailFacts, take: Take, signal: AbortSignal): Promise<Fate | 'empty'> {
    const reading: Reading = {};
    try {
      if ((await this.#store(mail, { take, reading, signal })) === 0) return 'empty';
    } catch (error) {
      return await this.#undelivered(mail, reading.problem ?? error);
    }
    await this.#taken.add(mail, 'taken');
    return 'taken';
  }

  /** How many messages the mail has; those that an earlier try stored are not stored again. */
  async #store(
    mail: MailFacts,
    { take, reading, signal }: { take: Take; reading: Reading; signal: AbortSignal },
  ): Promise<number> {
    const { settings, deliver } = this.#lent;
    const notOpened = (what: string): void =>
      this.#tell('warn', 'mail-not-opened', mail, `holds what was not opened: ${what}`);
    const all = { ...settings, take };
    const taking = { client: this.#client, settings: all, reading, signal, notOpened };
    const begun = this.#taken.begun(mail);
    let messages = 0;
    for await (const part of mailParts(mail, taking)) {
      messages += 1;
      if (messages <= begun) continue;
      if (messages > 1) await this.#taken.noteBegun(mail, messages - 1);
      await deliver({
        ...part,
        origin: `${settings.url.host}/${settings.mailbox}/${settings.folder}`,
        dedupeKey: `${mail.messageId} ${mail.id} ${take} ${messages}`,
      });
    }
    return messages;
  }

  async #undelivered(mail: MailFacts, error: unknown): Promise<Fate> {
    if (error instanceof GraphError && error.isGone) return 'gone';
    if (error instanceof UntakeableMail) return this.#refuse(mail, error.message);
    if (!(error instanceof EngineError)) throw error;
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

  /** False if that has to be tried again. */
  async #putAway(mail: MailFacts): Promise<boolean> {
    const isDone = await this.#done(mail, () => this.#marked(mail));
    if (isDone) this.#taken.forget(mail);
    return isDone;
  }

  /** Putting away is not cut off by a stop: it is one quick request, and saves a repetition. */
  async #marked({ id, categories }: MailFacts): Promise<void> {
    const { afterwards } = this.#lent.settings;
    const signal = AbortSignal.timeout(PATIENCE);
    const path = `/messages/${id}`;
    if (afterwards === 'keep') return;
    if (afterwards === 'delete') await this.#client.ask('DELETE', path, { signal });
    if (afterwards === 'archive') await this.#move(id, this.#folders.archive);
    if (afterwards === 'seen') {
      await this.#client.ask('PATCH', path, { json: { isRead: true }, signal });
    }
    if (afterwards === 'flag') {
      const json = { categories: [...categories, CATEGORY] };
      await this.#client.ask('PATCH', path, { json, signal });
    }
  }

  async #putAside(mail: MailFacts): Promise<void> {
    const { failed } = this.#folders;
    if (failed === undefined) return;
    if (await this.#done(mail, () => this.#move(mail.id, failed))) this.#taken.forget(mail);
  }

  async #move(id: string, folder: string | undefined): Promise<void> {
    const signal = AbortSignal.timeout(PATIENCE);
    const json = { destinationId: folder };
    await this.#client.ask('POST', `/messages/${id}/move`, { json, signal });
  }

  /** Whether the work could be done, or is no longer needed because the mail has gone. */
  async #done(mail: MailFacts, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (error instanceof NoAnswer || !(error instanceof GraphError)) throw error;
      if (error.isGone) return true;
      this.#tell(
        'error',
        'mail-not-put-away',
        mail,
        `was dealt with but could not be marked, moved or deleted (${error.status} ${error.graphCode}); it is remembered and tried again`,
      );
      return false;
    }
  }

  #tell(level: 'warn' | 'error', name: string, mail: MailFacts, text: string): void {
    const received = new Date(mail.received).toISOString().replace(/\.\d+Z$/, 'Z');
    if (this.#isNews(`${name} ${mail.id}`)) {
      this.#lent.event(level, name, `The mail received at ${received} ${text}.`);
    }
  }
}

function contains(text: string, part = ''): boolean {
  return text.toLowerCase().includes(part.toLowerCase());
}
