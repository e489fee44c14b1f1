import { createHash } from 'node:crypto';
import type { Answers } from '../broker/answers.ts';
import type { Keyed } from '../broker/keyed.ts';
import type { Steps } from '../broker/steps.ts';
import type { WaitingRoom } from '../broker/waiting-room.ts';
import { EngineError } from '../error/engine-error.ts';
import type { Expression } from '../expression/expression.ts';
import { inlineBody } from '../message/body.ts';
import { type Envelope, envelopeOf } from '../message/envelope.ts';
import { pause } from '../time/pause.ts';
import { wakeAtOnce } from './collect.ts';
import {
  changeMailbox,
  isForgotten,
  type Mailbox,
  mailPlace,
  type Waiter,
  withOffer,
  withoutMail,
  withWaiter,
} from './mailbox.ts';
import { bytesHeld, type Subject, subject } from './subject.ts';
import { type ProcessResult, Waits } from './wiring.ts';

/** Which messages of a process a waiting one may receive. */
export interface Receiving {
  /** Empty for a message that is always worked on itself. */
  readonly key: Expression;
  /** Milliseconds that a message waits for somebody to wait for it. */
  readonly keep: number;
}

export interface MailOptions {
  readonly name: string;
  readonly receiving: Receiving;
  readonly keyed: Keyed;
  readonly waiting: WaitingRoom;
  readonly steps: Steps;
  readonly answers: Answers;
  /** A condition as written; throws if it is not valid. */
  readonly compile: (when: string) => Expression<boolean>;
}

/** Messages of a process that wait for others of it. */
export interface Mail {
  /**
   * Gives a message that came to a waiter, or lets it wait for one. Undefined if it is to be worked
   * on itself, now and when it comes again.
   */
  offer(arrived: Subject): Promise<ProcessResult | Waits | undefined>;
  /** Waits under a key; what waits for a waiter comes back. Does nothing if it waits already. */
  wait(key: string, waiter: Waiter): Promise<void>;
  /** Waits no longer. Resolves to whether a message was given already. */
  withdraw(key: string, step: string): Promise<boolean>;
  /** A message has ended: it neither waits nor is waited for. */
  ended(id: number): Promise<void>;
  /** Throws if a condition is not valid. */
  check(when: string): void;
}

/** The record that says whether a message was received, and by which, or is worked on itself. */
const decided = (id: number): string => `${id}.0.mail`;

/** How long a message that is being set aside is waited for, and how often it is looked for; milliseconds. */
const SETTING_ASIDE = 3_000;
const LOOK_EVERY = 100;

export function mail(parts: MailOptions): Mail {
  const { name, receiving, keyed, steps, compile } = parts;
  const conditions = new Map<string, Expression<boolean>>();
  const condition = (when: string): Expression<boolean> => {
    const known = conditions.get(when) ?? compile(when);
    if (conditions.size < 1_000) conditions.set(when, known);
    return known;
  };
  return {
    async offer(arrived) {
      const key = String(receiving.key.evaluate(arrived));
      if (key === '') return undefined;
      const { id } = arrived.message;
      const record = await steps.read(decided(id));
      if (record !== undefined)
        return decidedBefore(parts, { key, id, to: Number(record.fingerprint) });
      const fits = ({ when }: Waiter): boolean =>
        when === undefined || condition(when).evaluate(arrived);
      return offered(parts, { key, arrived, fits });
    },
    async wait(key, waiter) {
      const now = Date.now();
      const place = mailPlace(name, key);
      const after = await changeMailbox(keyed, place, (before) =>
        withWaiter(withoutMail(before, { waiter: isForgotten(now) }), waiter),
      );
      for (const { id } of after.early) await wakeEarly(parts, key, id);
    },
    async withdraw(key, step) {
      const after = await changeMailbox(keyed, mailPlace(name, key), (before) =>
        withoutMail(before, { waiter: (one) => one.step === step }),
      );
      return after.given.some((one) => one.step === step);
    },
    async ended(id) {
      const drop = {
        waiter: (one: Waiter) => one.message === id,
        early: (one: { readonly id: number }) => one.id === id,
      };
      for await (const { place, value } of keyed.all<Mailbox>('mail')) {
        if (place.host !== name || withoutMail(value, drop) === value) continue;
        await changeMailbox(keyed, place, (before) => withoutMail(before, drop));
      }
    },
    check: (when) => void condition(when),
  };
}

