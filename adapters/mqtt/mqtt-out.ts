import { randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { IPublishPacket } from 'mqtt-packet';
import {
  background,
  describeSize,
  type Lent,
  type Message,
  type OpenOutbound,
  outbound,
  RejectedError,
  type Reply,
  type SettingsFault,
  setting,
} from 'waybill/adapter';
import { asBuffer, InTime, namedTemplate, Paced, UnderWay } from 'waybill/peer/basics';
import { contentTypeOf } from 'waybill/peer/http';
import { MqttConnection } from './mqtt-connection.ts';
import { mqttSettings, qos, topicTemplate } from './mqtt-settings.ts';
import { tryMqtt } from './mqtt-test.ts';

export const mqttOutSettings = {
  ...mqttSettings,
  topic: topicTemplate({
    help: 'The topic of each message, with expressions in braces. What a value has that cannot stand in one level of a topic (/, + and #) becomes _.',
    example: 'hub/{field("MSH-4")}/results',
  }),
  qos: qos('With which quality of service messages are sent.'),
  retain: setting.flag({
    help: 'Whether the broker keeps each as the last message of its topic, for who subscribes later.',
    default: false,
  }),
  properties: setting.list(
    namedTemplate(
      'A user property as Name: value; the value may have expressions in braces.',
      'patient: {field("PID-3.1")}',
    ),
    { help: 'User properties of each message, in MQTT 5.', example: 'patient: {field("PID-3.1")}' },
  ),
  expiration: setting.optional(
    setting.duration({
      help: 'After how long the broker forgets a message that nobody took, in MQTT 5. Whole seconds.',
      example: '1h',
      advanced: true,
    }),
  ),
  timeout: setting.duration({
    help: 'How long the acknowledgement of the broker is waited for.',
    default: '20s',
  }),
};

export type MqttOutLent = Lent<typeof mqttOutSettings>;
export type MqttOutValues = setting.ValuesOf<typeof mqttOutSettings>;

const AGAIN = ['retry', 'fail'];

export default outbound({
  type: 'mqtt-out',
  title: 'MQTT, sending',
  summary: 'Publishes each message on a topic of an MQTT broker, and is done once that has it.',
  settings: mqttOutSettings,
  replies: {
    OK: 'complete',
    // the broker has it, and its topic has no subscriber at the moment
    NOBODY: 'complete',
    FULL: AGAIN,
    // every message would be refused
    DENIED: 'stop',
    none: AGAIN,
    other: 'fail',
  },
  check: (settings) => Promise.resolve(mqttOutFaults(settings)),
  open: (lent) => MqttSender.open(lent),
  test: (lent, step) => tryMqtt(lent, step),
});

export function mqttOutFaults({ version, properties, expiration }: MqttOutValues): SettingsFault[] {
  if (version === '5') return [];
  const given = [
    ...(properties.length > 0 ? ['properties'] : []),
    ...(expiration === undefined ? [] : ['expiration']),
  ];
  const remedy = 'Remove it, or set version: 5.';
  return given.map((name) => ({ path: [name], what: 'is not in MQTT 3.1.1', remedy }));
}

/** A message whose acknowledgement did not arrive. */
interface Open {
  readonly packetId: number;
  /** The broker has it (PUBREC): only the release is missing. */
  isReceived: boolean;
}

/** The rest of a session whose connection was lost: only this process continues it. */
interface Unfinished {
  readonly clientId: string;
  readonly open: LRUCache<number, Open>;
  /** The packet ids of those. */
  readonly used: Set<number>;
}

const UNFINISHED = new WeakMap<object, Unfinished>();

function unfinishedOf({ settings, production, host }: MqttOutLent): Unfinished {
  const found = UNFINISHED.get(settings);
  if (found !== undefined) return found;
  const used = new Set<number>();
  const begun = {
    clientId: `waybill-${production}-${host}-${randomUUID().slice(0, 8)}`,
    open: new LRUCache<number, Open>({
      max: 10_000,
      dispose: ({ packetId }) => used.delete(packetId),
    }),
    used,
  };
  UNFINISHED.set(settings, begun);
  return begun;
}

/** Seconds that the broker keeps the session of a connection that was lost. */
const SESSION = 3_600;

/** Where the broker names no maximum. */
const MOST_UNDER_WAY = 65_535;

/** Publishes messages over one connection, until that is lost. */
class MqttSender implements OpenOutbound {
  readonly #lent: MqttOutLent;
  readonly #connection: MqttConnection;
  readonly #sending = new UnderWay();
  readonly #unfinished: Unfinished;
  /** As many messages as the broker lets be under way: it ends a connection with more (MQTT 5, 4.9). */
  readonly #room: Paced;
  /** The same message must not be under way twice in one connection (MQTT 5, 4.4). */
  readonly #within: InTime;
  #lost: Error | undefined;

  private constructor(lent: MqttOutLent, connection: MqttConnection, unfinished: Unfinished) {
    this.#lent = lent;
    this.#connection = connection;
    this.#unfinished = unfinished;
    this.#room = new Paced(connection.connack?.properties?.receiveMaximum ?? MOST_UNDER_WAY);
    const { timeout: time } = lent.settings;
    this.#within = new InTime({
      time,
      late: () =>
        `${connection.place} did not acknowledge the message within ${time} ms, and whether it has it is not known. It is sent again.`,
      givenUp: () => connection.destroy(),
    });
    background(this.#watch(), 'hearing of a lost connection');
  }

  /** Connects and signs in. Throws the errors of connecting. */
  static async open(lent: MqttOutLent): Promise<MqttSender> {
    const { version } = lent.settings;
    const unfinished = unfinishedOf(lent);
    // a session of 3.1.1 never ends: with a client id used only once it would stay at the broker
    const clean = version !== '5';
    const session = { clientId: unfinished.clientId, clean, expiry: SESSION, receiveMaximum: 10 };
    const connection = await MqttConnection.open(lent, session, lent.signal);
    if (connection.connack?.sessionPresent !== true) unfinished.open.clear();
    const state = `MQTT ${version}`;
    lent.connection('connected', state);
    lent.event('info', 'connected', state);
    return new MqttSender(lent, connection, unfinished);
  }

  async send(message: Message, signal: AbortSignal): Promise<Reply> {
    signal.throwIfAborted();
    return await this.#sending.run(this.#send(message, signal));
  }

  async close(): Promise<void> {
    await this.#sending.ended();
    this.#within.close();
    await this.#connection.close();
  }

  async #send(message: Message, signal: AbortSignal): Promise<Reply> {
    const packet = await this.#packet(message);
    signal.throwIfAborted();
    if (this.#lost !== undefined) throw this.#lost;
    return verdict(await this.#within.run(this.#publish(message.id, packet), signal));
  }

  async #packet(message: Message): Promise<IPublishPacket> {
    const { settings } = this.#lent;
    const payload = asBuffer(message.body.inline ?? (await message.body.bytes()));
    this.#checkSize(payload.length);
    const userProperties: Record<string, string> = {};
    for (const { name, value } of settings.properties) {
      userProperties[name] = await value.render(message);
    }
    return {
      cmd: 'publish',
      topic: await settings.topic.render(message),
      payload,
      qos: Number(settings.qos) as 0 | 1 | 2,
      retain: settings.retain,
      dup: false,
      ...(settings.version === '5' && {
        properties: {
          contentType: contentTypeOf(message.type, message.charset),
          ...(settings.properties.length > 0 && { userProperties }),
          ...(settings.expiration !== undefined && {
            messageExpiryInterval: Math.max(1, Math.round(settings.expiration / 1_000)),
          }),
        },
      }),
    };
  }

  #checkSize(size: number): void {
    const most = this.#connection.connack?.properties?.maximumPacketSize ?? 268_435_455;
    // topic and properties come to it
    if (size + 1_000 <= most) return;
    throw new RejectedError(
      `The message has ${describeSize(size)}, but ${this.#connection.place} takes packets of ${describeSize(most)} at most. Have its limit raised, or send the document another way.`,
    );
  }

  /** A message whose acknowledgement was lost goes on in the same session where it was: with its number, and marked. */
  async #publish(id: number, packet: IPublishPacket): Promise<number> {
    if (packet.qos === 0) return await this.#connection.publish(packet);
    await this.#room.take();
    try {
      return await this.#untilAcknowledged(id, packet);
    } finally {
      this.#room.give();
    }
  }

  async #untilAcknowledged(id: number, packet: IPublishPacket): Promise<number> {
    if (this.#lost !== undefined) throw this.#lost;
    const { open: all, used } = this.#unfinished;
    const before = all.get(id);
    const open = before ?? this.#numbered();
    // its number stays its own between the two halves, when nothing waits for it
    if (packet.qos === 2) used.add(open.packetId);
    try {
      const code = open.isReceived
        ? await this.#connection.release(open.packetId)
        : await this.#connection.publish(
            { ...packet, messageId: open.packetId, dup: before !== undefined },
            () => {
              open.isReceived = true;
            },
          );
      if (before !== undefined) all.delete(id);
      else used.delete(open.packetId);
      return code;
    } catch (error) {
      used.add(open.packetId);
      all.set(id, open);
      throw error;
    }
  }

  #numbered(): Open {
    const { used } = this.#unfinished;
    return { packetId: this.#connection.freeId((id) => used.has(id)), isReceived: false };
  }

  async #watch(): Promise<void> {
    this.#lost = await this.#connection.ended;
    this.#within.close();
    this.#lent.connection('disconnected');
  }
}

/** By the codes of MQTT 5 (2.4). */
function verdict(reason: number): Reply {
  const code = CODES[reason] ?? reason.toString(16).toUpperCase().padStart(2, '0');
  return {
    body: Buffer.alloc(0),
    type: 'text/plain',
    code,
    text: reason === 0 ? 'the broker has it' : `code ${reason} of the broker`,
  };
}

const CODES: Readonly<Record<number, string>> = {
  0x00: 'OK',
  0x10: 'NOBODY',
  0x87: 'DENIED',
  0x97: 'FULL',
};
