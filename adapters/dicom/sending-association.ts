import type { Socket } from 'node:net';
import {
  type Body,
  background,
  EngineError,
  NotConnectedError,
  SuspendError,
  TemporaryError,
  timerTime,
  toldElsewhere,
} from 'waybill/adapter';
import { type FileHead, HEAD_LIMIT, readFileHead } from 'waybill/document';
import {
  beginning,
  connectionCause,
  continued,
  type LinkedConnection,
  spokenProtocol,
} from 'waybill/peer';
import { COMMAND, type Command, decodeCommand, encodeCommand } from './command.ts';
import {
  abort,
  associateRequest,
  CONTEXT_RESULT,
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
import { contextWords, rejectionWords } from './rejection-words.ts';
import { uidText } from './uids.ts';

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
}

/** A class of objects in one encoding. */
export interface Offered {
  readonly classUid: string;
  readonly transferSyntax: string;
}

/** An association with a peer that takes objects; one object at a time. */
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
  #command: Buffer[] = [];

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
      this.#failure ??= new TemporaryError(
        `Given up while ${this.#options.place} had not answered. It may have the object.`,
        { cause: signal.reason },
      );
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
    if (this.#waiting === undefined) throw new ProtocolError('it sent what nobody asked for');
    this.#waiting.resolve(unit);
    this.#waiting = undefined;
  }

  /** The next unit of the peer, as long as the settings allow. */
  async #next(): Promise<RawPdu> {
    if (this.#socket.destroyed) throw this.#lost();
    const { replyTimeout, place } = this.#options;
    const waiting = Promise.withResolvers<RawPdu>();
    waiting.promise.catch(toldElsewhere);
    this.#waiting = waiting;
    const timer = Number.isFinite(replyTimeout)
      ? setTimeout(() => {
          const text = `${place} did not answer within ${replyTimeout} ms. It may have the object; it is sent again.`;
          waiting.reject(new EngineError('REPLY_TIMEOUT', text, { retryable: true }));
        }, timerTime(replyTimeout))
      : undefined;
    try {
      return await waiting.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  async #reply(): Promise<Command> {
    for (;;) {
      const { type, body } = await this.#next();
      if (type !== PDU.data) throw new ProtocolError('it sent what does not belong here');
      for (const { isCommand, isLast, data } of dataValues(body)) {
        if (!isCommand) continue;
        this.#command.push(data);
        if (!isLast) continue;
        const command = decodeCommand(Buffer.concat(this.#command.splice(0)));
        if (command.messageId !== this.#messageId) {
          throw new ProtocolError('it answers another message than ours');
        }
        return command;
      }
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

  async #writeObject(context: number, chunks: AsyncIterable<Uint8Array>): Promise<void> {
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
    const { place } = this.#options;
    if (this.#failure instanceof EngineError) return this.#failure;
    const lost = this.#failure ?? Object.assign(new Error('closed'), { code: 'ECONNRESET' });
    const { cause, remedy, tls } = connectionCause(lost, place);
    if (tls || this.#state === 'new') {
      const hint = tls ? '' : ' It may expect TLS, or no calls from here';
      return new NotConnectedError(`Not connected: ${cause}.${hint} ${remedy}.`);
    }
    return new TemporaryError(
      `${place} broke the association off before it answered. It may have the object; it is sent again under the same instance UID.`,
      { cause: lost },
    );
  }
}

/** Of a class in one encoding. */
export const keyOf = ({ classUid, transferSyntax }: Offered): string =>
  `${classUid} ${transferSyntax}`;

/** An object to send: the head of its file, and the rest. */
export interface OutgoingObject {
  readonly head: FileHead;
  rest(): AsyncIterable<Uint8Array>;
}

/** Throws SuspendError if the body is not a DICOM file. */
export async function outgoingObject(body: Body): Promise<OutgoingObject> {
  const chunks = body.stream()[Symbol.asyncIterator]();
  const { head: bytes } = await beginning(chunks, HEAD_LIMIT);
  const head = readFileHead(bytes);
  if (typeof head === 'string') {
    background(Promise.resolve(chunks.return?.()), 'leaving a body unread');
    throw new SuspendError(
      `The body is no DICOM file that can be sent: ${head}. Correct what makes it, and resend.`,
    );
  }
  return { head, rest: () => continued(bytes.subarray(head.length), chunks) };
}
