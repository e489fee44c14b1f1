import type { Socket } from 'node:net';
import type * as mqttPacket from 'mqtt-packet';
import type { IConnackPacket, IPublishPacket, ISubscription, Packet, Parser } from 'mqtt-packet';
import { DisableError, NotConnectedError, timerTime, toldElsewhere } from 'waybill/adapter';
import {
  answersTls,
  dial,
  Gathered,
  optionalPackage,
  PassingMap,
  placeOf,
  spokenProtocol,
  withRenewedToken,
} from 'waybill/peer/basics';
import type { ClientLent } from 'waybill/peer/tls';
import type { MqttConnectionValues } from './mqtt-settings.ts';

export type MqttLent = ClientLent<MqttConnectionValues>;

/** The options of a connection. */
export interface MqttSession {
  readonly clientId: string;
  /** Whether the broker forgets what it kept for this client. */
  readonly clean: boolean;
  /** Seconds that the broker keeps the session without a connection (MQTT 5). */
  readonly expiry: number;
  /** How many messages may be unacknowledged on the way to us (MQTT 5). */
  readonly receiveMaximum: number;
}

type PublishListener = (packet: IPublishPacket) => void;

/** Whoever waits for the answer to a packet. */
interface Waiting extends PromiseWithResolvers<Packet> {
  readonly answer: Packet['cmd'];
}

/** The number of a packet that has none. */
const UNNUMBERED = 0;

/** The longest time for the answer to a subscription. */
const ANSWER = 30_000;

/**
 * One connection to a broker, from its sign-in to its end: packets out, answers matched to them, and messages handed to
 * a listener that acknowledges each in its own time. (The usual client reads nothing while an acknowledgement is held back,
 * and so misses the broker's heartbeats.)
 */
export class MqttConnection {
  readonly place: string;
  readonly #socket: Socket;
  readonly #out: Gathered;
  readonly #version: 4 | 5;
  readonly #mqtt: Pick<typeof mqttPacket, 'generate'>;
  readonly #parser: Parser;
  readonly #waiting = new PassingMap<number, Waiting>();
  readonly #ended = Promise.withResolvers<Error>();
  readonly ended = this.#ended.promise;
  /** A broker delivers kept messages right after its CONNACK, before anything listens here. */
  readonly #early: IPublishPacket[] = [];
  #listener: PublishListener = (packet) => void this.#early.push(packet);
  #onRelease: (id: number) => void = () => undefined;
  #beat: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;
  #nextId = 0;
  #isOver = false;
  #heard = Buffer.alloc(0);
  /** The broker's answer to our CONNECT. */
  connack: IConnackPacket | undefined;

