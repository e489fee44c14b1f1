import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { EngineError, inbound, type LentInbound } from 'waybill/adapter';
import { newsFilter, poll } from 'waybill/peer/basics';
import {
  type Enclosed,
  fileName,
  type MailDocument,
  type MailDocumentAddress,
  type MailFate,
  MailIntake,
  type MailPart,
  mailDocument,
  mailPart,
  mailText,
  Opening,
} from 'waybill/peer/mail';
import { GraphClient } from './graph-client.ts';
import { GraphError, NoAnswer } from './graph-error.ts';
import { readingFailure } from './graph-failure.ts';
import { folderId } from './graph-folder.ts';
import { type GraphInSettings, type GraphInValues, graphInSettings } from './graph-in-settings.ts';
import { type Json, listAt, objectAt, textAt } from './graph-json.ts';
import { testReading } from './graph-test.ts';
import { type MailFacts, mailChanges } from './mail-changes.ts';
import { TakenMails } from './taken-mails.ts';

type GraphLent = LentInbound<GraphInSettings>;

export default inbound({
  type: 'graph-mail-in',
  title: 'Mail (Microsoft Graph)',
  summary:
    'Takes the mails of a folder of an Exchange Online mailbox, or the files attached to them, through Microsoft Graph.',
  settings: graphInSettings,
  polling: true,
  async open(lent) {
    const { settings } = lent;
    const client = await GraphClient.open(lent, settings);
    try {
      const rounds = await prepared(lent, client);
      const polling = poll(settings.every, lent, (signal) =>
        explained(lent, client, () => rounds.round(signal)),
      );
      return {
        async close() {
          await polling.close();
          await client.close();
        },
      };
    } catch (error) {
      await client.close();
      throw error;
    }
  },
  test: testReading,
});

async function prepared(lent: GraphLent, client: GraphClient): Promise<MailRounds> {
  const { settings } = lent;
  const folders = await explained(lent, client, () => foldersOf(lent, client));
  const where = `${settings.url.host}/${settings.mailbox}/${folders.folder}`;
  const taken = await TakenMails.read(lent.memory, where, settings.afterwards === 'keep');
  lent.connection('connected', `${client.place}, ${settings.mailbox}, folder ${settings.folder}`);
  return new MailRounds(lent, { client, taken, folders });
}

async function foldersOf({ settings, signal }: GraphLent, client: GraphClient): Promise<Folders> {
  const { folder, afterwards, archive, failed } = settings;
  const made = { signal, make: true };
  return {
    folder: await folderId(client, folder, { signal, make: false }),
    archive: afterwards === 'archive' ? await folderId(client, archive, made) : undefined,
    failed: failed === undefined ? undefined : await folderId(client, failed, made),
  };
}

async function explained<Value>(
  { settings }: GraphLent,
  client: GraphClient,
  work: () => Promise<Value>,
): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    const needs = settings.afterwards === 'keep' ? 'Mail.Read' : 'Mail.ReadWrite';
    throw readingFailure(error, { place: client.place, mailbox: settings.mailbox, needs });
  }
}

type Take = GraphLent['settings']['take'];

/** How long clearing away a mail may take. */
const PATIENCE = 10_000;

/** The category that marks taken mails if `afterwards` is `flag`. */
const CATEGORY = 'Waybill';

/** The folders of a mailbox, by id. */
interface Folders {
  readonly folder: string;
  readonly archive: string | undefined;
  readonly failed: string | undefined;
}

/**
 * Takes every new mail of the folder, one after another: first its messages are stored, then that
 * is remembered, then the mail is marked, moved or deleted; once all are done, the position moves
 * on.
 */
