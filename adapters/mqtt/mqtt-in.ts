import type { IPublishPacket } from 'mqtt-packet';
import {
  inbound,
  type LentInbound,
  type NewMessage,
  NotConnectedError,
  type SettingsFault,
  setting,
} from 'waybill/adapter';
import { Intake, type Kept, keptOpen } from 'waybill/peer/basics';
import { describedBody } from 'waybill/peer/http';
import { MqttConnection } from './mqtt-connection.ts';
import { mqttSettings, qos, topicFilter } from './mqtt-settings.ts';
import { tryMqtt } from './mqtt-test.ts';
import { TakenPackets } from './taken.ts';

export const mqttInSettings = {
  ...mqttSettings,
  topics: setting.list(
    topicFilter({ help: 'A topic; + is one level and # the rest.', example: 'lab/+/results' }),
    { help: 'The topics whose messages are taken.', example: '["lab/+/results"]' },
  ),
  qos: qos(
    'The quality of service to subscribe with. A broker delivers each message at most with that of its sender.',
  ),
  share: setting.optional(
    setting.text({
      help: 'The name of a shared subscription: each message goes to one of all clients that share it.',
      example: 'hubs',
      advanced: true,
    }),
  ),
  clientId: setting.optional(
    setting.text({
      help: 'The name of the session in which the broker keeps messages for us while we are away. Each client needs its own. If left out, it is made of the names of the production and the service.',
      example: 'hub-results',
      advanced: true,
    }),
  ),
  session: setting.duration({
    help: 'How long the broker keeps the session while we are away, in MQTT 5; with 3.1.1 it decides itself.',
    default: '7d',
    advanced: true,
  }),
  retained: setting.choice(
    {
      new: 'Once, when a topic is subscribed to for the first time',
      none: 'Not at all: only new messages count',
    },
    {
      help: 'Whether what a broker has retained as the last message of a topic is taken.',
      default: 'new',
      advanced: true,
    },
  ),
  type: setting.optional(
    setting.text({
      help: 'The type of the messages. If left out, it comes from their content type (MQTT 5), or else from the bytes.',
      example: 'application/json',
    }),
  ),
  atOnce: setting.integer({
    help: 'How many messages the broker hands out before the first of them is acknowledged (MQTT 5).',
    default: 20,
    minimum: 1,
    maximum: 65_535,
    advanced: true,
  }),
};

export type MqttInLent = LentInbound<typeof mqttInSettings>;
export type MqttInValues = setting.ValuesOf<typeof mqttInSettings>;

export default inbound({
  type: 'mqtt-in',
  title: 'MQTT, receiving',
  summary:
    'Takes the messages of topics of an MQTT broker, in a session that keeps them while we are away, and acknowledges each once it is stored.',
  settings: mqttInSettings,
  // a session has one client
  polling: true,
  check: (settings) => Promise.resolve(mqttInFaults(settings)),
  open: (lent) => keptOpen(lent, (signal) => MqttReader.open(lent, signal)),
  test: (lent, step) => tryMqtt(lent, step),
});

