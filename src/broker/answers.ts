import { createInbox, type Msg, type Subscription } from '@nats-io/transport-node';
import { type Answer, decodeAnswer, encodeAnswer } from './answer-codec.ts';
import type { Broker } from './broker.ts';
import type { Steps } from './steps.ts';

export type { Answer } from './answer-codec.ts';

export interface Answers {
  /**
   * An address for `replyTo`, and the answer that comes there; undefined after `timeout` milliseconds.
   * With the key of a message that may be repeated, the answer is stored under it, so that the
   * repetition gets the same one, on any engine and after a restart.
   */
  expect(timeout: number, key?: string): Expected;
  /** Gives an answer to whoever waits. Resolves once it is stored where its address is a durable one, else at once. */
  send(address: string, answer: Answer): Promise<void>;
  close(): void;
}

export interface Expected {
  readonly address: string;
  readonly answer: Promise<Answer | undefined>;
  /** Looks for the answer that was given before; where none is kept yet, it is waited for. */
  again(): Promise<Answer | undefined>;
  cancel(): void;
}

/** Durable addresses lie in a key-value bucket, so that an answer survives who waits for it. */
const DURABLE = '$KV.';

/** Answers to messages that may be repeated, beside the answers to calls of durable processes. */
const REPEATABLE = 'a';

export function answers({ connection, publisher }: Broker, steps: Steps): Answers {
  const inbox = createInbox();
  const waiting = new Map<string, Set<(answer: Answer | undefined) => void>>();
  let count = 0;
  const take = (error: Error | null, { subject, data }: Msg): void => {
    const those = error === null ? waiting.get(subject) : undefined;
    if (those === undefined) return;
    const answer = decodeAnswer(data);
    for (const settle of those) settle(answer);
  };
  const subscriptions: Subscription[] = [];
  const listen = (subject: string): void => {
    subscriptions.push(connection.subscribe(subject, { callback: take }));
  };
  let hearsDurable = false;
  const durable = (key: string): string => {
    if (!hearsDurable) listen(steps.answerAddress(`${REPEATABLE}.*`));
    hearsDurable = true;
    return steps.answerAddress(`${REPEATABLE}.${key}`);
  };
  listen(`${inbox}.*`);
  return {
    expect(timeout, key) {
      const address = key === undefined ? `${inbox}.${count++}` : durable(key);
      const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
      const those = waiting.get(address) ?? new Set();
      const settle = (answer: Answer | undefined): void => {
        clearTimeout(timer);
        those.delete(settle);
        if (those.size === 0 && waiting.get(address) === those) waiting.delete(address);
        resolve(answer);
      };
      const timer = setTimeout(() => settle(undefined), timeout);
      waiting.set(address, those.add(settle));
      return {
        address,
        answer: promise,
        async again() {
          const kept = await steps.kept(address).catch(() => undefined);
          if (kept !== undefined) settle(decodeAnswer(kept));
          return promise;
        },
        cancel: () => settle(undefined),
      };
    },
    async send(address, answer) {
      if (address.startsWith(DURABLE)) await publisher.publish(address, encodeAnswer(answer));
      else connection.publish(address, encodeAnswer(answer));
    },
    close() {
      for (const subscription of subscriptions) subscription.unsubscribe();
      for (const those of waiting.values()) for (const settle of those) settle(undefined);
    },
  };
}
