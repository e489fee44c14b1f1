import { createHash, type Hash, randomUUID } from 'node:crypto';
import type { DeliverOptions } from '../adapter/adapter.ts';
import type { Answer, Answers, Expected } from '../broker/answers.ts';
import type { Bodies } from '../broker/bodies.ts';
import type { EngineError } from '../error/engine-error.ts';
import { toldElsewhere } from '../error/foreseen.ts';
import { type Body, inlineBody } from '../message/body.ts';
import { ENVELOPE_FIELDS } from '../message/envelope.ts';
import type { Envelope, MessageFacts, NewMessage, Receipt } from '../message/message.ts';
import type { DuplicateMemory, Remembered } from './duplicate-memory.ts';
import { enqueue, type Storing } from './enqueue.ts';
import { directAnswer, type Leg, type Routing, route } from './route.ts';
import { subject } from './subject.ts';

/** What accepting a message needs from the engine. */
export interface Accepting extends Storing {
  readonly routing: Omit<Routing, 'wiring'> & { readonly wiring: () => Routing['wiring'] };
  readonly bodies: Bodies;
  readonly answers: Answers;
  readonly inlineLimit: number;
  /** Why a service may not take so many bytes more now. */
  readonly refusal?: ((bytes: number) => Promise<EngineError | undefined>) | undefined;
}

export interface AcceptingService {
  readonly name: string;
  readonly to: readonly string[];
  /** `once` answers a repetition like the first time and stores nothing. */
  readonly duplicates: 'once' | 'all';
  readonly memory: DuplicateMemory;
  /** Called for each accepted message, for counters and events. */
  onAccepted?(message: Envelope, receipt: Receipt, took: number): void;
}

const REPLY_TIMEOUT = 60_000;

/**
 * The `deliver` of a service: gives the message its id and session, routes it and stores every leg;
 * resolves only then. Calls are routed one after another, in order, and stored concurrently.
 */
export function accept(
  parts: Accepting,
  service: AcceptingService,
): (message: NewMessage, options?: DeliverOptions) => Promise<Receipt> {
  let turn: Promise<unknown> = Promise.resolve();
  return async (message, options = {}) => {
    const { body } = message;
    const refusal = await parts.refusal?.(body instanceof Uint8Array ? body.byteLength : 0);
    if (refusal !== undefined) throw refusal;
    const began = parts.routing.clock.now();
    const held = await holdBody(parts, message);
    const dedupeKey = service.duplicates === 'once' ? message.dedupeKey : undefined;
    const key = firstKey(service.name, dedupeKey, message.dedupeBody ?? held.digest);
    const expected = expect(parts, options, dedupeKey === undefined ? undefined : key);
    try {
      // only routing is serialised; storing overlaps with the next message
      const stored = turn.then(() =>
        start(parts, service, { message, held, key, replyTo: expected?.address }),
      );
      turn = stored.catch(toldElsewhere);
      const { receipt, done, direct } = await stored;
      await done;
      options.stored?.();
      const whole = { ...receipt, ...(direct ?? (await answered(expected, receipt))) };
      service.onAccepted?.(receipt.first, whole, parts.routing.clock.now() - began);
      return whole;
    } finally {
      expected?.cancel();
    }
  };
}

function expect(
  { answers }: Accepting,
  { reply, timeout = REPLY_TIMEOUT }: DeliverOptions,
  key: string | undefined,
): Expected | undefined {
  return reply === true ? answers.expect(timeout, key) : undefined;
}

/** The target's answer; a repetition gets the first one. */
function answered(
  expected: Expected | undefined,
  { status }: Receipt,
): Promise<Answer | undefined> | undefined {
  return status === 'duplicate' ? expected?.again() : expected?.answer;
}

interface Held {
  readonly body: Body;
  readonly bodyRef: string | undefined;
  /** What the duplicate key is made from: the bytes, or for a stream their digest. */
  readonly digest: Uint8Array;
}

interface Incoming {
  readonly message: NewMessage;
  readonly held: Held;
  /** The key that JetStream stores only once. */
  readonly key: string;
  readonly replyTo: string | undefined;
}

interface Started {
  readonly receipt: FirstReceipt;
  readonly done: Promise<void>;
  /** The answer for a waiting sender, if no queue will give it. */
  readonly direct: Answer | undefined;
}

type FirstReceipt = Receipt & { readonly first: Envelope };

