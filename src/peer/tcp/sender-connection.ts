import type { Socket } from 'node:net';
import type { LentInbound } from '../../adapter/adapter.ts';
import type { Settings } from '../../adapter/setting.ts';
import { background } from '../../error/background.ts';
import { timerTime } from '../../time/timer.ts';
import { spokenProtocol } from '../spoken-protocol.ts';
import { type FrameShare, frameMemory } from './frame-memory.ts';
import type { FoundFrame, FrameSource } from './frame-source.ts';
import type { SenderLimits } from './listener-settings.ts';
import { SocketWriter } from './socket-writer.ts';
import type { Sender, ServedConnection } from './tcp-listener.ts';

/** Frames in a row that cannot be read before the connection is given up. */
const MOST_UNREADABLE = 5;
/** Frames that may wait while one is in work; beyond that the socket is paused. */
const MOST_WAITING = 16;
/** After this time a lenient reader takes a message whose last CR has not arrived. */
const LENIENT_PAUSE = 200;
/** How long a peer may take to close its side after we closed ours. */
const CLOSE_WAIT = 1_000;

/** Takes an answer for the sender; called in the order of the answers. */
export type AnswerTo = (answer: Uint8Array) => void;

/**
 * What was made of one frame. `unreadable`: it was not in this protocol. `untold`: it was refused, but no
 * answer could say so; the connection is closed instead.
 */
export type FrameFate = 'taken' | 'refused' | 'unreadable' | 'untold';

/** How one protocol handles the frames of its senders. One for each listener. */
export interface FrameService {
  /** A reader for a new connection, which counts in `share` what it holds. */
  reader(share: FrameShare): FrameSource;
  /** Resolves once all answers to the frame were given. Never rejects. */
  take(body: Buffer, sender: Sender, answer: AnswerTo): Promise<FrameFate>;
  /** Answers a message of which only the beginning was kept, if possible. */
  refuseBeginning(
    beginning: Uint8Array,
    sender: Sender,
    refusal: { readonly kind: 'too-large' | 'no-room'; readonly answer: AnswerTo },
  ): void;
  /** An answer with its framing. */
  framed(answer: Uint8Array): Uint8Array;
  /** Whether senders wait for an answer. If not, everything received before the connection ended must be kept. */
  readonly isAnswered: boolean;
  /** The connection is closed after one message. */
  readonly isForOne?: boolean;
  /** Names the event of a connection that sends what cannot be read again and again; `what` follows "that are". */
  readonly unreadable: { readonly event: string; readonly what: string };
}

export interface SenderConnectionOptions {
  readonly lent: Pick<LentInbound<Settings>, 'event' | 'log'> & { readonly settings: SenderLimits };
  readonly service: FrameService;
  readonly sender: Sender;
  /** For the whole service: a sender that reconnects and fails again and again is reported once a minute. */
  readonly isNews: (key: string) => boolean;
}

/**
 * One sender's connection. Its messages are taken one after the other, so that they are answered in
 * order and a message that could not be stored is not overtaken.
 *
 *     reading ──message──► working ──answered──► reading
 *     reading or working ──the sender ends, or `finish`──► ending (what is in work is answered) ──► closed
 *     any ──error, time-out, too large, junk, `destroy`──► closed
 */
export class SenderConnection implements ServedConnection {
  readonly sender: Sender;
  readonly since = performance.now();
  /** Whether any message came on it. */
  hasSent = false;
  /** Resolves once the socket is closed and nothing is in work. */
  readonly closed: Promise<void>;
  readonly #lent: SenderConnectionOptions['lent'];
  readonly #settings: SenderLimits;
  readonly #service: FrameService;
  readonly #isNews: SenderConnectionOptions['isNews'];
  readonly #socket: Socket;
  readonly #writer: SocketWriter;
  readonly #reader: FrameSource;
  readonly #share: FrameShare;
  readonly #waiting: FoundFrame[] = [];
  #work: Promise<void> | undefined;
  #ending = false;
  #frameTimer: NodeJS.Timeout | undefined;
  #pauseTimer: NodeJS.Timeout | undefined;
  /** Bytes since the last message that belong to no message. */
  #junk = 0;
  /** Skipped bytes that no event has mentioned yet. */
  #untold = 0;
  #unreadable = 0;

