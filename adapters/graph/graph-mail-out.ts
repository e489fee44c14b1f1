import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import {
  type Body,
  isTold,
  type Message,
  type OpenOutbound,
  outbound,
  type Reply,
  unless,
} from 'waybill/adapter';
import { asBuffer, type InFlight, inFlight } from 'waybill/peer/basics';
import {
  type Letter,
  type LetterAttachment,
  type LetterSettings,
  letter,
  type Mailbox,
} from 'waybill/peer/mail';
import { GraphClient } from './graph-client.ts';
import { GraphError, NoAnswer } from './graph-error.ts';
import { sendingFailure } from './graph-failure.ts';
import { type Json, listAt, textAt } from './graph-json.ts';
import { type GraphOutValues, graphOutSettings } from './graph-out-settings.ts';
import { testSending } from './graph-test.ts';

export default outbound({
  type: 'graph-mail-out',
  title: 'Mail (Microsoft Graph)',
  summary: 'Sends each message as a mail from an Exchange Online mailbox, through Microsoft Graph.',
  settings: graphOutSettings,
  async open(lent) {
    const { settings, production, host } = lent;
    const client = await GraphClient.open(lent, settings);
    // Notices at once if there is no token; Graph itself is contacted with the first mail.
    await client.token(lent.signal);
    lent.connection('connected', `${client.place}, as ${settings.mailbox}`);
    return new MailSender({ client, settings, marks: `${production}/${host}` });
  },
  test: testSending,
});

/** How many tried messages are remembered. */
const MOST = 10_000;

interface MailSenderOptions {
  readonly client: GraphClient;
  readonly settings: GraphOutValues;
  /** What the mailbox's templates are filled in for; identifies us among all that use the mailbox. */
  readonly marks: string;
}

const TRIED = new WeakMap<GraphOutValues, LRUCache<number, true>>();

/**
 * Messages that were tried and may not have been sent. An adapter that lost its connection is
 * closed and opened again with the same settings, and must still know them.
 */
function triedWith(settings: GraphOutValues): LRUCache<number, true> {
  const tried = TRIED.get(settings) ?? new LRUCache<number, true>({ max: MOST });
  TRIED.set(settings, tried);
  return tried;
}

interface Sending {
  readonly message: Message;
  readonly letter: Letter;
  readonly signal: AbortSignal;
}

/** Sends each message as a mail from the mailbox. */
class MailSender implements OpenOutbound {
  readonly #options: MailSenderOptions;
  readonly #letter: LetterSettings;
  readonly #fixedSender: boolean;
  readonly #flights: InFlight = inFlight();
  readonly #tried: LRUCache<number, true>;

  constructor(options: MailSenderOptions) {
    const { settings } = options;
    this.#options = options;
    this.#tried = triedWith(settings);
    this.#letter = { ...settings, from: settings.from ?? fixed(settings.mailbox) };
    this.#fixedSender = !this.#letter.from.source.includes('{');
  }

  send(message: Message, signal: AbortSignal): Promise<Reply> {
    return this.#flights.until(signal, () => this.#send(message, signal));
  }

  async close(): Promise<void> {
    await this.#flights.ended(1_000);
    await this.#options.client.close();
  }

