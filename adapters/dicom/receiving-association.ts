import type { Socket } from 'node:net';
import {
  type Credential,
  describeSize,
  EngineError,
  type LentInbound,
  timerTime,
  toldElsewhere,
} from 'waybill/adapter';
import { fileHead, isUid } from 'waybill/document';
import { beginning, continued, isSameSecret, spokenProtocol } from 'waybill/peer/basics';
import { type Sender, type ServedConnection, SocketWriter } from 'waybill/peer/tcp';
import { COMMAND, type Command, decodeCommand, encodeCommand, STATUS } from './command.ts';
import type { DicomInValues, dicomInSettings } from './dicom-in-settings.ts';
import { judgeContexts } from './negotiation.ts';
import { ObjectStream } from './object-stream.ts';
import {
  type AssociateRequest,
  abort,
  associateAccept,
  associateReject,
  CONTEXT_RESULT,
  type DataValue,
  dataUnit,
  dataValues,
  type JudgedContext,
  mostData,
  OWN_LENGTH,
  PDU,
  PduReader,
  ProtocolError,
  type RawPdu,
  readAssociateRequest,
  releaseReply,
  UNIT_LIMIT,
} from './pdu.ts';
import { answerQuery } from './query.ts';

const COMMAND_LIMIT = 64 * 1024;
const QUERY_LIMIT = 1024 * 1024;
/** Objects up to this size are handed over whole, larger ones as they come. */
const WHOLE = 192 * 1024;
/** How long a sender may leave our answers unread. */
const WRITE_WAIT = 30_000;
/** How long a peer may take to close its side after we closed ours. */
const CLOSE_WAIT = 1_000;

type LentHere = Pick<
  LentInbound<typeof dicomInSettings>,
  'deliver' | 'event' | 'log' | 'credential' | 'host'
> & { readonly settings: DicomInValues };

export interface ReceivingOptions {
  readonly lent: LentHere;
  readonly sender: Sender;
  /** Of the whole service: repeated faults of one peer are reported once a minute. */
  readonly isNews: (key: string) => boolean;
}

/** An object being received. */
interface Incoming {
  readonly command: Command;
  readonly context: number;
  readonly data: ObjectStream;
  size: number;
  /** Resolves to the status for its sender. Never rejects. */
  readonly stored: Promise<Answered>;
}

interface Answered {
  readonly status: number;
  readonly comment?: string;
  /** The results of a query. */
  readonly dataSets?: readonly Buffer[];
}

/** Why an association is refused: for good (`result` 1) or for now (2). */
interface Refusal {
  readonly result?: number;
  readonly reason: number;
  readonly text: string;
}

/** Why a peer is given up; `event` names the event. */
class Given extends Error {
  readonly event: string;

  constructor(event: string, text: string) {
    super(text);
    this.event = event;
  }
}

/**
 * The association of one sender. Its objects are stored one after the other, each acknowledged once it is stored.
 *
 *     waiting ──A-ASSOCIATE-RQ──► open ──C-STORE, C-ECHO──► open
 *     open ──A-RELEASE-RQ, end of the connection, `finish`──► closed
 *     any ──A-ABORT, error, time-out, `destroy`──► closed
 */
export class ReceivingAssociation implements ServedConnection {
  readonly sender: Sender;
  readonly since = performance.now();
  hasSent = false;
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #lent: LentHere;
  readonly #isNews: ReceivingOptions['isNews'];
  readonly #reader = new PduReader(UNIT_LIMIT);
  readonly #writer: SocketWriter;
  #request: AssociateRequest | undefined;
  readonly #contexts = new Map<number, JudgedContext>();
  #command: Buffer[] = [];
  #commandSize = 0;
  #incoming: Incoming | undefined;
  #finishing = false;
  /** Set while idle. */
  #idle = true;

  constructor(socket: Socket, { lent, sender, isNews }: ReceivingOptions) {
    this.#socket = socket;
    this.#lent = lent;
    this.sender = sender;
    this.#isNews = isNews;
    this.#writer = new SocketWriter(socket, WRITE_WAIT, () => socket.destroy());
    // the reader meets any fault of the connection
    socket.on('error', toldElsewhere);
    this.closed = this.#run();
  }