async function start(
  parts: Accepting,
  service: AcceptingService,
  incoming: Incoming,
): Promise<Started> {
  const { held, message, key } = incoming;
  const known = service.memory.find(key);
  const first = firstEnvelope(parts, service, incoming, known);
  if (known?.stored === true) {
    dropHeld(parts, held);
    const receipt: FirstReceipt = { ...known, first, status: 'duplicate' };
    const done = recordDuplicate(parts, service, first, known.messageId);
    return { receipt, done, direct: known.answer };
  }
  const entry: Remembered = known ?? {
    sessionId: first.sessionId,
    messageId: first.id,
    stored: false,
  };
  if (message.dedupeKey !== undefined) service.memory.remember(key, entry);
  const legs = await route(
    { ...parts.routing, wiring: parts.routing.wiring() },
    subject(first, held.body, held.bodyRef),
    { to: service.to.map((to) => ({ to })), key, firstId: first.id },
  ).catch((error: unknown) => {
    dropHeld(parts, held);
    throw error;
  });
  const receipt = {
    messageId: first.id,
    sessionId: first.sessionId,
    status: 'stored' as 'stored' | 'duplicate',
    first,
  };
  const direct = directAnswer(legs);
  entry.answer = direct;
  const store = async (): Promise<void> => {
    const { duplicate, originalSession } = await enqueue(
      parts,
      legs,
      held.bodyRef === undefined ? [] : [held.bodyRef],
    );
    if (message.dedupeKey === undefined) entry.stored = true;
    else service.memory.stored(key, entry);
    // an earlier try turns out to be stored: this is the same acceptance, under the same ids
    if (!duplicate || known !== undefined) return;
    receipt.status = 'duplicate';
    await recordDuplicate(parts, service, legs[0]?.message ?? first, originalSession);
  };
  const done = store();
  return { receipt, done, direct };
}

/** Removes a large body whose message was not stored now: it was refused, or stored before. */
function dropHeld({ routing }: Accepting, { bodyRef }: Held): void {
  if (bodyRef !== undefined) routing.drop(bodyRef);
}

function firstEnvelope(
  { routing }: Accepting,
  service: AcceptingService,
  { message, held, replyTo }: Incoming,
  known: Remembered | undefined,
): Envelope {
  const id = known === undefined || known.stored ? routing.ids.next() : known.messageId;
  const now = routing.clock.now();
  return {
    ...factsOf(message),
    id,
    sessionId: id,
    source: service.name,
    target: service.to[0] ?? service.name,
    created: now,
    received: now,
    size: held.body.size,
    replyTo,
  };
}

const GIVEN = (Object.keys(ENVELOPE_FIELDS) as (keyof typeof ENVELOPE_FIELDS)[]).filter(
  (field): field is keyof MessageFacts => ENVELOPE_FIELDS[field].given === true,
);

/** The facts that the adapter gave about the message, without anything else it may have passed along. */
function factsOf(message: MessageFacts): MessageFacts {
  const facts: Record<string, unknown> = {};
  for (const field of GIVEN) facts[field] = message[field];
  return facts as unknown as MessageFacts;
}

/** The trace shows every message that arrived, including one that is already stored. */
async function recordDuplicate(
  { journal, routing }: Accepting,
  service: AcceptingService,
  message: Leg['message'],
  of: number | undefined,
): Promise<void> {
  const now = routing.clock.now();
  await journal.append({
    record: {
      kind: 'leg',
      message: { ...message, source: service.name },
      status: 'discarded',
      started: now,
      done: now,
      duplicateOf: of ?? 0,
    },
  });
}

async function holdBody(parts: Accepting, { body }: NewMessage): Promise<Held> {
  if (body instanceof Uint8Array && body.byteLength <= parts.inlineLimit) {
    return { body: inlineBody(body), bodyRef: undefined, digest: body };
  }
  const hash = createHash('sha256');
  const chunks = body instanceof Uint8Array ? inlineBody(body).stream() : whileRoom(parts, body);
  const { bodyRef, size } = await parts.bodies.put(parts.routing.ids.next(), hashing(chunks, hash));
  return { body: parts.bodies.open(bodyRef, size), bodyRef, digest: hash.digest() };
}

/** How large a body is that comes bit by bit is not known before. */
async function* whileRoom(
  { refusal }: Accepting,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    const why = await refusal?.(chunk.byteLength);
    if (why !== undefined) throw why;
    yield chunk;
  }
}

async function* hashing(chunks: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

/**
 * The key that JetStream stores only once: a hash of the service, the sender's own id and the body.
 * Without an id from the sender, two equal bodies are two messages, so the key is random.
 */
function firstKey(service: string, dedupeKey: string | undefined, body: Uint8Array): string {
  if (dedupeKey === undefined) return randomUUID();
  return createHash('sha256')
    .update(`${service}\0${dedupeKey}\0`)
    .update(body)
    .digest('base64url')
    .slice(0, 24);
}