class MailRounds {
  readonly #lent: GraphLent;
  readonly #client: GraphClient;
  readonly #taken: TakenMails;
  readonly #intake: MailIntake<MailFacts>;
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
    this.#intake = new MailIntake({ ...lent, taken, tell: this.#tell.bind(this) });
  }

  /** Handles what is new. Throws GraphError and NoAnswer if Graph could not be asked. */
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
        'Graph no longer knew where the last look ended, so the whole folder was read again.',
      );
    }
    let isSettled = true;
    for (const mail of changes.mails.filter((one) => this.#fits(one))) {
      signal.throwIfAborted();
      const fate =
        this.#taken.fate(mail) ??
        (await this.#intake.take(mail, (take) => this.#deliver(mail, take, signal)));
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

  async #deliver(mail: MailFacts, take: Take, signal: AbortSignal): Promise<MailFate | 'empty'> {
    const { settings } = this.#lent;
    const reading: MailReading = {};
    const parts = mailParts(mail, {
      client: this.#client,
      settings: { ...settings, take },
      reading,
      signal,
      notOpened: this.#intake.notOpened(mail),
    });
    try {
      const messages = await this.#intake.store(mail, parts, {
        origin: `${settings.url.host}/${settings.mailbox}/${settings.folder}`,
        key: `${mail.messageId} ${mail.id} ${take}`,
      });
      if (messages === 0) return 'empty';
    } catch (error) {
      return await this.#undelivered(mail, reading.problem ?? error);
    }
    await this.#taken.add(mail, 'taken');
    return 'taken';
  }

  async #undelivered(mail: MailFacts, error: unknown): Promise<MailFate> {
    if (error instanceof GraphError && error.isGone) return 'gone';
    if (error instanceof UntakeableMail) return await this.#intake.refuse(mail, error.message);
    if (!(error instanceof EngineError)) throw error;
    return await this.#intake.undelivered(mail, error);
  }

  /** False if that has to be retried. */
  async #putAway(mail: MailFacts): Promise<boolean> {
    const isDone = await this.#done(mail, () => this.#marked(mail));
    if (isDone) this.#taken.forget(mail);
    return isDone;
  }

  /** A stop does not interrupt clearing away: it is one quick request, and saves a repetition. */
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

  /** Whether the work was done, or is no longer needed because the mail is gone. */
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
        `was handled but could not be marked, moved or deleted (${error.status} ${error.graphCode}); it is remembered and retried`,
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

/** A mail that can never be taken; the text says why. */
class UntakeableMail extends Error {}

/** The error of reading while the engine consumed a message: the engine may report it differently. */
interface MailReading {
  problem?: unknown;
}

interface Taking {
  readonly reading: MailReading;
  readonly client: GraphClient;
  readonly settings: Pick<GraphInValues, 'take' | 'pattern' | 'embedded' | 'limit'>;
  readonly signal: AbortSignal;
  /** Called for a part that contains others and could not be opened. */
  readonly notOpened: (what: string) => void;
}

/**
 * The messages of a mail, in order; consume each before asking for the next. Yields none if
 * attachments are wanted and none matches. Forwarded mails, signed ones and winmail.dat are opened.
 * Throws an UntakeableMail above the limit.
 */
async function* mailParts(mail: MailFacts, taking: Taking): AsyncGenerator<MailPart> {
  const { take } = taking.settings;
  if (take === 'mail') yield await wholeMail(mail, taking);
  else if (take === 'attachments') yield* attachments(mail, taking);
  else yield await document(mail, taking);
}

async function wholeMail(mail: MailFacts, taking: Taking): Promise<MailPart> {
  const stream = await taking.client.stream(`/messages/${mail.id}/$value`, taking.signal);
  return mailPart(limited(stream, taking), { name: mail.subject, type: 'message/rfc822' });
}

/** Graph does not report the size of a mail. */
async function* limited(
  stream: Readable,
  { settings: { limit }, reading }: Taking,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      if (size > limit) throw new UntakeableMail('it is larger than the limit');
      yield chunk;
    }
  } catch (error) {
    reading.problem = error instanceof UntakeableMail ? error : new NoAnswer(error, true);
    throw error;
  } finally {
    stream.destroy();
  }
}

async function* attachments(mail: MailFacts, taking: Taking): AsyncGenerator<MailPart> {
  const opening = new Opening(taking.settings, taking.notOpened);
  for (const { part } of await concerned(mail, taking, opening)) {
    for await (const file of opening.files(part)) yield await mailPart(file.content, file);
  }
}