  finish(): void {
    this.#finishing = true;
    if (this.#idle) this.#leave();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    try {
      await this.#read();
    } catch (error) {
      this.#failed(error);
    } finally {
      const broken = new Error('the sender broke off');
      this.#incoming?.data.fail(broken);
      await this.#incoming?.stored;
      await this.#close();
    }
  }

  async #read(): Promise<void> {
    const chunks = this.#socket.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
    let first = true;
    for (;;) {
      const { value, done } = await this.#inTime(chunks.next());
      if (done === true) return this.#ended();
      if (first) refuseOthers(value);
      first = false;
      for (const unit of this.#reader.push(value)) {
        this.#idle = false;
        if (!(await this.#take(unit))) return;
        this.#idle = this.#incoming === undefined && this.#commandSize === 0;
        if (this.#finishing && this.#idle) return this.#leave();
      }
    }
  }

  /** Waits for the next bytes, as long as the settings allow. */
  async #inTime<Value>(next: Promise<Value>): Promise<Value> {
    const { idleTimeout, requestTimeout } = this.#lent.settings;
    const limit = this.#request === undefined ? requestTimeout : idleTimeout;
    if (!Number.isFinite(limit)) return await next;
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const what = this.#request === undefined ? 'asked for no association' : 'sent nothing more';
      late.reject(new Given('association-silent', `it ${what} in time`));
    }, timerTime(limit));
    try {
      return await Promise.race([next, late.promise]);
    } finally {
      clearTimeout(timer);
      next.catch(toldElsewhere);
    }
  }

  #ended(): void {
    if (this.#incoming === undefined) return;
    throw new Given('object-unfinished', 'it left in the middle of an object');
  }

  /** Whether the association goes on. */
  async #take({ type, body }: RawPdu): Promise<boolean> {
    if (type === PDU.abort) {
      if (this.#incoming !== undefined) {
        throw new Given('object-unfinished', 'it broke off in the middle of an object');
      }
      return false;
    }
    if (this.#request === undefined) {
      if (type !== PDU.associateRequest)
        throw new ProtocolError('it asked for no association first');
      return await this.#associate(readAssociateRequest(body));
    }
    if (type === PDU.releaseRequest) {
      this.#socket.write(releaseReply());
      return false;
    }
    if (type !== PDU.data) throw new ProtocolError('it sent what does not belong here');
    for (const value of dataValues(body)) await this.#takeValue(value);
    return true;
  }

  async #associate(request: AssociateRequest): Promise<boolean> {
    const refusal = await this.#refusal(request);
    if (refusal !== undefined) {
      const { text, result = 1, reason } = refusal;
      this.#tell('association-refused', `${this.sender.address}: ${text}`);
      this.#socket.write(associateReject({ result, source: 1, reason }));
      return false;
    }
    this.#request = request;
    const contexts = judgeContexts(request, this.#lent.settings);
    for (const context of contexts) {
      if (context.result === CONTEXT_RESULT.accepted) this.#contexts.set(context.id, context);
    }
    const identityConfirmed = request.identity !== undefined;
    this.#socket.write(
      associateAccept(request, { contexts, maxLength: OWN_LENGTH, identityConfirmed }),
    );
    return true;
  }

  /** Why this caller is refused; reasons as in PS3.8 9.3.4. */
  async #refusal({ called, calling, identity }: AssociateRequest): Promise<Refusal | undefined> {
    const { title, from, credential } = this.#lent.settings;
    if (title !== undefined && called !== title) {
      const text = `it calls the AE title ${called}, and ours is ${title}. Correct it there, or title here.`;
      return { reason: 7, text };
    }
    if (from.length > 0 && !from.includes(calling)) {
      const text = `its AE title ${calling} is not under from. Add it, or correct it there.`;
      return { reason: 3, text };
    }
    if (credential === undefined) return undefined;
    let wanted: Credential;
    try {
      wanted = await this.#lent.credential(credential);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return { result: 2, reason: 1, text: error.message };
    }
    if (wanted.kind !== 'basic') return undefined;
    if (identity === undefined) {
      const text = `${calling} gives no user identity, and credential asks for one. Give it the name and the password.`;
      return { reason: 1, text };
    }
    const isRight = isSameSecret(
      `${identity.user}\0${identity.password}`,
      `${wanted.user}\0${wanted.password}`,
    );
    const text = `${calling} gives another name or password than ${credential} holds. Correct it there.`;
    return isRight ? undefined : { reason: 1, text };
  }

  async #takeValue(value: DataValue): Promise<void> {
    const context = this.#contexts.get(value.context);
    if (context === undefined) throw new ProtocolError('it sent data for what was not agreed');
    if (!value.isCommand) return await this.#takeData(value);
    if (this.#incoming !== undefined) {
      throw new ProtocolError('it sent a command in the middle of an object');
    }
    this.#commandSize += value.data.length;
    if (this.#commandSize > COMMAND_LIMIT) throw new ProtocolError('its command has no end');
    this.#command.push(value.data);
    if (!value.isLast) return;
    const command = decodeCommand(Buffer.concat(this.#command));
    this.#command = [];
    this.#commandSize = 0;
    await this.#begin(command, context);
  }

  async #begin(command: Command, context: JudgedContext): Promise<void> {
    const { field, hasDataSet } = command;
    if (field === COMMAND.cancel) return;
    if (field === COMMAND.storeRequest && hasDataSet) {
      this.hasSent = true;
      return this.#expect(command, context, (data) => this.#store(command, context, data));
    }
    if (field === COMMAND.findRequest && hasDataSet && this.#lent.settings.queries === 'target') {
      this.hasSent = true;
      return this.#expect(command, context, (data) => this.#find(command, context, data));
    }
    const answer = {
      status: field === COMMAND.echoRequest ? STATUS.success : STATUS.unknownOperation,
    };
    if (!hasDataSet) return await this.#answer(command, context.id, answer);
    this.#expect(command, context, () => Promise.resolve(answer));
  }

  /** The data after the command goes to `take`, which may leave it; its errors become statuses. */
  #expect(
    command: Command,
    context: JudgedContext,
    take: (data: ObjectStream) => Promise<Answered>,
  ): void {
    const data = new ObjectStream();
    const stored = this.#statusOf(take(data), data);
    this.#incoming = { command, context: context.id, data, size: 0, stored };
  }

  /** Never rejects. */
  async #statusOf(taking: Promise<Answered>, data: ObjectStream): Promise<Answered> {
    try {
      return await taking;
    } catch (error) {
      return this.#refused(error);
    } finally {
      await data.return();
    }
  }

  async #takeData({ context, data, isLast }: DataValue): Promise<void> {
    const incoming = this.#incoming;
    if (incoming === undefined || incoming.context !== context) {
      throw new ProtocolError('it sent data without a command');
    }
    const { limit } = this.#lent.settings;
    incoming.size += data.length;
    if (incoming.size > limit) incoming.data.fail(new TooLarge(limit));
    else await incoming.data.push(data);
    if (!isLast) return;
    incoming.data.end();
    const { dataSets = [], ...answer } = await incoming.stored;
    this.#incoming = undefined;
    for (const dataSet of dataSets) await this.#answerFound(incoming.command, context, dataSet);
    await this.#answer(incoming.command, context, answer);
  }

  async #find(command: Command, context: JudgedContext, data: ObjectStream): Promise<Answered> {
    const { head, ended } = await beginning(data, QUERY_LIMIT);
    if (!ended) return { status: STATUS.cannotUnderstand, comment: 'the query is too long' };
    const { transferSyntax } = context;
    const origin = this.#origin();
    const query = { command, identifier: head, transferSyntax, origin };
    const { reason, ...found } = await answerQuery(this.#lent, query);
    // the message itself is completed: its target has answered
    if (reason !== undefined) {
      this.#tell('query-unanswered', `A query of ${this.sender.address} got no result: ${reason}.`);
    }
    return found;
  }

  #origin(): string {
    return `${this.sender.origin} ${this.#request?.calling ?? ''}`.trim();
  }

  async #store(command: Command, context: JudgedContext, data: ObjectStream): Promise<Answered> {
    const { classUid, instanceUid } = command;
    if (!isUid(classUid) || !isUid(instanceUid)) {
      return { status: STATUS.cannotUnderstand, comment: 'SOP class or instance UID is missing' };
    }
    const source = this.#request?.calling ?? '';
    const { transferSyntax } = context;
    const file = continued(fileHead(command, { transferSyntax, source }), data);
    const { head, ended } = await beginning(file, WHOLE);
    await this.#lent.deliver({
      body: ended ? head : continued(head, file),
      type: 'application/dicom',
      name: instanceUid,
      origin: this.#origin(),
      dedupeKey: instanceUid,
    });
    return { status: STATUS.success };
  }

  /** The status for an object that was not stored: whether it may be sent again. */
  #refused(error: unknown): Answered {
    const { code, retryable } =
      error instanceof EngineError ? error : { code: 'INTERNAL', retryable: true };
    if (error instanceof TooLarge) {
      this.#tell(
        'object-too-large',
        `${this.sender.address} sent an object of more than ${error.limit}.`,
      );
      return { status: STATUS.cannotUnderstand, comment: `larger than ${error.limit}` };
    }
    this.#lent.log.debug({ peer: this.sender.address, reason: code }, 'object not stored');
    return { status: retryable ? STATUS.outOfResources : STATUS.processingFailure, comment: code };
  }

  async #answer(
    command: Command,
    context: number,
    answered: Omit<Answered, 'dataSets'> & { readonly hasDataSet?: boolean },
  ): Promise<void> {
    const { field, messageId, classUid, instanceUid } = command;
    const bytes = encodeCommand({
      field: field | 0x8000,
      messageId,
      classUid,
      instanceUid,
      ...answered,
    });
    this.#writer.write(dataUnit({ context, isCommand: true, isLast: true, data: bytes }));
    await this.#writer.flushed();
  }

  /** One result of a query, in pieces that the peer accepts. */
  async #answerFound(command: Command, context: number, dataSet: Buffer): Promise<void> {
    await this.#answer(command, context, { status: STATUS.pending, hasDataSet: true });
    const most = mostData(this.#request?.maxLength ?? 0);
    for (let at = 0; at === 0 || at < dataSet.length; at += most) {
      const data = dataSet.subarray(at, at + most);
      const isLast = at + most >= dataSet.length;
      this.#writer.write(dataUnit({ context, isCommand: false, isLast, data }));
      await this.#writer.flushed();
    }
  }

  /** Ends an association that we no longer want; everything stored has been acknowledged. */
  #leave(): void {
    if (this.#socket.writable) this.#socket.end(abort(0));
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_WAIT);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  #failed(error: unknown): void {
    if (this.#incoming !== undefined && !(error instanceof Given)) {
      this.#tell(
        'object-unfinished',
        `${this.sender.address} was lost in the middle of an object.`,
      );
    }
    if (this.#socket.destroyed && !(error instanceof Given)) return;
    if (error instanceof Given || error instanceof ProtocolError) {
      const event = error instanceof Given ? error.event : 'association-broken';
      this.#tell(event, `${this.sender.address}: ${error.message}.`);
      if (this.#socket.writable) this.#socket.write(abort(2, 2));
      return;
    }
    this.#lent.log.debug({ peer: this.sender.address, err: error }, 'association ended');
  }

  async #close(): Promise<void> {
    if (this.#socket.destroyed) return;
    const gone = new Promise((resolve) => this.#socket.once('close', resolve));
    this.#socket.end();
    this.#socket.resume();
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_WAIT);
    await gone;
    clearTimeout(timer);
  }

  #tell(event: string, text: string): void {
    if (this.#isNews(`${this.sender.address} ${event}`)) this.#lent.event('warn', event, text);
    this.#lent.log.debug({ peer: this.sender.address, reason: event }, 'trouble with a sender');
  }
}

class TooLarge extends Error {
  readonly limit: string;

  constructor(limit: number) {
    super('the object is too large');
    this.limit = describeSize(limit);
  }
}

/** Throws if the first bytes belong to another protocol. */
function refuseOthers(bytes: Buffer): void {
  const spoken = spokenProtocol(bytes);
  if (spoken !== undefined) {
    throw new Given('wrong-protocol', `its side ${spoken.seen}. ${spoken.remedy}`);
  }
}