export function mqttInFaults({ topics, share }: MqttInValues): SettingsFault[] {
  const faults: SettingsFault[] = [];
  if (topics.length === 0) {
    faults.push({ path: ['topics'], what: 'is empty', remedy: 'Name at least one topic.' });
  }
  if (share !== undefined && /[/+#]/.test(share)) {
    faults.push({ path: ['share'], what: 'has a /, + or #', remedy: 'Use a plain name.' });
  }
  return faults;
}

/** Takes messages over one connection, in their order. */
class MqttReader implements Kept {
  readonly #lent: MqttInLent;
  readonly #connection: MqttConnection;
  readonly #taken: TakenPackets;
  readonly #intake: Intake;

  private constructor(lent: MqttInLent, connection: MqttConnection, taken: TakenPackets) {
    this.#lent = lent;
    this.#connection = connection;
    this.#taken = taken;
    this.#intake = new Intake(lent, 1);
    connection.onPublish((packet) => this.#heard(packet));
    connection.onRelease((id) => taken.release(id));
    this.#intake.watch(connection.ended);
  }

  get lost(): Promise<Error> {
    return this.#intake.lost;
  }

  /** Connects, and takes messages from then on. Throws the errors of connecting. */
  static async open(lent: MqttInLent, signal: AbortSignal): Promise<MqttReader> {
    const { settings, production, host } = lent;
    const clientId = settings.clientId ?? `waybill-${production}-${host}`;
    const taken = await TakenPackets.read(settings, lent.memory);
    const connection = await MqttConnection.open(
      lent,
      {
        clientId,
        clean: false,
        expiry: Math.min(2 ** 32 - 1, Math.round(settings.session / 1_000)),
        receiveMaximum: settings.atOnce,
      },
      signal,
    );
    const reader = new MqttReader(lent, connection, taken);
    try {
      await reader.#begin(clientId);
      return reader;
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#intake.finish();
    await this.#connection.close();
  }

  async #begin(clientId: string): Promise<void> {
    const { topics, qos: quality, share, retained, version } = this.#lent.settings;
    const filters = topics.map((topic) =>
      share === undefined ? topic : `$share/${share}/${topic}`,
    );
    const written = JSON.stringify([clientId, filters, quality]);
    const isKept = this.#connection.connack?.sessionPresent === true;
    this.#tellOfSession(isKept, this.#taken.knows(written));
    const isSubscribed = isKept && this.#taken.knows(written);
    await this.#taken.begin(written, isKept);
    // in 3.1.1, retained messages would come again with each subscription
    if (!isSubscribed || version === '5') {
      const asked = filters.map((topic) => ({
        topic,
        qos: Number(quality) as 0 | 1 | 2,
        ...(version === '5' && share === undefined && { rh: retained === 'new' ? 1 : 2 }),
      }));
      checkGranted(this.#connection.place, filters, await this.#connection.subscribe(asked));
    }
    const which = filters.length === 1 ? filters[0] : `${filters.length} topics`;
    this.#intake.opened(`MQTT ${version}, ${which}, session ${isKept ? 'kept' : 'new'}`);
  }

  /** Our session is gone: messages published meanwhile are unknown. */
  #tellOfSession(isKept: boolean, wasThere: boolean): void {
    if (isKept || !wasThere) return;
    this.#lent.event(
      'warn',
      'session-gone',
      `${this.#connection.place} did not keep the session: what was published while we were away is not here. Look at session, and at the broker's own limits.`,
    );
  }

  #heard(packet: IPublishPacket): void {
    if (this.#intake.isOver) return;
    const { retained } = this.#lent.settings;
    if (packet.retain && retained === 'none') {
      this.#connection.acknowledge(packet);
      return;
    }
    const size = packet.payload.length;
    const keep = (): Promise<void> => this.#keep(packet);
    if (packet.qos !== 0) this.#intake.hold(size, keep);
    else if (!this.#intake.takeOnlyCopy(size, keep)) this.#tellOfFlood();
  }

  #tellOfFlood(): void {
    if (!this.#intake.isNews('dropped')) return;
    this.#lent.event(
      'error',
      'message-lost',
      `Messages of ${this.#connection.place} are lost: so many wait to be stored that no more of QoS 0 are kept in memory. Have them sent with QoS 1, which the broker keeps.`,
    );
  }

  async #keep(packet: IPublishPacket): Promise<void> {
    if (this.#intake.isOver) return;
    let isStored = this.#taken.has(packet);
    const store = async (): Promise<void> => {
      if (!isStored) {
        await this.#lent.deliver(this.#messageOf(packet));
        isStored = true;
        const noted = this.#taken.add(packet);
        if (noted !== undefined) await noted;
      }
      this.#connection.acknowledge(packet);
    };
    await this.#intake.keep(store, { what: `${this.#connection.place}: a message` });
    if (packet.qos === 0 && !isStored) this.#tellOfLoss();
  }

  #messageOf({ payload, topic, properties }: IPublishPacket): NewMessage {
    const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
    return {
      body,
      ...describedBody(body, properties?.contentType, this.#lent.settings.type),
      origin: `${this.#connection.place}/${topic}`,
    };
  }

  #tellOfLoss(): void {
    this.#lent.event(
      'error',
      'message-lost',
      `A message of ${this.#connection.place} is lost: it was sent with QoS 0, which is not repeated, and the service stops. Ask for it again.`,
    );
  }
}

function checkGranted(place: string, filters: readonly string[], granted: readonly number[]): void {
  const at = filters.findIndex((_, index) => (granted[index] ?? 0x80) >= 0x80);
  if (at < 0) return;
  throw new NotConnectedError(
    `${place} does not let us subscribe to ${filters[at]} (code ${granted[at]}). Have the account allowed, or correct the topic; a shared one needs a broker that knows them.`,
  );
}
