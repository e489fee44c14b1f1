import type { Socket } from 'node:net';
import type { LRUCache } from 'lru-cache';
import {
  EngineError,
  type Logger,
  NotConnectedError,
  type Reply,
  TemporaryError,
  timerTime,
} from 'waybill/adapter';
import { type Hl7Header, type ReadAcknowledgement, readAcknowledgement } from 'waybill/document';
import { connectionCause, spokenProtocol } from 'waybill/peer';
import { FrameReader } from './frame-reader.ts';
import { frameMarks } from './framing.ts';
import type { MllpOutSettings } from './mllp-out-settings.ts';
import type { OutgoingMessage } from './outgoing-message.ts';

interface Exchange {
  readonly sent: Hl7Header | undefined;
  readonly done: PromiseWithResolvers<Reply>;
  timer?: NodeJS.Timeout;
}

export interface PeerConnectionOptions {
  readonly place: string;
  readonly settings: MllpOutSettings;
  readonly log: Logger;
  /** The control ids of the messages sent last to this peer, on any connection. */
  readonly sent: LRUCache<string, true>;
  /** Whether an answer with a control id that nobody knows counts: the reply rules judge it. */
  readonly takesStrange: boolean;
  /** Told of an answer that was set aside. */
  readonly onAside: (whose: 'earlier' | 'unknown') => void;
}

/**
 * One connection to the peer, with at most one message in flight.
 *
 *     idle ──exchange──► in flight ──its acknowledgement──► idle
 *     in flight ──time-out, odd answer, abort, loss──► closed
 *     idle ──the peer closes or speaks unasked──► closed
 *
 * Closing after every doubt, and comparing control ids, is what keeps a late acknowledgement from being
 * credited to the next message: one of an earlier message is set aside wherever it comes, and so is one
 * of a message that nobody knows, unless the production has a rule for it.
 */
export class PeerConnection {
  readonly #socket: Socket;
  readonly #place: string;
  readonly #settings: MllpOutSettings;
  readonly #log: Logger;
  readonly #reader: FrameReader;
  #exchange: Exchange | undefined;
  /** The message for which the peer may still send its application's answer after a commit code. */
  #committed: string | undefined;
  #failure: Error | undefined;
  #strayBytes = 0;
  /** Answers to a message that nobody knows, since the one in flight was sent. */
  #strange = 0;
  readonly #options: PeerConnectionOptions;