  async #send(message: Message, signal: AbortSignal): Promise<Reply> {
    const { client, settings } = this.#options;
    const sending = { message, letter: await letter(message, this.#letter), signal };
    const isDirect = settings.sending !== 'once' && travelOf(sending.letter.attachment) === 'along';
    const needs = isDirect ? 'Mail.Send' : 'Mail.ReadWrite and Mail.Send';
    try {
      return isDirect ? await this.#direct(sending) : await this.#once(sending);
    } catch (error) {
      signal.throwIfAborted();
      const asked = { place: client.place, mailbox: settings.mailbox, needs };
      throw sendingFailure(error, asked, this.#fixedSender);
    }
  }

  async #direct({ message, letter: written, signal }: Sending): Promise<Reply> {
    const mail = await graphMail(written, message, undefined);
    const saveToSentItems = this.#options.settings.sending !== 'unsaved';
    await this.#options.client.ask('POST', '/sendMail', {
      json: { message: mail, saveToSentItems },
      signal,
    });
    return accepted('accepted');
  }

  /** A draft is marked, completed and sent; a later try finds it by its mark and continues from there. */
  async #once(sending: Sending): Promise<Reply> {
    const { message, signal } = sending;
    const mark = `${this.#options.marks}/${message.id}`;
    if (message.possibleDuplicate === true || this.#tried.has(message.id)) {
      if (await this.#wasSent(mark, signal)) return this.#sent(message, 'sent by an earlier try');
    }
    this.#tried.set(message.id, true);
    await this.#complete(await this.#draft(sending, mark), sending);
    return this.#sent(message, 'accepted');
  }

  async #draft({ message, letter: written, signal }: Sending, mark: string): Promise<string> {
    const json = await graphMail(written, message, mark);
    return textAt(await this.#options.client.ask('POST', '/messages', { json, signal }), 'id');
  }

  async #complete(id: string, sending: Sending): Promise<void> {
    const { client } = this.#options;
    let asked = false;
    try {
      await this.#attach(id, sending);
      asked = true;
      await client.ask('POST', `/messages/${id}/send`, { signal: sending.signal });
    } catch (error) {
      if (isLeftBehind(error, asked)) await this.#tidy(id);
      throw error;
    }
  }

  async #attach(id: string, { letter: { attachment }, signal }: Sending): Promise<void> {
    const { client } = this.#options;
    if (attachment === undefined) return;
    if (travelOf(attachment) === 'alone') {
      const json = await graphAttachment(attachment);
      await client.ask('POST', `/messages/${id}/attachments`, { json, signal });
    }
    if (travelOf(attachment) === 'pieces') await upload(client, id, { attachment, signal });
  }

  /** A draft that Graph refuses would otherwise stay for ever. */
  async #tidy(id: string): Promise<void> {
    const signal = AbortSignal.timeout(5_000);
    // a left-over draft is harmless; the reason for giving up matters more
    await this.#options.client
      .ask('DELETE', `/messages/${id}`, { signal })
      .catch(unless(isTold, 'removing a draft'));
  }

  /** Looks for what earlier tries left: a sent mail means success, incomplete drafts are removed. */
  async #wasSent(mark: string, signal: AbortSignal): Promise<boolean> {
    const { client } = this.#options;
    const query = `$filter=${encodeURIComponent(filterFor(mark))}&$select=id,isDraft,parentFolderId`;
    const found = listAt(await client.ask('GET', `/messages?${query}`, { signal }), 'value');
    if (found.length === 0) return false;
    const drafts = await client.ask('GET', '/mailFolders/drafts?$select=id', { signal });
    const isUnsent = (one: Json): boolean =>
      one['isDraft'] === true && textAt(one, 'parentFolderId') === textAt(drafts, 'id');
    if (!found.every(isUnsent)) return true;
    for (const one of found) {
      await client.ask('DELETE', `/messages/${textAt(one, 'id')}`, { signal });
    }
    return false;
  }

  #sent({ id }: Message, text: string): Reply {
    this.#tried.delete(id);
    return accepted(text);
  }
}

/**
 * A draft with an unknown fate must stay: it tells the next try whether it was sent, and it may be
 * the sent mail by now.
 */
function isLeftBehind(error: unknown, asked: boolean): boolean {
  return error instanceof GraphError && !(asked && error.isDoubtful);
}

const accepted = (text: string): Reply => ({
  body: new Uint8Array(),
  type: 'text/plain',
  code: '202',
  text,
});

const fixed = (source: string): LetterSettings['from'] => ({
  source,
  render: () => Promise.resolve(source),
});

/** Requests may have 4 MB; texts and the rest of the JSON need part of that. */
const IN_REQUEST = 2.8 * 1024 * 1024;
/** From this size on, an attachment needs an upload session. */
const NEEDS_SESSION = 3 * 1024 * 1024;

/** A named property that marks our mails, under our own GUID. */
const PROPERTY = 'String {6d1c9d3e-6f0c-4c0e-9a52-3b6f1c1f7a10} Name WaybillMessage';

/** How an attachment is sent: in the request that creates the mail, in a separate one, or in pieces. */
function travelOf(attachment: LetterAttachment | undefined): 'along' | 'alone' | 'pieces' {
  if (attachment === undefined || attachment.body.size <= IN_REQUEST) return 'along';
  return attachment.body.size < NEEDS_SESSION ? 'alone' : 'pieces';
}

/** The message resource of a letter. `filterFor` finds `mark` again. */
async function graphMail(
  written: Letter,
  message: Message,
  mark: string | undefined,
): Promise<object> {
  const { text, html, replyTo, attachment } = written;
  const along = attachment !== undefined && travelOf(attachment) === 'along';
  return {
    subject: written.subject,
    body: { contentType: html === undefined ? 'text' : 'html', content: html ?? text ?? '' },
    from: recipient(written.from),
    toRecipients: written.to.map(recipient),
    ccRecipients: written.cc.map(recipient),
    bccRecipients: written.bcc.map(recipient),
    ...(replyTo === undefined ? {} : { replyTo: [recipient(replyTo)] }),
    internetMessageId: `<waybill.${message.id}@${written.from.address.split('@').at(-1)}>`,
    ...(along ? { attachments: [await graphAttachment(attachment)] } : {}),
    ...(mark === undefined
      ? {}
      : { singleValueExtendedProperties: [{ id: PROPERTY, value: mark }] }),
  };
}

function recipient({ name, address }: Mailbox): object {
  return { emailAddress: name === '' ? { address } : { name, address } };
}

/** An attachment with its content, for a single request. */
async function graphAttachment({ name, type, body }: LetterAttachment): Promise<object> {
  return {
    '@odata.type': '#microsoft.graph.fileAttachment',
    name,
    contentType: type,
    contentBytes: asBuffer(await body.bytes()).toString('base64'),
  };
}

/** Finds the mails with a mark. */
function filterFor(mark: string): string {
  const value = mark.replaceAll("'", "''");
  return `singleValueExtendedProperties/any(ep: ep/id eq '${PROPERTY}' and ep/value eq '${value}')`;
}

