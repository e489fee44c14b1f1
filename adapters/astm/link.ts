import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { background, NotConnectedError, TemporaryError, toldElsewhere } from 'waybill/adapter';
import { connectionCause, spokenProtocol } from 'waybill/peer/basics';
import {
  frameMemory,
  type LinkedConnection,
  type Sender,
  type ServedConnection,
  SocketWriter,
} from 'waybill/peer/tcp';
import { Answers } from './answers.ts';
import { ACK, EOT, NAK } from './frame.ts';
import { LinkReader, type Said } from './link-reader.ts';
import type { LinkValues } from './link-settings.ts';
import { Reception } from './reception.ts';
import { type Sent, transmit } from './transmission.ts';

/** How long an instrument waits after both began at once (§6.2.7.1). */
const INSTRUMENT_WAIT = 1_000;
/** How long a peer may take to close its side after we closed ours. */
const CLOSE_WAIT = 1_000;
/** Signals and frames that may wait for their answer; beyond that nothing is read. A device waits for each answer. */
const MOST_WAITING = 64;
/** After so many in a row others get their turn: a device that does not wait must not hold up the engine. */
const IN_A_ROW = 64;

/** Receives the messages that arrive over a link. */
export interface Taker {
  readonly limit: number;
  /** How many meaningless bytes in a row close the connection. */
  readonly maxJunk: number;
  /** Whether a message is stored, so that its last frame may be acknowledged. Never rejects. */
  store(message: Buffer, link: AstmLink): Promise<boolean>;
}

export interface LinkOptions {
  readonly sender: Sender;
  readonly values: LinkValues;
  /** Undefined if nothing is accepted: a device that wants to send is told that we are busy. */
  readonly taker: Taker | undefined;
  /** Reports to operators, once a minute for each name. */
  readonly tell: (name: string, text: string) => void;
  /** Milliseconds of silence after which the connection is closed. */
  readonly idleTimeout: number;
}

/**
 * One connection to a device. Either side may send, one at a time.
 *
 *     neutral ──ENQ comes──► receiving ──EOT, or silence──► neutral
 *     neutral ──`send`──► sending ──EOT, or refused──► neutral
 *     any ──the connection ends──► closed
 */
export class AstmLink implements ServedConnection, LinkedConnection {
  readonly sender: Sender;
  readonly since = performance.now();
  hasSent = false;
  /** When anything was last received, by `performance.now()`. */
  heardAt = performance.now();
  /** Resolves once the socket is closed and nothing is in work. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #options: LinkOptions;
  readonly #values: LinkValues;
  readonly #writer: SocketWriter;
  readonly #reader: LinkReader;
  #heard: Said[] = [];
  readonly #share: ReturnType<typeof frameMemory.share>;
  #pump: Promise<void> | undefined;
  #reception: Reception | undefined;
  #silence: NodeJS.Timeout | undefined;
  #answers: Answers | undefined;
  /** Resolves when the next sender may send. */
  #turn: Promise<unknown> = Promise.resolve();
  /** A message was given up while its answer was awaited: the next signal belongs to it. */
  #owed = false;
  /** Nothing is sent before this time, by `performance.now()`. */
  #quietUntil = 0;
  #changed = Promise.withResolvers<void>();
  #ending = false;
  #isClosed = false;
  #failure: Error | undefined;
  #junk = 0;