  constructor(socket: Socket, { lent, service, sender, isNews }: SenderConnectionOptions) {
    this.#socket = socket;
    this.#lent = lent;
    this.#settings = lent.settings;
    this.#service = service;
    this.#isNews = isNews;
    this.sender = sender;
    this.#share = frameMemory.share(sender.address, this.#settings.limit);
    this.#reader = service.reader(this.#share);
    this.#writer = new SocketWriter(socket, this.#settings.writeTimeout, () =>
      this.#give('answers-unread', 'it does not read its acknowledgements'),
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.on('close', () => {
      clearTimeout(this.#frameTimer);
      clearTimeout(this.#pauseTimer);
      // A sender that waits for acknowledgements repeats unacknowledged messages; others must not lose them.
      if (service.isAnswered) this.#waiting.length = 0;
      const done = (this.#work ?? Promise.resolve()).finally(() => {
        this.#share.close();
        resolve();
      });
      background(done, 'ending the work of a connection');
    });
    this.#listen();
  }

  /** Answers the message in work, then closes. Messages that are still waiting stay unanswered if that makes their sender repeat them. */
  finish(): void {
    this.#ending = true;
    if (this.#service.isAnswered) this.#waiting.length = 0;
    if (this.#work === undefined) this.#end();
  }

  destroy(): void {
    this.#waiting.length = 0;
    this.#socket.destroy();
  }

  #listen(): void {
    const { idleTimeout } = this.#settings;
    if (Number.isFinite(idleTimeout)) {
      // Not with a callback, which would be called only once.
      this.#socket.setTimeout(idleTimeout).on('timeout', () => {
        if (this.#work === undefined && !this.#reader.open) this.destroy();
      });
    }
    this.#socket.on('data', (chunk) => this.#read(chunk));
    this.#socket.on('end', () => this.#senderEnded());
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#lent.log.debug({ peer: this.sender.address, reason: error.code }, 'connection lost');
      this.#reportUnfinished();
    });
  }

  #read(chunk: Buffer): void {
    if (this.#ending) return;
    clearTimeout(this.#pauseTimer);
    for (const found of this.#reader.push(chunk)) this.#waiting.push(found);
    this.#watchFrame();
    if (this.#waiting.length >= MOST_WAITING) this.#socket.pause();
    this.#startWork();
  }

  /** Timers run only while a message is open, so that whole messages cost none. */
  #watchFrame(): void {
    if (!this.#reader.open) {
      clearTimeout(this.#frameTimer);
      this.#frameTimer = undefined;
      return;
    }
    if (this.#reader.almostEnded) {
      this.#pauseTimer = setTimeout(() => this.#endLeniently(), LENIENT_PAUSE);
    }
    const { frameTimeout } = this.#settings;
    if (this.#frameTimer === undefined && Number.isFinite(frameTimeout)) {
      this.#frameTimer = setTimeout(() => this.#frameTimedOut(), timerTime(frameTimeout));
    }
  }

  #frameTimedOut(): void {
    // While we are not reading, it is not the sender that is slow.
    if (this.#socket.isPaused()) {
      this.#frameTimer = undefined;
      this.#watchFrame();
      return;
    }
    const { pending } = this.#reader;
    this.#give('message-unfinished', `it did not finish a message in time (${pending} bytes came)`);
  }

  #endLeniently(): void {
    if (!this.#reader.almostEnded) return;
    this.#waiting.push({ kind: 'frame', body: this.#reader.finish() });
    this.#watchFrame();
    this.#startWork();
  }

  #senderEnded(): void {
    clearTimeout(this.#pauseTimer);
    const last = this.#reader.atEnd();
    if (last !== undefined && !this.#ending) this.#waiting.push({ kind: 'frame', body: last });
    this.#startWork();
    this.#reportUnfinished();
    clearTimeout(this.#frameTimer);
    this.#ending = true;
    if (this.#work === undefined) this.#end();
  }

  #reportUnfinished(): void {
    if (!this.#reader.open) return;
    const text = `it left in the middle of a message (${this.#reader.pending} bytes came)`;
    this.#tell('message-unfinished', `${this.sender.address}: ${text}.`);
  }

  #startWork(): void {
    if (this.#work !== undefined || this.#waiting.length === 0) return;
    this.#work = this.#workOff();
  }

  async #workOff(): Promise<void> {
    try {
      for (let found = this.#waiting.shift(); found !== undefined; found = this.#waiting.shift()) {
        // also where there is nothing to wait for: what is in work is known by then
        await this.#handle(found);
        const hasRoom = this.#waiting.length < MOST_WAITING / 2;
        if (hasRoom && this.#socket.isPaused()) this.#socket.resume();
      }
    } finally {
      this.#work = undefined;
      if (this.#ending) this.#end();
    }
  }

  #handle(found: FoundFrame): Promise<void> | void {
    switch (found.kind) {
      case 'frame':
        return this.#takeFrame(found.body);
      case 'junk':
        return this.#skipJunk(found.bytes);
      case 'restart':
        this.#tell(
          'message-broken-off',
          `${this.sender.address} began a message anew; ${found.lost} bytes of the one before were dropped.`,
        );
        return;
      case 'broken':
        return this.#giveBroken(found);
      case 'too-large':
      case 'no-room':
        return this.#refuseRest(found);
    }
  }

  /** It is unknown where the next message begins: this may be another protocol altogether. */
  #giveBroken({ beginning, why }: Extract<FoundFrame, { kind: 'broken' }>): void {
    const spoken = spokenProtocol(beginning);
    if (spoken === undefined) return this.#give('not-framed', `it sent ${why}`);
    this.#give('wrong-protocol', `its side ${spoken.seen}. ${spoken.remedy}`);
  }

  /** A message that is too large is answered from its beginning; where the next one begins is unknown. */
  async #refuseRest({
    kind,
    beginning,
  }: Extract<FoundFrame, { kind: 'too-large' | 'no-room' }>): Promise<void> {
    const spoken = this.hasSent ? undefined : spokenProtocol(beginning);
    if (spoken !== undefined) {
      return this.#give('wrong-protocol', `its side ${spoken.seen}. ${spoken.remedy}`);
    }
    this.#service.refuseBeginning(beginning, this.sender, { kind, answer: this.#write });
    await this.#writer.flushed();
    if (kind === 'too-large')
      return this.#give('message-too-large', `it sent more than ${this.#settings.limit} bytes`);
    this.#give('memory-full', 'large messages in work take all the memory available for them');
  }

  async #takeFrame(body: Buffer): Promise<void> {
    this.hasSent = true;
    const taken = await this.#service.take(body, this.sender, this.#write);
    this.#share.release(body.length);
    const flushed = this.#writer.flushed();
    if (flushed !== undefined) await flushed;
    this.#junk = 0;
    this.#unreadable = taken === 'unreadable' ? this.#unreadable + 1 : 0;
    if (this.#unreadable >= MOST_UNREADABLE) {
      const { event, what } = this.#service.unreadable;
      this.#give(event, `it sent ${MOST_UNREADABLE} messages in a row that are ${what}`);
    }
    if (this.#service.isForOne === true) this.#leave();
    else if (taken === 'untold') this.finish();
  }

  readonly #write = (answer: Uint8Array): void => this.#writer.write(this.#service.framed(answer));

  /** Closes a connection after its only message. */
  #leave(): void {
    if (this.#waiting.length > 0 || this.#reader.open) {
      this.#tell(
        'bytes-skipped',
        `${this.sender.address} sent more than the one message of a connection; the rest is dropped.`,
      );
    }
    this.finish();
  }

  #skipJunk(bytes: Buffer): void {
    const spoken = this.#junk === 0 ? spokenProtocol(bytes) : undefined;
    if (spoken !== undefined) {
      return this.#give('wrong-protocol', `its side ${spoken.seen}. ${spoken.remedy}`);
    }
    this.#junk += bytes.length;
    this.#untold += bytes.length;
    const text = `${this.sender.address} sent ${this.#untold} bytes that belong to no message; they are skipped.`;
    if (this.#tell('bytes-skipped', text)) this.#untold = 0;
    if (this.#junk > this.#settings.maxJunk) {
      this.#give('not-framed', `${this.#junk} bytes came without the start of a message`);
    }
  }

  /** Closes for a reason that a person should know. */
  #give(name: string, reason: string): void {
    if (this.#socket.destroyed) return;
    this.#tell(name, `Closed the connection of ${this.sender.address}: ${reason}.`);
    this.destroy();
  }

  /** Reports an event at most once a minute for each address; returns whether it was reported. */
  #tell(name: string, text: string): boolean {
    const isNews = this.#isNews(`${this.sender.address} ${name}`);
    if (isNews) this.#lent.event('warn', name, text);
    return isNews;
  }

  #end(): void {
    if (this.#socket.destroyed) return;
    this.#socket.end();
    this.#socket.resume();
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_WAIT);
    this.#socket.once('close', () => clearTimeout(timer));
  }
}