/** Pieces are multiples of 320 KB and stay below 4 MB. */
const PIECE = 12 * 320 * 1024;
const SESSIONS = 3;
const TRIES = 3;

/** Thrown if a session cannot be continued: the file is sent again in a new one. */
class SessionBroken extends Error {
  readonly reason: Error;

  constructor(reason: Error) {
    super('session broken', { cause: reason });
    this.reason = reason;
  }
}

/**
 * Attaches a large file to a draft, in pieces. A lost piece is sent again from where the server
 * says it is; if the server does not say, the file is sent again in a new session. Never more than
 * one piece is held in memory.
 */
async function upload(
  client: GraphClient,
  messageId: string,
  { attachment, signal }: { readonly attachment: LetterAttachment; readonly signal: AbortSignal },
): Promise<void> {
  for (let sessions = 1; ; sessions++) {
    const json = await client.ask(
      'POST',
      `/messages/${messageId}/attachments/createUploadSession`,
      {
        json: {
          AttachmentItem: {
            attachmentType: 'file',
            name: attachment.name,
            size: attachment.body.size,
            contentType: attachment.type,
          },
        },
        signal,
      },
    );
    try {
      await sendPieces(client, textAt(json, 'uploadUrl'), { body: attachment.body, signal });
      return;
    } catch (error) {
      if (!(error instanceof SessionBroken)) throw error;
      // Perhaps only the answer to the last piece was lost.
      if (await isAttached(client, messageId, { attachment, signal })) return;
      if (sessions >= SESSIONS) throw error.reason;
    }
  }
}

async function isAttached(
  client: GraphClient,
  messageId: string,
  { attachment, signal }: { readonly attachment: LetterAttachment; readonly signal: AbortSignal },
): Promise<boolean> {
  const query = '$select=id,name,size';
  const json = await client.ask('GET', `/messages/${messageId}/attachments?${query}`, { signal });
  return listAt(json, 'value').some((one) => textAt(one, 'name') === attachment.name);
}

interface Uploading {
  readonly body: Body;
  readonly signal: AbortSignal;
}

async function sendPieces(
  client: GraphClient,
  url: string,
  { body, signal }: Uploading,
): Promise<void> {
  let from = 0;
  for await (const piece of pieces(body)) {
    await sendPiece(client, url, { piece, from, total: body.size, signal });
    from += piece.byteLength;
  }
}

interface Piece {
  readonly piece: Uint8Array;
  readonly from: number;
  readonly total: number;
  readonly signal: AbortSignal;
}

async function sendPiece(client: GraphClient, url: string, sending: Piece): Promise<void> {
  const { piece, from, total, signal } = sending;
  let start = from;
  const end = from + piece.byteLength;
  for (let tries = 1; start < end; tries++) {
    try {
      await client.put(url, piece.subarray(start - from), {
        headers: {
          'content-type': 'application/octet-stream',
          'content-range': `bytes ${start}-${end - 1}/${total}`,
        },
        signal,
      });
      return;
    } catch (error) {
      if (isForgotten(error)) throw new SessionBroken(error);
      if (!mayRepeat(error)) throw error;
      if (tries >= TRIES) throw new SessionBroken(error);
      await sleep(pauseAfter(error), undefined, { signal });
      start = await expectedStart(client, url, { from, end, signal, error });
    }
  }
}

/** The server no longer knows the session: another one is needed. */
function isForgotten(error: unknown): error is GraphError {
  return error instanceof GraphError && (error.status === 404 || error.status === 410);
}

function mayRepeat(error: unknown): error is GraphError | NoAnswer {
  if (error instanceof NoAnswer) return true;
  return (
    error instanceof GraphError &&
    (error.isDoubtful || error.isForeign || [409, 416, 429].includes(error.status))
  );
}

function pauseAfter(error: GraphError | NoAnswer): number {
  return error instanceof GraphError ? (error.retryAfter ?? 300) : 300;
}

interface Expecting {
  readonly from: number;
  readonly end: number;
  readonly signal: AbortSignal;
  /** Why the server is asked. */
  readonly error: GraphError | NoAnswer;
}

/** Where in the piece, or at its end, the server wants to continue. */
async function expectedStart(
  client: GraphClient,
  url: string,
  { from, end, signal, error }: Expecting,
): Promise<number> {
  const status: Json = await client.uploadStatus(url, signal).catch(() => {
    throw new SessionBroken(error);
  });
  const [range] = (status['nextExpectedRanges'] as readonly string[] | undefined) ?? [];
  const start = Number.parseInt(range ?? '', 10);
  if (start >= from && start <= end) return start;
  throw new SessionBroken(error);
}

/** The body in pieces of equal size; the last one has the rest. */
async function* pieces(body: Body): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body.stream()) {
    let rest = chunk;
    while (size + rest.byteLength >= PIECE) {
      const part = rest.subarray(0, PIECE - size);
      yield Buffer.concat([...held, part]);
      rest = rest.subarray(part.byteLength);
      held = [];
      size = 0;
    }
    held.push(rest);
    size += rest.byteLength;
  }
  if (size > 0) yield Buffer.concat(held);
}
