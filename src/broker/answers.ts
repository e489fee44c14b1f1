import { createInbox } from '@nats-io/transport-node';
import { type Answer, decodeAnswer, encodeAnswer } from './answer-codec.ts';
import type { Broker } from './broker.ts';

export type { Answer } from './answer-codec.ts';

export interface Answers {
  /** An address for `replyTo`, and the answer that comes there; undefined after `timeout` milliseconds. */
  expect(timeout: number): {
    readonly address: string;
    readonly answer: Promise<Answer | undefined>;
    cancel(): void;
  };
  /** Gives an answer to whoever waits. Resolves once it is stored where a durable process waits; else at once. */
  send(address: string, answer: Answer): Promise<void>;
  close(): void;
}

/** Addresses of durable processes lie in a key-value bucket, so that an answer survives who waits for it. */
const DURABLE = '$KV.';

/** Answers to a waiting service travel as plain NATS messages: it is gone after a crash, so nothing durable is owed. */
export function answers({ connection, jetstream }: Broker): Answers {
  const inbox = createInbox();
  const waiting = new Map<string, (answer: Answer | undefined) => void>();
  let count = 0;
  const subscription = connection.subscribe(`${inbox}.*`, {
    callback: (error, message) => {
      if (error === null) waiting.get(message.subject)?.(decodeAnswer(message.data));
    },
  });
  return {
    expect(timeout) {
      const address = `${inbox}.${count++}`;
      const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
      const settle = (answer: Answer | undefined): void => {
        clearTimeout(timer);
        waiting.delete(address);
        resolve(answer);
      };
      const timer = setTimeout(() => settle(undefined), timeout);
      waiting.set(address, settle);
      return { address, answer: promise, cancel: () => settle(undefined) };
    },
    async send(address, answer) {
      if (address.startsWith(DURABLE)) await jetstream.publish(address, encodeAnswer(answer));
      else connection.publish(address, encodeAnswer(answer));
    },
    close() {
      subscription.unsubscribe();
      for (const settle of waiting.values()) settle(undefined);
    },
  };
}