  private constructor(
    socket: Socket,
    parts: {
      readonly place: string;
      readonly version: 4 | 5;
      readonly mqtt: Pick<typeof mqttPacket, 'generate' | 'parser'>;
    },
  ) {
    this.place = parts.place;
    this.#socket = socket;
    this.#out = new Gathered(socket);
    this.#version = parts.version;
    this.#mqtt = parts.mqtt;
    this.#parser = parts.mqtt.parser({ protocolVersion: parts.version });
    this.#parser.on('packet', (packet) => this.#take(packet));
    this.#parser.on('error', () => this.#end(lostMqtt(this.place, undefined)));
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => this.#end(lostMqtt(this.place, undefined)));
    socket.on('close', () => this.#end(lostMqtt(this.place, undefined)));
  }

  /**
   * Connects and signs in. Throws NotConnectedError if another try may help; DisableError if the sign-in was refused.
   */
  static open(lent: MqttLent, session: MqttSession, signal: AbortSignal): Promise<MqttConnection> {
    return withRenewedToken(lent, (as) => MqttConnection.#open(as, session, signal));
  }

  static async #open(
    lent: MqttLent,
    session: MqttSession,
    signal: AbortSignal,
  ): Promise<MqttConnection> {
    const { settings } = lent;
    const mqtt = await optionalPackage('mqtt-packet', () => import('mqtt-packet'));
    const { connect: address, tls, connectTimeout: timeout } = settings;
    const account = await accountOf(lent, signal);
    const socket = await dial(lent, { address, tls, timeout }, signal);
    const version = settings.version === '5' ? 5 : 4;
    const place = placeOf(address);
    const connection = new MqttConnection(socket, { place, version, mqtt: mqtt.default });
    try {
      await connection.#connect(lent, session, account, signal);
      return connection;
    } catch (error) {
      connection.destroy();
      signal.throwIfAborted();
      throw await connection.#explained(error, settings);
    }
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Called with each message. Those of QoS 1 and 2 wait for `acknowledge`. */
  onPublish(listener: PublishListener): void {
    this.#listener = listener;
    for (const packet of this.#early.splice(0)) listener(packet);
  }

  /** Called when the broker knows that we have a message of QoS 2: its number may be used for another. */
  onRelease(listener: (id: number) => void): void {
    this.#onRelease = listener;
  }

  /** Acknowledges the message. On a lost connection this is lost too, and the message comes again. */
  acknowledge({ qos, messageId }: IPublishPacket): void {
    if (qos > 0)
      this.#write({
        cmd: qos === 1 ? 'puback' : 'pubrec',
        messageId: messageId ?? 0,
        reasonCode: 0,
      });
  }

  /** The codes that the broker grants, in order: 0x80 and above refuse. */
  async subscribe(subscriptions: ISubscription[]): Promise<readonly number[]> {
    const messageId = this.freeId(() => false);
    const answered = this.#answerTo(messageId, 'suback', ANSWER);
    this.#write({ cmd: 'subscribe', messageId, subscriptions });
    const answer = await answered;
    return answer.cmd === 'suback' ? answer.granted.map(Number) : [];
  }

  /** A number that no other packet has at the moment, nor one of the caller's. */
  freeId(isUsed: (id: number) => boolean): number {
    do this.#nextId = (this.#nextId % 65_535) + 1;
    while (this.#waiting.has(this.#nextId) || isUsed(this.#nextId));
    return this.#nextId;
  }

  /**
   * Resolves with the answer's code: 0 if there is none. `received` is called once the broker has a message of QoS 2. How
   * long to wait is for the caller to say, who destroys the connection then.
   */
  async publish(packet: IPublishPacket, received: () => void = () => undefined): Promise<number> {
    if (packet.qos === 0) {
      this.#write(packet);
      return 0;
    }
    const answer = await this.#ask(packet, packet.qos === 2 ? 'pubrec' : 'puback');
    const code = codeOf(answer);
    if (packet.qos === 1 || code >= 0x80) return code;
    received();
    return await this.release(packet.messageId ?? 0);
  }

  /** The second half of a message of QoS 2. */
  async release(messageId: number): Promise<number> {
    return codeOf(await this.#ask({ cmd: 'pubrel', messageId, reasonCode: 0 }, 'pubcomp'));
  }

  /** Says goodbye: the broker keeps the session. */
  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#write({ cmd: 'disconnect', reasonCode: 0 });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.once('close', resolve);
    const timer = setTimeout(resolve, 1_000);
    this.#socket.end();
    await promise;
    clearTimeout(timer);
    this.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#end(lostMqtt(this.place, undefined));
  }

  async #connect(
    { settings }: MqttLent,
    session: MqttSession,
    account: Account,
    signal: AbortSignal,
  ): Promise<void> {
    const keepalive = Math.max(1, Math.round(settings.keepAlive / 1_000));
    const answer = this.#answerTo(UNNUMBERED, 'connack', settings.connectTimeout, signal);
    this.#write({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: this.#version,
      clientId: session.clientId,
      clean: session.clean,
      keepalive,
      ...(account.user !== undefined && { username: account.user }),
      ...(account.password !== undefined && { password: Buffer.from(account.password) }),
      ...(this.#version === 5 && {
        properties: {
          sessionExpiryInterval: session.expiry,
          receiveMaximum: session.receiveMaximum,
        },
      }),
    });
    const packet = await answer;
    if (packet.cmd !== 'connack') throw lostMqtt(this.place, undefined);
    const code = packet.reasonCode ?? packet.returnCode ?? 0;
    if (code !== 0) throw refusedConnect(this.place, code, account.who);
    this.connack = packet;
    this.#keepAlive(packet.properties?.serverKeepAlive ?? keepalive);
  }

  #keepAlive(seconds: number): void {
    const time = timerTime(seconds * 1_000);
    const beat = (): void => {
      this.#write({ cmd: 'pingreq' });
      this.#beat = setTimeout(beat, time);
    };
    this.#beat = setTimeout(beat, time);
    this.#silence = setTimeout(() => this.destroy(), time * 1.5);
  }

  #read(chunk: Buffer): void {
    this.#silence?.refresh();
    if (this.connack === undefined)
      this.#heard = Buffer.concat([this.#heard, chunk]).subarray(0, 200);
    this.#parser.parse(chunk);
  }

  #take(packet: Packet): void {
    if (packet.cmd === 'publish') {
      this.#listener(packet);
      return;
    }
    if (packet.cmd === 'disconnect') {
      this.#end(lostMqtt(this.place, packet.reasonCode));
      return;
    }
    if (packet.cmd === 'pubrel') {
      const { messageId = 0 } = packet;
      this.#onRelease(messageId);
      this.#write({ cmd: 'pubcomp', messageId, reasonCode: 0 });
      return;
    }
    const id = packet.messageId ?? UNNUMBERED;
    const waiting = this.#waiting.get(id);
    if (waiting?.answer !== packet.cmd) return;
    this.#waiting.delete(id);
    waiting.resolve(packet);
  }

  #ask(packet: Packet, answer: Packet['cmd']): Promise<Packet> {
    const waiting = this.#awaited(packet.messageId ?? UNNUMBERED, answer);
    this.#write(packet);
    return waiting.promise;
  }

  /** Throws if the connection is lost. */
  #awaited(id: number, answer: Packet['cmd']): Waiting {
    if (this.#isOver) throw lostMqtt(this.place, undefined);
    const waiting = { answer, ...Promise.withResolvers<Packet>() };
    this.#waiting.set(id, waiting);
    return waiting;
  }

  async #answerTo(
    id: number,
    answer: Packet['cmd'],
    within: number,
    signal?: AbortSignal,
  ): Promise<Packet> {
    const waiting = this.#awaited(id, answer);
    const late = (): void =>
      waiting.reject(
        new NotConnectedError(
          `${this.place} did not answer within ${within / 1_000} s. Check that an MQTT broker listens there, and its log.`,
        ),
      );
    const timer = setTimeout(late, timerTime(within));
    const abort = (): void => waiting.reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await waiting.promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      if (this.#waiting.get(id) === waiting) this.#waiting.delete(id);
    }
  }

  #write(packet: Packet): void {
    if (this.#isOver || !this.#socket.writable) return;
    this.#out.write(this.#mqtt.generate(packet, { protocolVersion: this.#version }));
  }

  #end(reason: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#beat);
    clearTimeout(this.#silence);
    this.#socket.destroy();
    for (const { promise, reject } of this.#waiting.values()) {
      promise.catch(toldElsewhere);
      reject(reason);
    }
    this.#waiting.clear();
    this.#ended.resolve(reason);
  }

  /** A broker that does not like our first packet just closes: we look at what is listening there instead. */
  async #explained(
    error: unknown,
    { tls, connect: address }: MqttConnectionValues,
  ): Promise<Error> {
    const told = error instanceof Error ? error : lostMqtt(this.place, undefined);
    if (!(told instanceof NotConnectedError) || this.connack !== undefined) return told;
    if (this.#heard.length > 0 && this.#heard[0] !== 0x20) {
      const spoken = spokenProtocol(this.#heard);
      const seen = spoken === undefined ? 'does not speak MQTT' : spoken.seen;
      const remedy = spoken?.remedy ?? 'Correct the host or the port';
      return new NotConnectedError(`Not connected: ${this.place} ${seen}. ${remedy}.`);
    }
    if (this.#heard.length > 0) return told;
    if (tls === undefined && (await answersTls(address, 2_000))) {
      return new NotConnectedError(
        `Not connected: ${this.place} speaks TLS. Add a tls block to the settings.`,
      );
    }
    return new NotConnectedError(
      `Not connected: ${this.place} closed the connection, or said nothing, when we signed in. Check that an MQTT broker listens there; one that does not know MQTT 5 needs version: 3.1.1; look at its log.`,
    );
  }
}

const codeOf = (packet: Packet): number =>
  'reasonCode' in packet && packet.reasonCode !== undefined ? packet.reasonCode : 0;

interface Account {
  readonly user?: string;
  readonly password?: string;
  readonly who: string;
}

async function accountOf(
  { settings, credential }: MqttLent,
  signal: AbortSignal,
): Promise<Account> {
  const name = settings.credential;
  if (name === undefined) {
    const certificate = settings.tls?.certificate;
    return {
      who: certificate === undefined ? 'without a sign-in' : `by the certificate ${certificate}`,
    };
  }
  const found = await credential(name);
  if (found.kind === 'basic') {
    return { user: found.user, password: found.password, who: `as ${found.user}` };
  }
  if (found.kind === 'bearer' || found.kind === 'oauth2') {
    const password = await found.token(signal);
    return { ...(found.user !== undefined && { user: found.user }), password, who: 'by a token' };
  }
  throw new DisableError(
    `MQTT cannot sign in with a credential of kind ${found.kind}. Use one of kind basic or bearer, or a certificate under tls.`,
  );
}

/** Why a broker refuses us: by the codes of MQTT 5 (2.4), to which those of 3.1.1 (3.2.2.3) are mapped. */
const REFUSALS: Readonly<
  Record<number, readonly [kind: 'person' | 'later', what: string, remedy: string]>
> = {
  0x84: [
    'person',
    'does not speak this version of MQTT',
    'Set version: 3.1.1, or 5 if it was that',
  ],
  0x85: ['person', 'refuses the client id', 'Set clientId to one that it allows'],
  0x86: ['person', 'refused the sign-in', 'Check user and password with its owner'],
  0x87: [
    'person',
    'refused the sign-in',
    'Check user and password, and whether the account may connect',
  ],
  0x88: ['later', 'is not available', 'It is tried again; ask its owner if it lasts'],
  0x89: ['later', 'is busy', 'It is tried again; ask its owner if it lasts'],
  0x8a: ['person', 'has banned us', 'Ask its owner'],
  0x8c: ['person', 'wants another way of signing in', 'Ask its owner which'],
  0x97: ['later', 'has no room for another client', 'Ask its owner to raise the quota'],
  0x9c: ['person', 'sends us to another server', 'Correct connect'],
  0x9d: ['person', 'has moved', 'Correct connect'],
  0x9f: ['later', 'takes no more connections just now', 'It is tried again'],
};

const OF_3_1_1: Readonly<Record<number, number>> = { 1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87 };

/** The error for a CONNACK that refuses. `who` says who signed in, for people. */
function refusedConnect(place: string, code: number, who: string): Error {
  const [kind, what, remedy] = REFUSALS[OF_3_1_1[code] ?? code] ?? [
    'later',
    `refused the connection (code ${code})`,
    'Look at the log of the broker',
  ];
  const text = `${place} ${what} (${who}). ${remedy}.`;
  return kind === 'person' ? new DisableError(text) : new NotConnectedError(text);
}

/** Why a broker ended a connection: the code of its DISCONNECT; undefined if it gave none. */
function lostMqtt(place: string, code: number | undefined): NotConnectedError {
  const why =
    code === 0x8e
      ? 'another client signed in with the same clientId. Give each its own'
      : code === 0x8d
        ? 'the broker heard nothing of us in time. It is opened again'
        : `the broker ended it${code === undefined ? '' : ` (code ${code})`} or cannot be reached. It is opened again; look at its log if it lasts`;
  return new NotConnectedError(`The connection to ${place} is gone: ${why}.`);
}
