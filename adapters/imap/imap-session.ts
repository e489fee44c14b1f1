import type { Readable } from 'node:stream';
import type { FetchMessageObject, SearchObject } from 'imapflow';
import { type EngineError, NotConnectedError, timerTime, wait } from 'waybill/adapter';
import { placeOf } from 'waybill/peer/basics';
import type { TlsClientLent } from 'waybill/peer/tls';
import type { ImapClient } from './imap-client.ts';
import { closed, imapFailure } from './imap-failure.ts';
import { isRefusal, refusalFailure, refusalReason, refusalText } from './imap-refusal.ts';
import type { ImapValues } from './imap-settings.ts';
import { signIn } from './imap-sign-in.ts';
import { KEYWORD, marksProblem } from './marks.ts';

/** How often IDLE is restarted: routers forget a connection that is silent for longer. */
const IDLE_AGAIN = 4 * 60_000;
/** How many bytes of a large mail are requested at once. */
const PIECE = 512 * 1024;

/** What is known about a mail before it is read. */
export interface MailFacts {
  readonly uid: number;
  readonly size: number;
  /** As the sender wrote it; `''` if there is none. */
  readonly messageId: string;
  readonly subject: string;
  /** When the server received it, in milliseconds since 1970. */
  readonly arrived: number;
}

const FACTS = { size: true, envelope: true, internalDate: true } as const;

function factsOf(
  uid: number,
  { envelope, internalDate, size = 0 }: Pick<FetchMessageObject, keyof typeof FACTS>,
): MailFacts {
  return {
    uid,
    size,
    messageId: envelope?.messageId ?? '',
    subject: envelope?.subject ?? '',
    arrived: new Date(internalDate ?? 0).getTime(),
  };
}

/** A signed-in connection with one folder open. All its errors are EngineErrors. */
export class ImapSession {
  readonly place: string;
  /** How the sign-in went. */
  readonly signedIn: string;
  readonly #client: ImapClient;
  readonly #settings: ImapValues;
  /** Server names of folders, by how they are written in the settings. */
  readonly #names = new Map<string, Promise<string>>();
  /** Whether mails may have arrived since the last search. */
  #news = false;

  private constructor(client: ImapClient, signedIn: string, settings: ImapValues) {
    this.#client = client;
    this.#settings = settings;
    this.place = placeOf(settings.connect);
    this.signedIn = signedIn;
    client.on('exists', () => {
      this.#news = true;
    });
  }

  /** Connects, signs in and opens the folder. */
  static async open(
    lent: TlsClientLent,
    settings: ImapValues,
    signal: AbortSignal,
  ): Promise<ImapSession> {
    const session = await ImapSession.signIn(lent, settings, signal);
    try {
      const { afterwards, archive, failed } = settings;
      const wanted = [afterwards === 'archive' ? archive : undefined, failed];
      for (const path of wanted) if (path !== undefined) await session.#make(path);
      await session.enter();
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  /** Connects and signs in only. */
  static async signIn(
    lent: TlsClientLent,
    settings: ImapValues,
    signal: AbortSignal,
  ): Promise<ImapSession> {
    const { client, text } = await signIn(lent, settings, signal);
    return new ImapSession(client, text, settings);
  }

  /** The folder's UIDVALIDITY: when it changes, all UIDs mean other mails than before. */
  get validity(): string {
    return this.#client.mailbox === false ? '' : String(this.#client.mailbox.uidValidity);
  }

  /** Whether the server reports new mails by itself. */
  get pushes(): boolean {
    return this.#client.capabilities.has('IDLE');
  }

  /** UIDs of the matching mails, in ascending order. */
  async search(criteria: SearchObject): Promise<readonly number[]> {
    this.#news = false;
    const { from, to, subject } = this.#settings;
    const found = await this.#ask(() =>
      this.#client.search(
        {
          ...criteria,
          ...(from === undefined ? {} : { from }),
          ...(to === undefined ? {} : { to }),
          ...(subject === undefined ? {} : { subject }),
        },
        { uid: true },
      ),
    );
    // `false` is a refused search, not an empty folder.
    if (!Array.isArray(found)) throw this.#refusedSearch();
    return found.toSorted((a, b) => a - b);
  }

  /** Undefined if the mail is gone by now. */
  async facts(uid: number): Promise<MailFacts | undefined> {
    const found = await this.#ask(() => this.#client.fetchOne(String(uid), FACTS, { uid: true }));
    return found === false ? undefined : factsOf(uid, found);
  }

