import { hash } from 'node:crypto';
import type { IPublishPacket } from 'mqtt-packet';
import type { Memory } from 'waybill/adapter';
import type { MqttInValues } from './mqtt-in.ts';

/** How many numbers of a session can be in use. */
const MOST = 65_535;

type TakenSettings = Pick<MqttInValues, 'version' | 'atOnce'>;

interface Kept {
  readonly filters: string;
  readonly taken: Readonly<Record<string, string>>;
}

/** A message as it was handed out, or a print of it where it would take too much memory. */
type Known = Pick<IPublishPacket, 'topic' | 'payload'> | string;

const TAKEN = new WeakMap<object, Map<number, Known>>();

/** So many messages are remembered whole at most, each up to so many bytes; others by their print. */
const MOST_WHOLE = 64;
const LARGEST_WHOLE = 16 * 1024;

/**
 * Stored messages that may be handed out again: a broker does so only in a session that it kept, with the same number and
 * marked as a duplicate (MQTT 3.3.1.1). Messages of QoS 2 are remembered durably until the broker gives their number up,
 * those of QoS 1 as long as this process runs: in MQTT 5 as many as the broker may have handed out without knowing that we
 * have them (they are acknowledged in their order), in 3.1.1, where we cannot limit that, one for each number.
 */
export class TakenPackets {
  readonly #memory: Memory;
  /** By their numbers, the last one last. */
  readonly #recent: Map<number, Known>;
  readonly #most: number;
  #durable: Map<number, string>;
  #filters: string;

  private constructor(settings: TakenSettings, memory: Memory, { filters, taken }: Kept) {
    this.#memory = memory;
    this.#most = settings.version === '5' ? settings.atOnce : MOST;
    this.#recent = TAKEN.get(settings) ?? new Map<number, Known>();
    TAKEN.set(settings, this.#recent);
    this.#durable = new Map(Object.entries(taken).map(([id, print]) => [Number(id), print]));
    this.#filters = filters;
  }

  static async read(settings: TakenSettings, memory: Memory): Promise<TakenPackets> {
    const text = await memory.read();
    const kept = text === undefined ? { filters: '', taken: {} } : (JSON.parse(text) as Kept);
    return new TakenPackets(settings, memory, kept);
  }

  /** Whether there was a session before, with these subscriptions. */
  knows(filters: string): boolean {
    return this.#filters === filters;
  }

  /** A session begins: remembered messages belong to another. */
  async begin(filters: string, isKept: boolean): Promise<void> {
    if (!isKept) {
      this.#recent.clear();
      this.#durable.clear();
    }
    if (isKept && this.#filters === filters) return;
    this.#filters = filters;
    await this.#write();
  }

  /** Whether this one was stored without the broker learning of it. It is acknowledged anew, and so again the last one. */
  has(packet: IPublishPacket): boolean {
    const { messageId: id = 0, qos, dup } = packet;
    if (qos === 0 || !dup) return false;
    const known = this.#recent.get(id);
    if (known !== undefined && isSame(packet, known)) {
      this.#recent.delete(id);
      this.#recent.set(id, known);
      return true;
    }
    return this.#durable.has(id) && this.#durable.get(id) === printOf(packet);
  }

  /** What it returns is to be awaited before the message is acknowledged. */
  add(packet: IPublishPacket): Promise<void> | undefined {
    const { topic, payload, messageId: id = 0 } = packet;
    if (packet.qos === 0) return undefined;
    this.#recent.delete(id);
    const isWhole = this.#most <= MOST_WHOLE && payload.length <= LARGEST_WHOLE;
    this.#recent.set(id, isWhole ? { topic, payload } : printOf(packet));
    if (this.#recent.size > this.#most) this.#recent.delete(this.#recent.keys().next().value ?? 0);
    if (packet.qos !== 2) return undefined;
    this.#durable.set(id, printOf(packet));
    return this.#write();
  }

  /** The broker knows that we have it. Written with the next one: until then it is remembered too long, which does no harm. */
  release(id: number): void {
    this.#durable.delete(id);
    this.#recent.delete(id);
  }

  async #write(): Promise<void> {
    const kept: Kept = { filters: this.#filters, taken: Object.fromEntries(this.#durable) };
    await this.#memory.write(JSON.stringify(kept));
  }
}

const isSame = (packet: IPublishPacket, known: Known): boolean =>
  typeof known === 'string'
    ? known === printOf(packet)
    : known.topic === packet.topic &&
      Buffer.from(packet.payload).equals(Buffer.from(known.payload));

const printOf = ({ topic, payload }: IPublishPacket): string =>
  hash(
    'sha256',
    Buffer.concat([Buffer.from(`${topic}\0`), Buffer.from(payload)]),
    'base64url',
  ).slice(0, 22);