  constructor(socket: Socket, options: LinkOptions) {
    const { sender, values, taker, tell } = options;
    this.sender = sender;
    this.#socket = socket;
    this.#options = options;
    this.#values = values;
    this.#share = frameMemory.share(sender.address, taker?.limit ?? 0);
    this.#reader = new LinkReader(values.checksum === 'check');
    this.#writer = new SocketWriter(socket, values.writeTimeout, () => {
      tell('answers-unread', `Closed the connection of ${sender.address}: it does not read.`);
      this.destroy();
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.on('close', () => this.#socketClosed(resolve));
    socket.on('error', (error) => {
      this.#failure = error;
    });
    socket.on('end', () => {
      // a device that has ended its side no longer answers
      this.#answers?.end(this.#lossOf());
      this.finish();
    });
    socket.on('data', (chunk) => this.#read(chunk));
    if (Number.isFinite(options.idleTimeout)) {
      socket.setTimeout(options.idleTimeout).on('timeout', () => {
        if (this.#isFree) this.destroy();
      });
    }
  }

  get usable(): boolean {
    return !this.#socket.destroyed && this.#socket.writable && !this.#ending;
  }

  onClose(listener: (refused: string | undefined) => void): void {
    this.#socket.once('close', () => {
      const { address } = this.sender;
      const known =
        this.#failure === undefined ? undefined : connectionCause(this.#failure, address);
      listener(known?.tls === true ? `${known.cause}. ${known.remedy}.` : undefined);
    });
  }

  /**
   * Sends the frames of a message once the line is free and earlier senders are done. Never results in
   * `contention`: a device that began at the same time goes first, and then it is our turn again.
   */
  send(frames: readonly Buffer[], signal: AbortSignal): Promise<Exclude<Sent, 'contention'>> {
    const sent = this.#turn.then(() => this.#sendInTurn(frames, signal));
    this.#turn = sent.catch(toldElsewhere);
    return sent;
  }

  /** Stores and acknowledges what is in work, then closes. */
  finish(): void {
    this.#ending = true;
    if (this.#pump === undefined && this.#answers === undefined) this.#end();
  }

  async end(): Promise<void> {
    this.finish();
    await this.closed;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  get #isFree(): boolean {
    return this.#reception === undefined && this.#pump === undefined && this.#answers === undefined;
  }

  #read(chunk: Buffer): void {
    this.heardAt = performance.now();
    for (const said of this.#reader.push(chunk)) {
      if (this.#answers !== undefined) this.#answers.hear(said);
      else this.#heard.push(said);
    }
    if (this.#heard.length >= MOST_WAITING) this.#socket.pause();
    this.#startPump();
  }

  #startPump(): void {
    if (this.#pump !== undefined || this.#heard.length === 0) return;
    this.#pump = this.#work().finally(() => {
      this.#pump = undefined;
      this.#change();
      if (this.#ending) this.#end();
    });
    background(this.#pump, 'answering a device');
  }

  async #work(): Promise<void> {
    let inARow = 0;
    // not one by one from the front of the list, which takes as long as the list is long
    for (let heard = this.#taken(); heard.length > 0; heard = this.#taken()) {
      for (const said of heard) {
        if (this.#isClosed) return;
        clearTimeout(this.#silence);
        await this.#answer(said);
        await this.#writer.flushed();
        inARow += 1;
        if (inARow % IN_A_ROW === 0) await nextTurn();
      }
      this.#socket.resume();
    }
    this.#watchSilence();
  }

  /** All that waits, which then does not wait any more. */
  #taken(): readonly Said[] {
    const heard = this.#heard;
    this.#heard = [];
    return heard;
  }

  async #answer(said: Said): Promise<void> {
    switch (said.kind) {
      case 'ENQ':
        return this.#begin();
      case 'EOT':
        return this.#endReception('ended the transmission');
      case 'noise':
        return this.#skip(said.bytes);
      case 'frame':
        return await this.#takeFrame(said);
      case 'bad-frame':
        return this.#refuse(said.why);
      case 'ACK':
      case 'NAK':
        return this.#heardLate();
    }
  }

  /** An answer that nobody waits for any more, which ends the message that was given up. */
  #heardLate(): void {
    if (!this.#owed) return;
    this.#owed = false;
    this.#quietUntil = 0;
    this.#change();
  }

  #begin(): void {
    const { taker, tell } = this.#options;
    if (taker === undefined || this.#ending) {
      if (taker === undefined) {
        tell(
          'device-not-heard',
          `${this.sender.address} wants to send, but this operation accepts nothing. Let an astm-in service have the connection, and name that under through.`,
        );
      }
      this.#writer.write(Buffer.of(NAK));
      return;
    }
    this.#endReception('began anew');
    this.#reception = new Reception({
      limit: taker.limit,
      grows: (from, to) => this.#share.grow(from, to),
      store: (message) => {
        this.hasSent = true;
        return taker.store(message, this);
      },
      brokenOff: (bytes) => this.#tellBrokenOff(bytes, 'began another message'),
    });
    this.#writer.write(Buffer.of(ACK));
  }

  async #takeFrame(frame: Extract<Said, { kind: 'frame' }>): Promise<void> {
    const verdict = await this.#reception?.take(frame);
    if (verdict === undefined) return;
    this.#junk = 0;
    if (verdict.kind === 'accepted') this.#writer.write(Buffer.of(ACK));
    else if (verdict.kind === 'refused') this.#refuse(verdict.why);
    else this.#tooLarge();
  }

  /** `why`: undefined if the engine has reported the reason. */
  #refuse(why: string | undefined): void {
    if (this.#reception === undefined) return;
    const { tell } = this.#options;
    if (why !== undefined) {
      tell('frame-refused', `A frame of ${this.sender.address} ${why}; it was refused (NAK).`);
    }
    this.#writer.write(Buffer.of(NAK));
  }

  #tooLarge(): void {
    const most = this.#options.taker?.limit ?? 0;
    const text = `Closed the connection of ${this.sender.address}: its message is larger than ${most} bytes (limit).`;
    this.#options.tell('message-too-large', text);
    this.destroy();
  }

  #skip(bytes: Buffer): void {
    const { tell, taker } = this.#options;
    const spoken = this.#junk === 0 ? spokenProtocol(bytes) : undefined;
    this.#junk += bytes.length;
    if (spoken === undefined && this.#junk <= (taker?.maxJunk ?? Number.POSITIVE_INFINITY)) return;
    const why =
      spoken === undefined
        ? `${this.#junk} bytes came that belong to no frame. It may speak without the low-level protocol (ENQ, STX … ETX)`
        : `its side ${spoken.seen}. ${spoken.remedy}`;
    tell('not-framed', `Closed the connection of ${this.sender.address}: ${why}.`);
    this.destroy();
  }

  #endReception(how: string): void {
    const left = this.#reception?.end() ?? 0;
    if (this.#reception !== undefined) this.#quietUntil = 0;
    this.#reception = undefined;
    if (left > 0) this.#tellBrokenOff(left, how);
  }

  #tellBrokenOff(bytes: number, how: string): void {
    const text = `${this.sender.address} ${how} in the middle of a message (${bytes} bytes came); they are dropped.`;
    this.#options.tell('message-broken-off', text);
  }

  #watchSilence(): void {
    const { receiveTimeout } = this.#values;
    if (this.#reception === undefined || !Number.isFinite(receiveTimeout)) return;
    this.#silence = setTimeout(() => {
      this.#endReception('fell silent');
      this.#change();
    }, receiveTimeout);
  }

  async #sendInTurn(
    frames: readonly Buffer[],
    signal: AbortSignal,
  ): Promise<Exclude<Sent, 'contention'>> {
    const { role, busyWait, contentionWait, tries } = this.#values;
    for (let left = tries; left > 0; left--) {
      await this.#untilFree(signal);
      this.#owed = false;
      const sent = await this.#transmit(frames, signal);
      if (sent === 'ACK' || sent === 'NAK') return sent;
      const wait = role === 'host' ? contentionWait : INSTRUMENT_WAIT;
      this.#quietUntil = performance.now() + (sent === 'BUSY' ? busyWait : wait);
      if (sent === 'BUSY') return sent;
    }
    return 'BUSY';
  }

  async #transmit(frames: readonly Buffer[], signal: AbortSignal): Promise<Sent> {
    const answers = new Answers();
    const place = this.sender.address;
    const abort = (): void =>
      answers.end(
        new TemporaryError(`Given up while ${place} had not taken the message. It may have it.`, {
          cause: signal.reason,
        }),
      );
    signal.addEventListener('abort', abort, { once: true });
    this.#answers = answers;
    const write = async (bytes: Uint8Array): Promise<void> => {
      this.#writer.write(bytes);
      await this.#writer.flushed();
    };
    try {
      return await transmit(frames, { place, values: this.#values, answers, write });
    } catch (error) {
      this.#owed = true;
      this.#quietUntil = performance.now() + this.#values.busyWait;
      if (signal.aborted) this.#writer.write(Buffer.of(EOT));
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
      this.#answers = undefined;
      this.#change();
      if (this.#ending) this.#end();
    }
  }

  async #untilFree(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (!this.usable) throw this.#gone();
      const left = this.#quietUntil - performance.now();
      if (this.#isFree && left <= 0) return;
      await this.#news(this.#isFree ? left : undefined, signal);
    }
  }

  /** Resolves when something has changed, or after so many milliseconds. */
  async #news(within: number | undefined, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = within === undefined ? undefined : setTimeout(resolve, within);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await Promise.race([promise, this.#changed.promise]);
    clearTimeout(timer);
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #socketClosed(resolve: () => void): void {
    clearTimeout(this.#silence);
    this.#answers?.end(this.#lossOf());
    this.#isClosed = true;
    this.#heard = [];
    const settled = async (): Promise<void> => {
      await this.#pump;
      this.#endReception('left');
      this.#share.close();
      this.#change();
      resolve();
    };
    background(settled(), 'ending the work of a connection');
  }

  #gone(): NotConnectedError {
    return new NotConnectedError(
      `${this.sender.address} has disconnected. The message is sent once it is connected again.`,
    );
  }

  /** The connection was lost with a message in flight: it is unknown whether the device has it. */
  #lossOf(): Error {
    const { address } = this.sender;
    const lost = this.#failure ?? Object.assign(new Error('closed'), { code: 'ECONNRESET' });
    const { cause, remedy, tls } = connectionCause(lost, address);
    if (tls) return new NotConnectedError(`Not connected: ${cause}. ${remedy}.`);
    return new TemporaryError(
      `${address} closed the connection while a message was being sent. It may have the message, which is sent again.`,
      { cause: lost },
    );
  }

  #end(): void {
    if (this.#socket.destroyed) return;
    this.#socket.end();
    this.#socket.resume();
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_WAIT);
    this.#socket.once('close', () => clearTimeout(timer));
  }
}