/** Removes whoever did not stop waiting by itself, such as a message that NATS lost. */
export async function sweepMail(
  keyed: Pick<Keyed, 'all' | 'read' | 'replace'>,
  signal?: AbortSignal,
): Promise<void> {
  const drop = { waiter: isForgotten(Date.now()) };
  for await (const { place, value } of keyed.all<Mailbox>('mail', signal)) {
    if (withoutMail(value, drop) === value) continue;
    await changeMailbox(keyed, place, (before) => withoutMail(before, drop));
  }
}

async function offered(
  parts: MailOptions,
  {
    key,
    arrived,
    fits,
  }: {
    readonly key: string;
    readonly arrived: Subject;
    readonly fits: (waiter: Waiter) => boolean;
  },
): Promise<ProcessResult | Waits | undefined> {
  const { name, receiving, keyed, steps } = parts;
  const { id } = arrived.message;
  const place = mailPlace(name, key);
  for (;;) {
    const now = Date.now();
    const after = await changeMailbox(keyed, place, (before) =>
      withOffer(before, { id, now, keep: receiving.keep, fits }),
    );
    const given = after.given.find((one) => one.id === id);
    if (given === undefined) {
      const early = after.early.find((one) => one.id === id);
      if (early !== undefined) return new Waits(early.until, []);
      await steps.write(decided(id), { fingerprint: String(id), at: now });
      return undefined;
    }
    if (await isHandedOver(parts, given.step, arrived)) {
      await steps.write(decided(id), { fingerprint: String(given.to), at: now });
      return decidedBefore(parts, { key, id, to: given.to });
    }
    // that one has received another one: whoever is next
    await forget(parts, key, id);
  }
}

/** A message was received, or is worked on itself. */
async function decidedBefore(
  parts: MailOptions,
  { key, id, to }: { readonly key: string; readonly id: number; readonly to: number },
): Promise<ProcessResult | undefined> {
  if (to === id) return undefined;
  await forget(parts, key, id);
  return { status: 'completed', sends: [], explain: undefined, receivedBy: to };
}

async function forget({ name, keyed }: MailOptions, key: string, id: number): Promise<void> {
  await changeMailbox(keyed, mailPlace(name, key), (before) =>
    withoutMail(before, { given: (one) => one.id === id }),
  );
}

/** Stores a message under the step of its receiver, unless another one is there. */
async function isHandedOver(
  { steps, answers }: MailOptions,
  step: string,
  arrived: Subject,
): Promise<boolean> {
  const { message } = arrived;
  const body = bytesHeld(arrived) ?? (await arrived.body.bytes());
  const text = JSON.stringify(envelopeOf(message));
  const reply = { type: message.type, body, text };
  const stored = await answers.give(steps.answerAddress(`${step}.answer`), { reply });
  return receivedOf(stored)?.message.id === message.id;
}

/** The message that was stored as an answer. */
export function receivedOf({ reply }: Awaited<ReturnType<Answers['read']>>): Subject | undefined {
  if (reply?.text === undefined) return undefined;
  return subject(JSON.parse(reply.text) as Envelope, inlineBody(reply.body));
}

/** A message that waits for a waiter comes back to its queue, and is offered again. */
async function wakeEarly(
  { name, keyed, waiting }: MailOptions,
  key: string,
  id: number,
): Promise<void> {
  for (const limit = performance.now() + SETTING_ASIDE; ; ) {
    if (await wakeAtOnce(waiting, name, id)) return;
    const { value } = await keyed.read<Mailbox>(mailPlace(name, key));
    const isEarly = value?.early.some((one) => one.id === id) === true;
    // it comes back with its time at the latest
    if (!isEarly || performance.now() > limit) return;
    await pause(LOOK_EVERY);
  }
}

/** What a step of receiving is: its key may name a patient and is hashed. */
export const receiveStep = (key: string, when: string | undefined): string =>
  `receive ${createHash('sha1')
    .update(`${key}\0${when ?? ''}`)
    .digest('base64url')}`;

export function refuseReceive(name: string): EngineError {
  return new EngineError(
    'PROCESS_FAILED',
    `${name} calls context.receive, and its receives names no key; write receives: { key: … } for it`,
  );
}
