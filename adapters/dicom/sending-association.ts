import type { Socket } from 'node:net';
import {
  EngineError,
  isTold,
  NotConnectedError,
  RejectedError,
  SuspendError,
  TemporaryError,
  timerTime,
  toldElsewhere,
} from 'waybill/adapter';
import type { FileHead } from 'waybill/document';
import { connectionCause, spokenProtocol } from 'waybill/peer/basics';
import type { LinkedConnection } from 'waybill/peer/tcp';
import type { Asked, Results } from './asked.ts';
import { COMMAND, type Command, decodeCommand, encodeCommand, isPending } from './command.ts';
import { findOffers, keyOf, type Offered } from './offered.ts';
import {
  abort,
  associateRequest,
  CONTEXT_RESULT,
  type DataValue,
  dataUnit,
  dataValues,
  type JudgedContext,
  mostData,
  OWN_LENGTH,
  PDU,
  PduReader,
  type ProposedContext,
  ProtocolError,
  type RawPdu,
  readAssociateAccept,
  readRejection,
  releaseRequest,
  UNIT_LIMIT,
  type UserIdentity,
} from './pdu.ts';
import { type AwaitedWords, contextWords, rejectionWords } from './rejection-words.ts';
import { uidText } from './uids.ts';

/** How long a peer may go on with results of a cancelled query. */
const CANCEL_WAIT = 10_000;
/** How long a peer may take to confirm the release. */
const RELEASE_WAIT = 1_000;

export interface SendingOptions {
  readonly place: string;
  readonly called: string;
  readonly calling: string;
  /** Milliseconds for an answer. */
  readonly replyTimeout: number;
  /** Milliseconds for the bytes of a data unit. */
  readonly writeTimeout: number;
  readonly identity: () => Promise<UserIdentity | undefined>;
  /** What a late or missing answer means. */
  readonly words: AwaitedWords;
}

/** An association with a peer that takes objects or answers queries; one at a time. */
export class SendingAssociation implements LinkedConnection {
  readonly #socket: Socket;
  readonly #options: SendingOptions;
  readonly #reader = new PduReader(UNIT_LIMIT);
  /** By class and encoding: the peer's answer, and the context to use. */
  readonly #contexts = new Map<string, JudgedContext>();
  #state: 'new' | 'open' | 'ending' = 'new';
  #busy = false;
  #maxData = mostData(0);
  #messageId = 0;
  #failure: Error | undefined;
  /** Of the reader that waits for a unit. */
  #waiting: PromiseWithResolvers<RawPdu> | undefined;
  /** While results come, faster than they are read. */
  #asking = false;
  readonly #units: RawPdu[] = [];
  readonly #values: DataValue[] = [];

  constructor(socket: Socket, options: SendingOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('error', (error) => (this.#failure ??= error));
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('end', () => socket.destroy());
    socket.on('close', () => this.#waiting?.reject(this.#lost()));
  }

  get usable(): boolean {
    return (
      !this.#socket.destroyed && this.#socket.writable && !this.#busy && this.#state !== 'ending'
    );
  }

  /** Whether an association is open. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Whether the peer was asked about this. */
  knows(offered: Offered): boolean {
    return this.#contexts.has(keyOf(offered));
  }

  onClose(listener: (refused: string | undefined) => void): void {
    this.#socket.once('close', () => {
      if (this.#failure === undefined) return listener(undefined);
      const { cause, remedy, tls } = connectionCause(this.#failure, this.#options.place);
      listener(tls ? `${cause}. ${remedy}.` : undefined);
    });
  }

  /** No more objects may be sent on it. */
  retire(): void {
    this.#state = 'ending';
  }

  /** Requests an association for these. Throws NotConnectedError with the peer's reason. */
  async associate(offers: readonly Offered[], signal: AbortSignal): Promise<void> {
    const { called, calling, place, identity } = this.#options;
    const contexts: ProposedContext[] = offers.map(({ classUid, transferSyntax }, at) => ({
      id: 2 * at + 1,
      abstractSyntax: classUid,
      transferSyntaxes: [transferSyntax],
    }));
    await this.#working(signal, async () => {
      const request = {
        called,
        calling,
        contexts,
        maxLength: OWN_LENGTH,
        identity: await identity(),
      };
      await this.#write(associateRequest(request));
      const { type, body } = await this.#next();
      if (type === PDU.associateReject) {
        const { cause, remedy } = rejectionWords(readRejection(body));
        this.#socket.end();
        throw new NotConnectedError(`${place} refuses the association: ${cause}. ${remedy}.`);
      }
      if (type === PDU.abort) {
        throw new NotConnectedError(
          `${place} broke the association off before it was open. Look at its log; usually it does not know the AE titles.`,
        );
      }
      if (type !== PDU.associateAccept) throw new ProtocolError('it does not answer our request');
      const accepted = readAssociateAccept(body);
      this.#maxData = mostData(accepted.maxLength);
      for (const context of accepted.contexts) {
        const offered = offers[(context.id - 1) / 2];
        if (offered !== undefined) this.#contexts.set(keyOf(offered), context);
      }
      this.#state = 'open';
    });
  }

  /** Asks whether the peer is there (C-ECHO). Its status, or undefined if it does not accept C-ECHO. */
  async echo(offered: Offered, signal: AbortSignal): Promise<number | undefined> {
    const context = this.#contexts.get(keyOf(offered));
    if (context?.result !== CONTEXT_RESULT.accepted) return undefined;
    return await this.#working(signal, async () => {
      const { classUid } = offered;
      await this.#writeCommand(context.id, { field: COMMAND.echoRequest, classUid });
      return (await this.#reply()).status;
    });
  }