  /** The facts of several mails in one answer; of a mail that is missing in it, `facts` tells more. */
  async factsOfAll(uids: readonly number[]): Promise<ReadonlyMap<number, MailFacts>> {
    const rows = await this.#ask(() =>
      this.#client.fetchAll(uids.join(','), FACTS, { uid: true }).catch((error: unknown) => {
        // perhaps because of one of them, which must not keep the others from being taken
        if (isRefusal(error)) return [];
        throw error;
      }),
    );
    const told = new Map<number, MailFacts>();
    for (const row of rows) {
      const { uid, size, envelope, internalDate } = row;
      // a server may tell of a mail in parts, or of one that was not asked about
      const isWhole = size !== undefined && envelope !== undefined && internalDate !== undefined;
      if (isWhole) told.set(uid, factsOf(uid, row));
    }
    return told;
  }

  /** The whole mail; this does not mark it as read. Undefined if it is gone by now. */
  async content(uid: number): Promise<Readable | undefined> {
    const { content } = await this.#ask(() =>
      this.#client.download(String(uid), undefined, { uid: true, chunkSize: PIECE }),
    );
    return content;
  }

  /** Does what `afterwards` says with a taken mail. False if the server refused. */
  settle(uid: number): Promise<boolean> {
    const { afterwards, archive } = this.#settings;
    if (afterwards === 'archive') return this.move(uid, archive);
    if (afterwards === 'delete') return this.remove(uid);
    const range = String(uid);
    return this.#done(() => {
      if (afterwards === 'keep') return Promise.resolve(true);
      const flag = afterwards === 'seen' ? '\\Seen' : KEYWORD;
      return this.#client.messageFlagsAdd(range, [flag], { uid: true });
    });
  }

  /** Deletes a mail for good. False if the server refused. */
  remove(uid: number): Promise<boolean> {
    return this.#done(() => this.#client.messageDelete(String(uid), { uid: true }));
  }

  move(uid: number, folder: string): Promise<boolean> {
    return this.#done(async () => {
      const name = await this.#named(folder);
      const moved = await this.#client.messageMove(String(uid), name, { uid: true });
      return moved !== false && moved !== undefined;
    });
  }

  /** Why the server refused the last failed command; `''` if it did not say. */
  get refused(): string {
    const { refusal } = this.#client;
    const reason = refusalReason(refusal);
    return reason === undefined ? '' : `${refusalText(refusal)}: ${reason}`;
  }

  /** Waits until there may be new mails, or for `limit` milliseconds. */
  async news(limit: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#news) return;
    if (!this.pushes) {
      await wait(limit, { signal });
      return;
    }
    const client = this.#client;
    const woken = Promise.withResolvers<void>();
    const ended = () => woken.reject(closed(this.place, client.bye));
    const timer = setTimeout(woken.resolve, timerTime(limit));
    client.on('exists', woken.resolve);
    client.on('close', ended);
    signal.addEventListener('abort', ended, { once: true });
    try {
      // Ends when another command is sent; if the connection fails, 'close' is emitted.
      client.idle().catch(() => undefined);
      if (!client.usable) ended();
      await woken.promise;
      await this.#ask(() => client.noop());
    } finally {
      clearTimeout(timer);
      client.off('exists', woken.resolve);
      client.off('close', ended);
      signal.removeEventListener('abort', ended);
    }
  }

  /** Says goodbye and closes; a server that does not answer is given a second. */
  async quit(): Promise<void> {
    const timer = setTimeout(() => this.#client.close(), 1_000);
    // the connection ends anyway
    await this.#client.logout().catch(() => undefined);
    clearTimeout(timer);
    this.#client.close();
  }

  close(): void {
    this.#client.close();
  }

  /** Opens the folder, and checks that mails can be cleared away as `afterwards` says. */
  async enter(): Promise<void> {
    const { folder } = this.#settings;
    const name = await this.#ask(() => this.#named(folder));
    this.#client.maxIdleTime = IDLE_AGAIN;
    // A lock that is never released: only then is the long silence while a message is being stored
    // not taken for a dead connection.
    await this.#client.getMailboxLock(name).catch((error: unknown) => {
      if (!isRefusal(error)) throw this.#failure(error);
      throw refusalFailure(error, {
        what: `the folder ${folder} cannot be opened`,
        otherwise:
          'it does not exist, or this account has no access to it. Correct folder, or grant access',
      });
    });
    const { mailbox } = this.#client;
    if (mailbox === false) throw closed(this.place, this.#client.bye);
    const problem = marksProblem(mailbox, this.#settings.afterwards);
    if (problem !== undefined) throw new NotConnectedError(`Not connected: ${folder} ${problem}`);
  }

  /** Whether a folder exists. */
  async has(folder: string): Promise<boolean> {
    const name = await this.#ask(() => this.#named(folder));
    const folders = await this.#ask(() => this.#client.list());
    return folders.some(({ path }) => path === name);
  }

  /** How many mails the open folder has. */
  get mails(): number {
    return this.#client.mailbox === false ? 0 : this.#client.mailbox.exists;
  }

  async #make(folder: string): Promise<void> {
    const name = await this.#ask(() => this.#named(folder));
    await this.#client.mailboxCreate(name).catch((error: unknown) => {
      if (!isRefusal(error)) throw this.#failure(error);
      throw refusalFailure(error, {
        what: `the folder ${folder} does not exist and cannot be created`,
        otherwise: 'this account may not create it. Create it, or name another',
      });
    });
  }

  #named(folder: string): Promise<string> {
    const known = this.#names.get(folder) ?? folderName(this.#client, folder);
    this.#names.set(folder, known);
    return known;
  }

  #refusedSearch(): EngineError {
    const { usable, bye, refusal } = this.#client;
    if (!usable) return closed(this.place, bye);
    return refusalFailure(refusal, {
      what: `${this.place} refused to search the folder`,
      otherwise: 'it may not support the characters or words under from, to and subject',
    });
  }

  #failure(error: unknown): EngineError {
    return imapFailure(error, this.place, this.#client.bye);
  }

  async #done(work: () => Promise<boolean | undefined>): Promise<boolean> {
    return (await this.#ask(work)) === true;
  }

  async #ask<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      throw this.#failure(error);
    }
  }
}

/**
 * The server's name of a folder. Its levels may be written with `/`, whatever separator the server
 * uses, and without a common prefix of all folders (`INBOX.`). If a folder exists exactly as
 * written, that one is meant.
 */
async function folderName(client: ImapClient, written: string): Promise<string> {
  const delimiter = client.namespace?.delimiter ?? '/';
  const prefix = client.namespace?.prefix ?? '';
  if (/^INBOX$/i.test(written)) return 'INBOX';
  const whole = (path: string): string => (path.startsWith(prefix) ? path : `${prefix}${path}`);
  const translated = whole(written.replaceAll('/', delimiter));
  if (translated === whole(written)) return translated;
  const folders = await client.list();
  return folders.some(({ path }) => path === whole(written)) ? whole(written) : translated;
}
