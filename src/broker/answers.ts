import { createInbox, headers, type Msg } from '@nats-io/transport-node';
import type { Receipt, Reply } from '../message/message.ts';
import type { Broker } from './broker.ts';

/** What became of a message somebody waits for: the peer's reply, or how it ended without one. */
export type Answer = Pick<Receipt, 'reply' | 'outcome'>;

export interface Answers {
  /** An address for `replyTo`, and the answer that comes there; undefined after `timeout` milliseconds. */
  expect(timeout: number): {
    readonly address: string;
    readonly answer: Promise<Answer | undefined>;
    cancel(): void;
  };
  /** Publishes an answer to whoever waits; nobody may, then it is gone. */
  send(address: string, answer: Answer): void;
  close(): void;
}

/** Answers travel as plain NATS messages: who waits is gone after a crash, so nothing durable is owed. */
export function answers({ connection }: Broker): Answers {
  const inbox = createInbox();
  const waiting = new Map<string, (answer: Answer | undefined) => void>();
  let count = 0;
  const subscription = connection.subscribe(`${inbox}.*`, {
    callback: (error, message) => {
      if (error === null) waiting.get(message.subject)?.(readAnswer(message));
    },
  });
  return {
    expect(timeout) {
      const address = `${inbox}.${count++}`;
      const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
      const timer = setTimeout(() => settle(undefined), timeout);
      const settle = (answer: Answer | undefined): void => {
        clearTimeout(timer);
        waiting.delete(address);
        resolve(answer);
      };
      waiting.set(address, settle);
      return { address, answer: promise, cancel: () => settle(undefined) };
    },
    send(address, answer) {
      connection.publish(address, answer.reply?.body, { headers: answerHeaders(answer) });
    },
    close() {
      subscription.unsubscribe();
      for (const settle of waiting.values()) settle(undefined);
    },
  };
}

function answerHeaders({ reply, outcome }: Answer): ReturnType<typeof headers> {
  const h = headers();
  const put = (name: string, value: string | undefined): void => {
    if (value !== undefined) h.append(name, encodeURIComponent(value));
  };
  put('Wb-Type', reply?.type);
  put('Wb-Code', reply?.code);
  put('Wb-Text', reply?.text ?? outcome?.text);
  put('Wb-Status', outcome?.status);
  return h;
}

function readAnswer(message: Msg): Answer {
  const read = (name: string): string | undefined => {
    const value = message.headers?.get(name);
    return value === undefined || value === '' ? undefined : decodeURIComponent(value);
  };
  const type = read('Wb-Type');
  const status = read('Wb-Status');
  const text = read('Wb-Text');
  const reply: Reply | undefined =
    type === undefined ? undefined : { type, body: message.data, code: read('Wb-Code'), text };
  return { reply, outcome: status === undefined ? undefined : { status, text } };
}