  /** Sends an object. Throws SuspendError if the peer does not accept its class or encoding. */
  async store(
    head: FileHead,
    rest: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Command> {
    const context = this.#contextFor(head);
    return await this.#working(signal, async () => {
      const { classUid, instanceUid } = head;
      await this.#writeCommand(context.id, {
        field: COMMAND.storeRequest,
        classUid,
        instanceUid,
        hasDataSet: true,
      });
      await this.#writeObject(context.id, rest);
      return await this.#reply();
    });
  }

  /** Asks (C-FIND). Throws RejectedError if the peer does not answer such queries. */
  async find(asked: Asked, signal: AbortSignal): Promise<Results> {
    const { classUid } = asked;
    const context = this.#findContext(classUid);
    if (context === undefined) {
      throw new RejectedError(
        `${this.#options.place} does not answer queries of this kind: ${uidText(classUid)}. Ask its owner to permit them, or ask another.`,
      );
    }
    return await this.#working(signal, async () => {
      this.#asking = true;
      try {
        const { transferSyntax } = context;
        const field = COMMAND.findRequest;
        await this.#writeCommand(context.id, { field, classUid, hasDataSet: true });
        await this.#writeObject(context.id, [asked.identifier(transferSyntax)]);
        const results = await this.#results(asked, context.id);
        // it went on after its last status
        if (this.#units.length + this.#values.length > 0) this.retire();
        return { ...results, transferSyntax };
      } finally {
        this.#asking = false;
      }
    });
  }

  /** Whether the peer answers such queries. */
  finds(classUid: string): boolean {
    return this.#findContext(classUid) !== undefined;
  }

  #findContext(classUid: string): JudgedContext | undefined {
    return findOffers(classUid)
      .map((offered) => this.#contexts.get(keyOf(offered)))
      .find((one) => one?.result === CONTEXT_RESULT.accepted);
  }

  async #results(
    { most, mostBytes }: Asked,
    context: number,
  ): Promise<Omit<Results, 'transferSyntax'>> {
    const dataSets: Buffer[] = [];
    for (let room = mostBytes; ; ) {
      const { command, data } = await this.#result(mostBytes);
      if (!isPending(command.status)) return { command, dataSets, more: false };
      if (data === undefined) throw new ProtocolError('it sent a result without a data set');
      if (dataSets.length === most || data.length > room) {
        return {
          command: await this.#cancelled(context, command, mostBytes),
          dataSets,
          more: true,
        };
      }
      room -= data.length;
      dataSets.push(data);
    }
  }

  /** Cancels the query, and waits until the peer has stopped; a peer that does not is left. */
  async #cancelled(context: number, last: Command, mostBytes: number): Promise<Command> {
    const { replyTimeout } = this.#options;
    const cancel = encodeCommand({ field: COMMAND.cancel, messageId: this.#messageId });
    await this.#write(dataUnit({ context, isCommand: true, isLast: true, data: cancel }));
    const end = performance.now() + Math.min(replyTimeout, CANCEL_WAIT);
    try {
      while (performance.now() < end) {
        const { command } = await this.#result(mostBytes);
        if (!isPending(command.status)) return command;
      }
    } catch (error) {
      // all that was wanted is here; whoever gave up hears of it in `#working`
      if (!isTold(error) && !(error instanceof ProtocolError)) throw error;
    }
    this.#socket.write(abort(0));
    this.#socket.destroySoon();
    return last;
  }

  /** A reply with the data set that follows it; of one larger than `most` nothing is kept. */
  async #result(most: number): Promise<{ readonly command: Command; readonly data?: Buffer }> {
    const command = await this.#reply();
    if (!command.hasDataSet) return { command };
    const parts: Buffer[] = [];
    for (let size = 0; ; ) {
      const { isCommand, isLast, data } = await this.#nextValue();
      if (isCommand) throw new ProtocolError('it sent a command in the middle of a result');
      size += data.length;
      if (size > most) throw new ProtocolError('it sent a result that is too large');
      parts.push(data);
      if (isLast) return { command, data: Buffer.concat(parts) };
    }
  }

  /** Releases the association, or closes the connection if the peer does not follow. */
  async end(): Promise<void> {
    if (this.#socket.destroyed) return;
    const closed = new Promise((resolve) => this.#socket.once('close', resolve));
    const timer = setTimeout(() => this.#socket.destroy(), RELEASE_WAIT);
    if (this.#state === 'new' || this.#busy) this.#socket.end();
    else {
      this.#state = 'ending';
      this.#socket.write(releaseRequest());
    }
    await closed;
    clearTimeout(timer);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #contextFor(offered: Offered): JudgedContext {
    const context = this.#contexts.get(keyOf(offered));
    if (context?.result === CONTEXT_RESULT.accepted) return context;
    const why = contextWords(context?.result ?? CONTEXT_RESULT.noReason);
    throw new SuspendError(
      `${this.#options.place} ${why}: ${uidText(offered.classUid)} in ${uidText(offered.transferSyntax)}. Ask its owner to take them, or have them sent in another encoding, and resend.`,
    );
  }

  /** One piece of work at a time. On any error but a refusal the connection is closed. */
  async #working<Value>(signal: AbortSignal, work: () => Promise<Value>): Promise<Value> {
    const giveUp = (): void => {
      const { place, words } = this.#options;
      this.#failure ??= new TemporaryError(words.givenUp(place), { cause: signal.reason });
      this.#socket.destroy();
    };
    this.#busy = true;
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      if (signal.aborted) giveUp();
      return await work();
    } catch (error) {
      if (this.#socket.writable) this.#socket.write(abort(0));
      this.#socket.destroySoon();
      throw error instanceof ProtocolError ? this.#broken(error) : error;
    } finally {
      signal.removeEventListener('abort', giveUp);
      this.#busy = false;
    }
  }

  #take(chunk: Buffer): void {
    try {
      const spoken = this.#state === 'new' ? spokenProtocol(chunk) : undefined;
      if (spoken !== undefined) {
        throw new NotConnectedError(`${this.#options.place} ${spoken.seen}. ${spoken.remedy}.`);
      }
      for (const unit of this.#reader.push(chunk)) this.#takeUnit(unit);
    } catch (error) {
      this.#failure ??= error as Error;
      this.#waiting?.reject(error instanceof ProtocolError ? this.#broken(error) : error);
      this.#socket.destroy();
    }
  }

  #takeUnit(unit: RawPdu): void {
    if (unit.type === PDU.releaseReply || (this.#state !== 'new' && unit.type === PDU.abort)) {
      this.#socket.destroy();
      return;
    }
    if (this.#waiting !== undefined) {
      this.#waiting.resolve(unit);
      this.#waiting = undefined;
      return;
    }
    if (!this.#asking) throw new ProtocolError('it sent what nobody asked for');
    this.#units.push(unit);
    this.#socket.pause();
  }

  /** The next unit of the peer, as long as the settings allow. */
  async #next(): Promise<RawPdu> {
    const kept = this.#units.shift();
    if (kept !== undefined) return kept;
    this.#socket.resume();
    if (this.#socket.destroyed) throw this.#lost();
    const { replyTimeout, place, words } = this.#options;
    const waiting = Promise.withResolvers<RawPdu>();
    waiting.promise.catch(toldElsewhere);
    this.#waiting = waiting;
    const timer = Number.isFinite(replyTimeout)
      ? setTimeout(() => {
          const text = words.late(place, replyTimeout);
          waiting.reject(new EngineError('REPLY_TIMEOUT', text, { retryable: true }));
        }, timerTime(replyTimeout))
      : undefined;
    try {
      return await waiting.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  async #nextValue(): Promise<DataValue> {
    for (;;) {
      const value = this.#values.shift();
      if (value !== undefined) return value;
      const { type, body } = await this.#next();
      if (type !== PDU.data) throw new ProtocolError('it sent what does not belong here');
      this.#values.push(...dataValues(body));
    }
  }

  async #reply(): Promise<Command> {
    const parts: Buffer[] = [];
    for (;;) {
      const { isCommand, isLast, data } = await this.#nextValue();
      if (!isCommand) continue;
      parts.push(data);
      if (!isLast) continue;
      const command = decodeCommand(Buffer.concat(parts));
      if (command.messageId !== this.#messageId) {
        throw new ProtocolError('it answers another message than ours');
      }
      return command;
    }
  }

  async #writeCommand(
    context: number,
    command: Omit<Parameters<typeof encodeCommand>[0], 'messageId'>,
  ): Promise<void> {
    this.#messageId = (this.#messageId % 0xffff) + 1;
    const bytes = encodeCommand({ ...command, messageId: this.#messageId });
    await this.#write(dataUnit({ context, isCommand: true, isLast: true, data: bytes }));
  }

  async #writeObject(
    context: number,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<void> {
    let held = Buffer.alloc(0);
    const write = (data: Buffer, isLast: boolean): Promise<void> =>
      this.#write(dataUnit({ context, isCommand: false, isLast, data }));
    for await (const chunk of chunks) {
      held = Buffer.concat([held, chunk]);
      let at = 0;
      for (; held.length - at > this.#maxData; at += this.#maxData) {
        await write(held.subarray(at, at + this.#maxData), false);
      }
      held = held.subarray(at);
    }
    await write(held, true);
  }

  /** Waits until the system took the bytes, so that an object is never piled up in memory for a slow peer. */
  async #write(bytes: Buffer): Promise<void> {
    if (this.#socket.destroyed) throw this.#lost();
    const { place, writeTimeout } = this.#options;
    const late = Promise.withResolvers<never>();
    late.promise.catch(toldElsewhere);
    const timer = Number.isFinite(writeTimeout)
      ? setTimeout(() => {
          const text = `${place} did not take the bytes of the object within ${writeTimeout} ms. It is sent again.`;
          late.reject(new TemporaryError(text));
        }, timerTime(writeTimeout))
      : undefined;
    const written = new Promise<void>((resolve, reject) => {
      this.#socket.write(bytes, (error) => (error ? reject(this.#lost()) : resolve()));
    });
    written.catch(toldElsewhere);
    try {
      await Promise.race([written, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #broken(error: ProtocolError): Error {
    return new NotConnectedError(
      `${this.#options.place} breaks the rules of DICOM: ${error.message}. Check whether the address is that of a DICOM application.`,
    );
  }

  /** The connection was lost. */
  #lost(): Error {
    const { place, words } = this.#options;
    if (this.#failure instanceof EngineError) return this.#failure;
    const lost = this.#failure ?? Object.assign(new Error('closed'), { code: 'ECONNRESET' });
    const { cause, remedy, tls } = connectionCause(lost, place);
    if (tls || this.#state === 'new') {
      const hint = tls ? '' : ' It may expect TLS, or no calls from here';
      return new NotConnectedError(`Not connected: ${cause}.${hint} ${remedy}.`);
    }
    return new TemporaryError(words.brokenOff(place), { cause: lost });
  }
}