  constructor(socket: Socket, options: PeerConnectionOptions) {
    const { place, settings, log } = options;
    this.#options = options;
    this.#socket = socket;
    this.#place = place;
    this.#settings = settings;
    this.#log = log;
    // The peer's marks are read as loosely as they can be: an acknowledgement that came must count.
    const loose =
      settings.framing.start === undefined
        ? settings.framing
        : { ...settings.framing, lenient: true };
    this.#reader = new FrameReader(loose, settings.replyLimit);
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', (error) => {
      this.#failure = error;
    });
    socket.on('close', () => this.#fail(this.#lossOf()));
    socket.on('end', () => socket.destroy());
  }

  /** Whether another message may be sent on it. */
  get usable(): boolean {
    return !this.#socket.destroyed && this.#socket.writable && this.#exchange === undefined;
  }

  /** `refused`: what the peer said to our TLS, if that was why; with TLS 1.3 it says so after we are connected. */
  onClose(listener: (refused: string | undefined) => void): void {
    this.#socket.once('close', () => {
      const known =
        this.#failure === undefined ? undefined : connectionCause(this.#failure, this.#place);
      listener(known?.tls === true ? `${known.cause}. ${known.remedy}.` : undefined);
    });
  }

  /** Sends a message and waits for its acknowledgement. On any error the connection is closed. */
  async exchange(message: OutgoingMessage, signal: AbortSignal): Promise<Reply | undefined> {
    const exchange: Exchange = { sent: message.header, done: Promise.withResolvers() };
    // Rejections that come while the message is still being written are thrown below.
    exchange.done.promise.catch(() => undefined);
    this.#exchange = exchange;
    this.#strange = 0;
    const abort = (): void =>
      this.#giveUp(
        new TemporaryError(
          `Given up while ${this.#place} had not acknowledged the message. It may have it.`,
          { cause: signal.reason },
        ),
      );
    signal.addEventListener('abort', abort, { once: true });
    try {
      if (signal.aborted) abort();
      await this.#write(message);
      if (this.#settings.reply === 'none') return undefined;
      this.#startTimer(exchange);
      return await exchange.done.promise;
    } catch (error) {
      this.destroy();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
      clearTimeout(exchange.timer);
      this.#exchange = undefined;
      this.#options.sent.set(message.header?.controlId ?? '', true);
    }
  }

  /** Ends it in order; destroyed if the peer does not follow within a second. */
  end(): Promise<void> {
    if (this.#socket.destroyed) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => this.#socket.destroy(), 1_000);
    this.#socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    this.#socket.end();
    return promise;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async #write(message: OutgoingMessage): Promise<void> {
    const { before, after } = frameMarks(this.#settings.framing);
    let buffered: Buffer = before;
    for await (const part of message.parts()) {
      await this.#flush(buffered);
      buffered = buffered === before ? Buffer.concat([before, part]) : part;
    }
    await this.#flush(Buffer.concat([buffered, after]));
  }

  /** Waits until the system took the bytes, so that a body is never piled up in memory for a slow peer. */
  async #flush(bytes: Buffer): Promise<void> {
    if (bytes.length <= 1) return;
    const { writeTimeout } = this.#settings;
    const timer = Number.isFinite(writeTimeout)
      ? setTimeout(() => this.#giveUp(this.#unread()), timerTime(writeTimeout))
      : undefined;
    try {
      const written = new Promise<void>((resolve, reject) => {
        this.#socket.write(bytes, (error) => (error ? reject(error) : resolve()));
      });
      await Promise.race([written, this.#exchange?.done.promise]);
    } catch (error) {
      throw this.#failure === undefined ? error : this.#lossOf();
    } finally {
      clearTimeout(timer);
    }
  }

  #startTimer(exchange: Exchange): void {
    const { ackTimeout } = this.#settings;
    if (!Number.isFinite(ackTimeout)) return;
    exchange.timer = setTimeout(() => this.#giveUp(this.#unanswered()), timerTime(ackTimeout));
  }

  #read(chunk: Buffer): void {
    if (this.#settings.reply === 'none') return;
    for (const found of this.#reader.push(chunk)) {
      if (found.kind === 'frame') this.#answered(found.body);
      else if (found.kind === 'junk') this.#stray(found.bytes);
      else if (found.kind === 'too-large') this.#giveUp(this.#tooLarge());
    }
    if (this.#reader.almostEnded) this.#answered(this.#reader.finish());
    if (this.#exchange === undefined && this.#reader.open) this.#unasked();
  }

  #answered(body: Buffer): void {
    const exchange = this.#exchange;
    const { reply, controlId, isStrange, isOdd } = peerReply(body, exchange?.sent);
    if (this.#isLateApplicationAnswer(controlId)) {
      this.#log.debug('answer of the application after the commit code');
      return;
    }
    if (this.#isOfEarlier(controlId)) return this.#options.onAside('earlier');
    if (exchange === undefined) return this.#unasked();
    if (isStrange && !this.#options.takesStrange) {
      this.#strange += 1;
      return this.#options.onAside('unknown');
    }
    this.#committed = /^C[AER]$/.test(reply.code ?? '') ? controlId : undefined;
    if (this.#settings.reply === 'application' && reply.code === 'CA') return;
    exchange.done.resolve(reply);
    if (isOdd) this.destroy();
  }

  /** A second or a late answer to a message sent before. */
  #isOfEarlier(controlId: string): boolean {
    if (controlId === '' || controlId === this.#exchange?.sent?.controlId) return false;
    return this.#options.sent.has(controlId);
  }

  #isLateApplicationAnswer(controlId: string): boolean {
    const awaited = this.#exchange?.sent?.controlId ?? '';
    return controlId !== '' && controlId === this.#committed && controlId !== awaited;
  }

  /** The peer speaks although nothing was asked: whatever it is, it must not be taken for an answer. */
  #unasked(): void {
    this.#log.debug('closed: the peer spoke unasked');
    this.destroy();
  }

  #stray(bytes: Buffer): void {
    this.#strayBytes += bytes.length;
    const spoken = spokenProtocol(bytes);
    if (spoken === undefined) return;
    this.#giveUp(new NotConnectedError(`${this.#place} ${spoken.seen}. ${spoken.remedy}.`));
  }

  #giveUp(error: Error): void {
    this.#fail(error);
    this.destroy();
  }

  #fail(error: Error): void {
    this.#exchange?.done.reject(error);
  }

  /** The connection was lost while a message was out: whether the peer has it is not known. */
  #lossOf(): Error {
    const lost = this.#failure ?? Object.assign(new Error('closed'), { code: 'ECONNRESET' });
    const { cause, remedy, tls } = connectionCause(lost, this.#place);
    if (tls) return new NotConnectedError(`Not connected: ${cause}. ${remedy}.`);
    const hint =
      this.#socket.bytesRead > 0 ? '' : ' If it always does, it may expect TLS or other marks.';
    return new TemporaryError(
      `${this.#place} closed the connection before it acknowledged the message. It may have it; it is sent again with the same control id.${hint}`,
      { cause: lost },
    );
  }

  #unanswered(): Error {
    const came =
      this.#strange > 0
        ? ` What it answered names another control id than MSH-10 of the message, or none, so it was set aside. If it always does so, write replies: { wrong-control-id: warn }: then the next answer counts.`
        : this.#strayBytes > 0
          ? ` ${this.#strayBytes} bytes came that are not in the marks of a message: look at framing.`
          : ' Ask the peer whether it took the message; it is sent again.';
    return new EngineError(
      'REPLY_TIMEOUT',
      `${this.#place} did not acknowledge within ${this.#settings.ackTimeout} ms.${came}`,
      { retryable: true },
    );
  }

  #unread(): Error {
    return new TemporaryError(
      `${this.#place} did not take the bytes of the message within ${this.#settings.writeTimeout} ms. It is sent again.`,
    );
  }

  #tooLarge(): Error {
    return new TemporaryError(
      `${this.#place} sent an acknowledgement larger than ${this.#settings.replyLimit} bytes. Raise replyLimit if it is meant to.`,
    );
  }
}

