import { isTold, type Message, type OpenOutbound, type Reply, unless } from 'waybill/adapter';
import { type InFlight, inFlight, type Letter, type LetterSettings, letter } from 'waybill/peer';
import type { GraphClient } from './graph-client.ts';
import { GraphError } from './graph-error.ts';
import { sendingFailure } from './graph-failure.ts';
import { type Json, listAt, textAt } from './graph-json.ts';
import type { GraphOutValues } from './graph-out-settings.ts';
import { filterFor, graphAttachment, graphMail, travelOf } from './outgoing-mail.ts';
import { upload } from './upload.ts';

/** How many tried messages are remembered. */
const MOST = 10_000;

export interface SenderParts {
  readonly client: GraphClient;
  readonly settings: GraphOutValues;
  /** What the mailbox's templates are filled in for; names us among all that use the mailbox. */
  readonly marks: string;
}

const TRIED = new WeakMap<GraphOutValues, Set<number>>();

/**
 * Messages that were tried and not sent for certain. An adapter that lost its connection is closed and
 * opened anew with the same settings, and must know them still.
 */
function triedWith(settings: GraphOutValues): Set<number> {
  const tried = TRIED.get(settings) ?? new Set();
  TRIED.set(settings, tried);
  return tried;
}

interface Sending {
  readonly message: Message;
  readonly letter: Letter;
  readonly signal: AbortSignal;
}

/** Sends each message as a mail of the mailbox. */
export class MailSender implements OpenOutbound {
  readonly #parts: SenderParts;
  readonly #letter: LetterSettings;
  readonly #fixedSender: boolean;
  readonly #flights: InFlight = inFlight();
  readonly #tried: Set<number>;

  constructor(parts: SenderParts) {
    const { settings } = parts;
    this.#parts = parts;
    this.#tried = triedWith(settings);
    this.#letter = { ...settings, from: settings.from ?? fixed(settings.mailbox) };
    this.#fixedSender = !this.#letter.from.source.includes('{');
  }

  send(message: Message, signal: AbortSignal): Promise<Reply> {
    return this.#flights.until(signal, () => this.#send(message, signal));
  }

  async close(): Promise<void> {
    await this.#flights.ended(1_000);
    await this.#parts.client.close();
  }

  async #send(message: Message, signal: AbortSignal): Promise<Reply> {
    const { client, settings } = this.#parts;
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
    const saveToSentItems = this.#parts.settings.sending !== 'unsaved';
    await this.#parts.client.ask('POST', '/sendMail', {
      json: { message: mail, saveToSentItems },
      signal,
    });
    return accepted('accepted');
  }

  /** A draft is marked, completed and sent; a later try finds it by its mark and sees how far it got. */
  async #once(sending: Sending): Promise<Reply> {
    const { message, signal } = sending;
    const mark = `${this.#parts.marks}/${message.id}`;
    if (message.possibleDuplicate === true || this.#tried.has(message.id)) {
      if (await this.#wasSent(mark, signal)) return this.#sent(message, 'sent by an earlier try');
    }
    this.#remember(message.id);
    await this.#complete(await this.#draft(sending, mark), sending);
    return this.#sent(message, 'accepted');
  }

  async #draft({ message, letter: written, signal }: Sending, mark: string): Promise<string> {
    const json = await graphMail(written, message, mark);
    return textAt(await this.#parts.client.ask('POST', '/messages', { json, signal }), 'id');
  }

  async #complete(id: string, sending: Sending): Promise<void> {
    const { client } = this.#parts;
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
    const { client } = this.#parts;
    if (attachment === undefined) return;
    if (travelOf(attachment) === 'alone') {
      const json = await graphAttachment(attachment);
      await client.ask('POST', `/messages/${id}/attachments`, { json, signal });
    }
    if (travelOf(attachment) === 'pieces') await upload(client, id, { attachment, signal });
  }

  /** A draft that Graph refuses would stay for ever. */
  async #tidy(id: string): Promise<void> {
    const signal = AbortSignal.timeout(5_000);
    // a draft that stays lies among the drafts; why it was given up matters more
    await this.#parts.client
      .ask('DELETE', `/messages/${id}`, { signal })
      .catch(unless(isTold, 'removing a draft'));
  }

  /** Looks for what earlier tries left: a sent mail is the end of it, half-made drafts are removed. */
  async #wasSent(mark: string, signal: AbortSignal): Promise<boolean> {
    const { client } = this.#parts;
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

  #remember(id: number): void {
    this.#tried.add(id);
    const [oldest] = this.#tried;
    if (this.#tried.size > MOST && oldest !== undefined) this.#tried.delete(oldest);
  }

  #sent({ id }: Message, text: string): Reply {
    this.#tried.delete(id);
    return accepted(text);
  }
}

/** A draft whose fate is not known must stay: the next try sees by it whether it was sent, and it may be the sent mail by now. */
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