/** Attached files and mails, as far as they have to be read. A link to a file in a cloud has no content here. */
async function concerned(
  mail: MailFacts,
  taking: Taking,
  opening: Opening,
): Promise<readonly { readonly part: Enclosed; readonly size: number }[]> {
  const query = '$select=id,name,contentType,size,isInline';
  const all = await taking.client.list(`/messages/${mail.id}/attachments?${query}`, taking.signal);
  return all
    .filter((one) => !textAt(one, '@odata.type').endsWith('referenceAttachment'))
    .map((one) => ({ part: partOf(mail, one, taking), size: Number(one['size'] ?? 0) }))
    .filter(({ part }) => opening.concerns(part));
}

function partOf(mail: MailFacts, one: Json, taking: Taking): Enclosed {
  const isItem = textAt(one, '@odata.type').endsWith('itemAttachment');
  return {
    name: fileName(textAt(one, 'name')),
    type: isItem ? 'message/rfc822' : textAt(one, 'contentType'),
    related: one['isInline'] === true,
    content: content(mail, textAt(one, 'id'), taking),
  };
}

/** Fetched when it is read. */
async function* content(
  mail: MailFacts,
  attachment: string,
  taking: Taking,
): AsyncGenerator<Uint8Array> {
  const path = `/messages/${mail.id}/attachments/${attachment}/$value`;
  yield* limited(await taking.client.stream(path, taking.signal), taking);
}

async function document(mail: MailFacts, taking: Taking): Promise<MailPart> {
  const { take } = taking.settings;
  const opening = new Opening(taking.settings, taking.notOpened);
  const text = contentOf(await body(mail, taking, 'text'));
  if (take === 'text') {
    if (text.trim() !== '') return mailText(text, mail.subject);
    await documentAttachments(mail, taking, opening);
    return mailText(opening.words?.text ?? text, mail.subject);
  }
  const html = await body(mail, taking, 'html');
  const isHtml = textAt(objectAt(html, 'body'), 'contentType') === 'html';
  const opened = await documentAttachments(mail, taking, opening);
  const words = text.trim() === '' ? opening.words : undefined;
  return mailDocument({
    messageId: mail.messageId,
    date: new Date(mail.received).toISOString(),
    from: addresses([objectAt(html, 'from')]),
    to: addresses(listAt(html, 'toRecipients')),
    cc: addresses(listAt(html, 'ccRecipients')),
    subject: mail.subject,
    text: words?.text ?? text,
    html: words?.html ?? (isHtml ? contentOf(html) : ''),
    attachments: opened,
  });
}

const contentOf = (json: Json): string => textAt(objectAt(json, 'body'), 'content');

function body(mail: MailFacts, { client, signal }: Taking, type: 'text' | 'html'): Promise<Json> {
  const query = '$select=body,from,toRecipients,ccRecipients';
  const prefer = `IdType="ImmutableId", outlook.body-content-type="${type}"`;
  return client.ask('GET', `/messages/${mail.id}?${query}`, { headers: { prefer }, signal });
}

function addresses(recipients: readonly Json[]): MailDocumentAddress[] {
  return recipients.flatMap((one) => {
    const { name, address } = objectAt(one, 'emailAddress');
    return typeof address === 'string'
      ? [{ name: typeof name === 'string' ? name : '', address }]
      : [];
  });
}

/** In memory, and therefore limited in total. */
async function documentAttachments(
  mail: MailFacts,
  taking: Taking,
  opening: Opening,
): Promise<MailDocument['attachments']> {
  const all = await concerned(mail, taking, opening);
  const total = all.reduce((sum, { size }) => sum + size, 0);
  if (total > taking.settings.limit) throw new UntakeableMail('it is larger than the limit');
  const found: MailDocument['attachments'][number][] = [];
  for (const { part } of all) {
    for await (const { name, type, content: bytes } of opening.files(part)) {
      const held = await buffer(bytes);
      found.push({ name, type, size: held.length, content: held.toString('base64') });
    }
  }
  return found;
}