/** What a peer answered, and whether its connection can be trusted with the next message. */
interface PeerReply {
  readonly reply: Reply;
  /** MSA-2. */
  readonly controlId: string;
  /** MSA-2 is there to be compared, or should be, and is not that of the message. */
  readonly isStrange: boolean;
  /** The answer is odd: a later one might be credited to the wrong message, so the connection must go. */
  readonly isOdd: boolean;
}

/** Reads an answer and compares it with the message it should be for. Never throws. */
function peerReply(body: Buffer, sent: Hl7Header | undefined): PeerReply {
  const read = readable(body, sent);
  if (read === undefined) {
    const reply: Reply = { body, type: 'application/octet-stream', problems: ['no-code'] };
    return { reply, controlId: '', isStrange: false, isOdd: true };
  }
  const { code, type, controlId, problems } = read;
  const text = textOf(read);
  return {
    reply: {
      body,
      type,
      ...(code !== '' && { code }),
      ...(text !== '' && { text }),
      ...(problems.length > 0 && { problems }),
    },
    controlId,
    // what was sent without a control id cannot be told from anything
    isStrange: problems.includes('wrong-control-id') && sent?.controlId !== '',
    isOdd: problems.includes('wrong-control-id') || problems.includes('no-code'),
  };
}

function readable(body: Buffer, sent: Hl7Header | undefined): ReadAcknowledgement | undefined {
  try {
    return readAcknowledgement(body, sent);
  } catch {
    // what cannot be read is no acknowledgement
    return undefined;
  }
}

/** MSA-3 and what ERR adds to it: `PID-3: Required field missing (101)`. */
function textOf({ text, errors }: ReadAcknowledgement): string {
  const details = errors.map(({ place, code, text: said }) => {
    const what = [said === text ? '' : said, code === '' ? '' : `(${code})`].join(' ').trim();
    return place === '' ? what : `${place}: ${what}`;
  });
  return [text, ...details].filter((part) => part.trim() !== '').join('; ');
}
