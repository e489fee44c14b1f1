import { randomInt } from 'node:crypto';
import { createInbox, type Msg } from '@nats-io/transport-node';
import { background } from '../error/background.ts';
import { unless } from '../error/foreseen.ts';
import { after } from '../time/timer.ts';
import { type Answer, decodeAnswer, encodeAnswer } from './answer-codec.ts';
import { isAway } from './away.ts';
import { type Bodies, isGone, type StoredBody } from './bodies.ts';
import type { Broker } from './broker.ts';
import { type SteadySubscription, subscribeSteadily } from './steady-subscription.ts';
import type { Steps } from './steps.ts';

export type { Answer } from './answer-codec.ts';

export interface Answers {
  /**
   * An address for `replyTo`, and the answer that arrives there; undefined after `timeout`
   * milliseconds. With the key of a message that may be repeated, the answer is stored under it, so
   * that the repetition gets the same one, on any engine and after a restart.
   */
  expect(timeout: number, key?: string): Expected;
  /** Gives an answer to a waiting sender. Resolves once it is stored if its address is durable, otherwise at once. */
  send(address: string, answer: Answer): Promise<void>;
  /** Stores an answer at a durable address unless there is one already; resolves to the one that is there. */
  give(address: string, answer: Answer): Promise<Answer>;
  /** Reads a stored answer. */
  read(data: Uint8Array): Promise<Answer>;
  close(): void;
}

export interface Expected {
  readonly address: string;
  readonly answer: Promise<Answer | undefined>;
  /** Looks for the answer that was given before; waits for it if none is stored yet. */
  again(): Promise<Answer | undefined>;
  cancel(): void;
}

/** Durable addresses are in a key-value bucket, so that an answer outlives the process waiting for it. */
const DURABLE = '$KV.';

type Waiting = Set<(answer: Answer | undefined) => void>;

/** A reply larger than this is not sent in the answer: the server limits the size of a message. */
const LARGE = 512 * 1024;
/** Milliseconds that a large reply is kept for a waiting sender. */
const KEEP_LARGE = 10 * 60_000;

// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export function answers(
  { connection, publisher }: Broker,
  { steps, bodies }: { readonly steps: Steps; readonly bodies: Bodies },
): Answers {
  const read = async (data: Uint8Array): Promise<Answer> => {
    const { answer, stored } = decodeAnswer(data);
    const { reply } = answer;
    if (stored === undefined || reply === undefined) return answer;
    const body = await bodies
      .open(stored.bodyRef, stored.size)
      .bytes()
      .catch(unless(isGone, 'reading a large answer'));
    // if the reply is gone by now, only the outcome is reported
    return { ...answer, reply: body === undefined ? undefined : { ...reply, body } };
  };
  const storedApart = async (
    { reply }: Answer,
    { isDurable }: { readonly isDurable: boolean },
  ): Promise<StoredBody | undefined> => {
    if (reply === undefined || reply.body.byteLength <= LARGE) return undefined;
    // no message has such an id
    const stored = await bodies.put(-randomInt(2 ** 47), [reply.body]);
    // the body of a stored answer is removed with it
    if (isDurable) return stored;
    const remove = (): void =>
      background(bodies.remove(stored.bodyRef), 'removing a large answer', isAway);
    setTimeout(remove, KEEP_LARGE).unref();
    return stored;
  };
  const inbox = createInbox();
  const waiting = new Map<string, Waiting>();
  let count = 0;
  const give = async (data: Uint8Array, those: Waiting): Promise<void> => {
    const answer = await read(data);
    for (const settle of those) settle(answer);
  };
  const take = ({ subject, data }: Msg): void => {
    const those = waiting.get(subject);
    if (those === undefined) return;
    background(give(data, those), 'reading an answer');
  };
  const subscriptions: SteadySubscription[] = [];
  const listen = (subject: string): void => {
    subscriptions.push(subscribeSteadily(connection, subject, { hear: take, isVital: true }));
  };
  let hearsDurable = false;
  const durable = (key: string): string => {
    if (!hearsDurable) listen(steps.repeatedAddress('*'));
    hearsDurable = true;
    return steps.repeatedAddress(key);
  };
  listen(`${inbox}.*`);
  return {
    expect(timeout, key) {
      const address = key === undefined ? `${inbox}.${count++}` : durable(key);
      const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
      const those: Waiting = waiting.get(address) ?? new Set();
      const settle = (answer: Answer | undefined): void => {
        timer.stop();
        those.delete(settle);
        if (those.size === 0 && waiting.get(address) === those) waiting.delete(address);
        resolve(answer);
      };
      const timer = after(timeout, () => settle(undefined));
      waiting.set(address, those.add(settle));
      return {
        address,
        answer: promise,
        async again() {
          const kept = await steps
            .kept(address)
            // then it is waited for
            .catch(unless(isAway, 'looking for the answer to a repetition'));
          if (kept !== undefined) settle(await read(kept));
          return promise;
        },
        cancel: () => settle(undefined),
      };
    },
    async send(address, answer) {
      const isDurable = address.startsWith(DURABLE);
      const bytes = encodeAnswer(answer, await storedApart(answer, { isDurable }));
      if (isDurable) await publisher.publish(address, bytes);
      else connection.publish(address, bytes);
    },
    async give(address, answer) {
      const bytes = encodeAnswer(answer, await storedApart(answer, { isDurable: true }));
      const before = await steps.storeOnce(address, bytes);
      return before === undefined ? answer : read(before);
    },
    read,
    close() {
      for (const subscription of subscriptions) subscription.unsubscribe();
      for (const those of waiting.values()) for (const settle of those) settle(undefined);
    },
  };
}
