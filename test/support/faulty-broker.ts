import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import type { Broker } from '../../src/broker/broker.ts';
import type { Publisher } from '../../src/broker/publisher.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { type Random, random } from './random.ts';

/** How often out of a hundred each fault occurs. */
export interface FaultRates {
  /** A publish is refused and not stored. */
  readonly refuse: number;
  /** A publish is stored, but the caller is told that it was not. */
  readonly loseReceipt: number;
  /** An acknowledgement of a publish arrives up to 40 ms late. */
  readonly delay: number;
  /** A message is delivered twice. */
  readonly duplicate: number;
  /** An acknowledgement is lost. */
  readonly loseAck: number;
  /** A request to the server about streams and consumers fails. */
  readonly failRequest: number;
  /** The deliveries of a queue end after a message. */
  readonly cut: number;
}

const NONE: FaultRates = {
  refuse: 0,
  loseReceipt: 0,
  delay: 0,
  duplicate: 0,
  loseAck: 0,
  failRequest: 0,
  cut: 0,
};

/** The faults on every connection made from it; the same for the same seed and sequence of events. */
export interface Faults {
  /** From now on these; none if left out. */
  set(rates?: Partial<FaultRates>): void;
  /** The broker with the faults, and every other one made from it. */
  on(broker: Broker): Broker;
}

export function faults(seed: number): Faults {
  const chance = random(seed);
  let rates = NONE;
  const happens = (what: keyof FaultRates): boolean => chance.below(100) < rates[what];
  const on = (broker: Broker): Broker => ({
    ...broker,
    publisher: faultyPublisher(broker.publisher, chance, happens),
    jetstream: faultyConsumers(broker.jetstream, happens),
    manager: faultyRequests(broker.manager, happens),
    another: async () => on(await broker.another()),
  });
  return {
    on,
    set(given = {}) {
      rates = { ...NONE, ...given };
    },
  };
}

type Happens = (what: keyof FaultRates) => boolean;

const unavailable = (why: string): EngineError =>
  new EngineError('QUEUE_UNAVAILABLE', `could not be written: ${why}`, { retryable: true });

function faultyPublisher(real: Publisher, chance: Random, happens: Happens): Publisher {
  return {
    ...real,
    async publish(subject, body, options) {
      if (happens('refuse')) throw unavailable('refused');
      const isLost = happens('loseReceipt');
      const late = happens('delay') ? chance.below(40) : 0;
      const stored = await real.publish(subject, body, options);
      if (late > 0) await sleep(late);
      if (isLost) throw unavailable('no acknowledgement in time');
      return stored;
    },
  };
}

/** An object with some of its methods replaced; everything else is unchanged. */
function altered<Of extends object>(of: Of, ways: Partial<Of>): Of {
  return new Proxy(of, {
    get(target, name) {
      if (Object.hasOwn(ways, name)) return Reflect.get(ways, name);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function faultyConsumers(real: Broker['jetstream'], happens: Happens): Broker['jetstream'] {
  const consumers = altered(real.consumers, {
    async get(...names: Parameters<typeof real.consumers.get>) {
      if (typeof names[1] === 'string' && happens('failRequest')) throw unavailable('no consumer');
      const consumer = await real.consumers.get(...names);
      return typeof names[1] === 'string' ? faultyConsumer(consumer, happens) : consumer;
    },
  });
  return altered(real, { consumers });
}

function faultyConsumer(real: Consumer, happens: Happens): Consumer {
  return altered(real, {
    async consume({ callback, ...options }: Parameters<Consumer['consume']>[0] = {}) {
      let messages: ConsumerMessages | undefined;
      // none that returns a promise is used
      const hear = (raw: JsMsg): unknown => callback?.(raw);
      const given = (raw: JsMsg): void => {
        const one = faultyDelivery(raw, happens);
        hear(one);
        if (happens('duplicate')) hear(one);
        if (happens('cut')) messages?.stop();
      };
      messages = await real.consume({
        ...options,
        ...(callback === undefined ? {} : { callback: given }),
      });
      return messages;
    },
  });
}

const faultyDelivery = (raw: JsMsg, happens: Happens): JsMsg =>
  altered(raw, {
    ack() {
      if (!happens('loseAck')) raw.ack();
    },
  });

function faultyRequests(real: Broker['manager'], happens: Happens): Broker['manager'] {
  const failing = <Of extends object>(of: Of): Of =>
    new Proxy(of, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        // methods that return a list are called page by page, later
        if (name === 'list' || name === 'names') return value.bind(target);
        return async (...given: unknown[]) => {
          if (happens('failRequest')) throw unavailable(String(name));
          return Reflect.apply(value, target, given) as unknown;
        };
      },
    });
  return altered(real, { consumers: failing(real.consumers), streams: failing(real.streams) });
}
