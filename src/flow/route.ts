import { createHash } from 'node:crypto';
import type { Answer } from '../broker/answers.ts';
import { ownerOf } from '../broker/bodies.ts';
import { describeError, EngineError } from '../error/engine-error.ts';
import { type Body, inlineBody } from '../message/body.ts';
import { callerWithoutLaunch } from '../message/caller.ts';
import { sentOn } from '../message/envelope.ts';
import type { IdSource } from '../message/id.ts';
import type { Envelope, Reply } from '../message/message.ts';
import type { Explanation, RecordedError } from '../message/record.ts';
import type { Clock } from '../time/clock.ts';
import { WorkTurn } from '../time/work-turn.ts';
import type { TransformOutput } from '../transform/transform.ts';
import { outcomeOf } from './outcome-of.ts';
import { loadBody, onLeg, type Subject, subject } from './subject.ts';
import type {
  InlineTarget,
  ProcessResult,
  ProcessSend,
  QueueTarget,
  WiredTarget,
  Wiring,
} from './wiring.ts';

/** A leg made by routing, to be stored. */
export interface Leg {
  readonly message: Envelope;
  readonly body: Body;
  readonly bodyRef: string | undefined;
  /** The Nats-Msg-Id: equal for the same step of the same message, so that a repeated step is stored only once. */
  readonly key: string;
  /** The line of its target's queue; without it the leg is already settled. */
  readonly queue: QueueLine | undefined;
  readonly settled: SettledLeg | undefined;
}

export interface QueueLine {
  readonly partition: number | undefined;
  readonly generation: number;
}

/** How a leg into an inline process ended. */
export interface SettledLeg {
  readonly status: 'completed' | 'discarded' | 'suspended';
  readonly started: number;
  readonly done: number;
  readonly explain: Explanation | undefined;
  readonly error: RecordedError | undefined;
  /** The process's own answer to a waiting sender. */
  readonly reply: Reply | undefined;
}

export interface Routing {
  readonly wiring: Wiring;
  readonly ids: IdSource;
  readonly clock: Clock;
  /**
   * Puts a body above the inline limit into the object store and returns its key; undefined if it stays inline.
   *
   * @param copies of how many queues one has this size in all, if not of one
   */
  store(
    id: number,
    body: Uint8Array,
    copies?: number,
  ): Promise<{ body: Body; bodyRef: string } | undefined>;
  /** Removes, some time later, a body that was stored for a step that then stored nothing else. */
  drop(bodyRef: string): void;
}

/**
 * `check` refuses inline processes that send to each other in a circle; this guards against what a
 * code process chooses at run time.
 */
const DEPTH = 32;

/**
 * Makes all legs of a message: to each target, and through inline processes on to their targets.
 * Rules and transforms run here; nothing is stored. A rule or transform that fails suspends the leg
 * into its process and sends nothing from it: all or nothing, so that a later resend does not
 * repeat any target.
 *
 * @param first the message as its source sends it; its `target` is not used
 * @param key the root of the legs' keys
 * @param firstId the id of the first leg, if the session already has one
 * @param byContent whether the message may be another one when the step is repeated, as the answer to a question that is
 *   asked again: its parts are then known by what they say, wherever they stand
 */
export async function route(
  routing: Routing,
  first: Subject,
  {
    to,
    key,
    firstId,
    byContent = false,
  }: {
    readonly to: readonly ProcessSend[];
    readonly key: string;
    readonly firstId?: number | undefined;
    readonly byContent?: boolean;
  },
): Promise<Leg[]> {
  const legs: Leg[] = [];
  try {
    await sendAll(routing, { from: first, sends: to, key, firstId, byContent, depth: 0, legs });
    if (legs.length >= COPIES) await shareBodies(routing, legs);
    return legs;
  } catch (error) {
    ownBodies(legs).forEach((bodyRef) => routing.drop(bodyRef));
    throw error;
  }
}

/**
 * So many times the inline limit may one body have in the queues of all its targets together: that many targets may each
 * have a copy of the largest body that is not in the object store.
 */
export const COPIES = 16;

/**
 * What would be copied into very many queues is stored once, as a large body is: forty megabytes for
 * one message would hold up every other, and the sender would be told to try again, each time.
 */
async function shareBodies(routing: Routing, legs: Leg[]): Promise<void> {
  const places = legs.flatMap((leg, at) => (leg.queue === undefined ? [] : { leg, at }));
  for (const [body, those] of Map.groupBy(places, ({ leg }) => leg.body.inline)) {
    // not the first leg: it has the same id when its message is tried again, and what this try stored would go with the next
    const owner = those.at(-1)?.leg;
    if (body === undefined || owner === undefined || those.length < COPIES) continue;
    const once = await routing.store(owner.message.id, body, those.length);
    if (once !== undefined) for (const { leg, at } of those) legs[at] = { ...leg, ...once };
  }
}

/** The large bodies stored for these legs; nothing else refers to them yet. */
export function ownBodies(legs: readonly Leg[]): string[] {
  return legs.flatMap(({ message, bodyRef }) =>
    bodyRef !== undefined && ownerOf(bodyRef) === message.id ? [bodyRef] : [],
  );
}

interface Step {
  readonly from: Subject;
  readonly sends: readonly ProcessSend[];
  readonly key: string;
  readonly firstId: number | undefined;
  readonly byContent: boolean;
  readonly depth: number;
  readonly legs: Leg[];
}

async function sendAll(routing: Routing, step: Step): Promise<void> {
  if (step.depth > DEPTH) {
    throw new EngineError(
      'PROCESS_FAILED',
      `inline processes send in a circle at ${step.from.message.source}`,
    );
  }
  const parent = step.from.message;
  let answersTo = parent.replyTo;
  const several = severalOf(step.sends);
  const placeOf = placesIn(step);
  const turn = new WorkTurn();
  for (const [index, send] of step.sends.entries()) {
    // a message may have been split into 100,000
    if (turn.isOver()) await turn.next();
    const target = routing.wiring.target(send.to);
    const id = (index === 0 ? step.firstId : undefined) ?? routing.ids.next();
    const envelope: Envelope = {
      ...parent,
      ...(send.output === undefined ? {} : describeOutput(send.output)),
      id,
      ...branchOf(send, { id, parent, several }),
      target: target.name,
      created: routing.clock.now(),
      replyTo: answersTo,
    };
    // the service waits for the answer of the first target
    answersTo = undefined;
    const made = await madeSubject(routing, step.from, envelope, send.output);
    const key = legKey(step.key, target.name, placeOf(index));
    try {
      await addLeg(routing, { ...step, key }, made, target);
    } catch (error) {
      if (send.output !== undefined && made.bodyRef !== undefined) routing.drop(made.bodyRef);
      throw error;
    }
  }
}

/** Adds the leg of one message, and those to which it leads at once. */
async function addLeg(
  routing: Routing,
  step: Step,
  made: Subject,
  target: WiredTarget,
): Promise<void> {
  const { key, legs } = step;
  if ((made.message.hops ?? 0) > routing.wiring.hopLimit) legs.push(tooFar(routing, key, made));
  else if (target.kind === 'queue') legs.push(await queueLeg(key, made, target));
  else await inlineLeg(routing, step, made, target);
}

/** What tells the messages that a step sends to one target apart, equally when it is repeated. */
function placesIn({ sends, byContent }: Step): (index: number) => number | string {
  if (!byContent) return (index) => index;
  const seen = new Map<string, number>();
  const places = sends.map(({ to, output }) => {
    const content = output?.content?.();
    if (content === undefined) return undefined;
    const equal = `${to}\0${content}`;
    const before = seen.get(equal) ?? 0;
    seen.set(equal, before + 1);
    return `${content}\0${before}`;
  });
  return (index) => places[index] ?? index;
}

/** Targets to which a step sends several new messages. */
function severalOf(sends: readonly ProcessSend[]): ReadonlySet<string> {
  if (sends.length < 2) return NONE;
  const once = new Set<string>();
  const several = new Set<string>();
  for (const { to, output } of sends) {
    if (output !== undefined) (once.has(to) ? several : once).add(to);
  }
  return several;
}

const NONE: ReadonlySet<string> = new Set();

/** A part of a message, one of several new messages to a target, and what is made of several, and so of nobody's launch, begin a branch. */
function branchOf(
  { to, output, joins, isFurther = false }: ProcessSend,
  {
    id,
    parent,
    several,
  }: { readonly id: number; readonly parent: Envelope; readonly several: ReadonlySet<string> },
): Pick<Envelope, 'branch' | 'joins' | 'caller'> | undefined {
  if (output !== undefined) {
    if (joins !== undefined) return { branch: id, joins, caller: callerWithoutLaunch(parent) };
    const isPart = (output.parts ?? 1) > 1 || isFurther || several.has(to);
    if (isPart) return { branch: id, joins: undefined };
  }
  // of an engine of an earlier version
  if (parent.branch === undefined && (parent.parts ?? 1) > 1 && parent.id !== parent.sessionId)
    return { branch: parent.id };
  return undefined;
}

const describeOutput = ({
  body,
  type,
  charset,
  name,
  part,
  parts,
}: TransformOutput): Partial<Envelope> => ({
  type,
  ...(part === undefined ? {} : { part, parts }),
  size: body.byteLength,
  ...(charset === undefined ? {} : { charset }),
  ...(name === undefined ? {} : { name }),
});

async function madeSubject(
  routing: Routing,
  from: Subject,
  envelope: Envelope,
  output: TransformOutput | undefined,
): Promise<Subject> {
  if (output === undefined) return onLeg(from, envelope);
  const stored = await routing.store(envelope.id, output.body);
  return subject(envelope, stored?.body ?? inlineBody(output.body), stored?.bodyRef);
}

/** The leg at which a message that goes in a circle ends, for a person: nothing of it is repeated by a retry. */
function tooFar({ wiring, clock }: Routing, key: string, { message, body, bodyRef }: Subject): Leg {
  const at = clock.now();
  const between = `${message.source} → ${message.target}`;
  const text = `was sent on ${wiring.hopLimit} times, last ${between}: hosts send to each other in a circle. Break it, or raise settings.hopLimit if that many are meant; then resend this message`;
  return {
    message,
    body,
    bodyRef,
    key,
    queue: undefined,
    settled: {
      status: 'suspended',
      started: at,
      done: at,
      explain: undefined,
      error: { code: 'MESSAGE_LOOPS', text, retryable: false },
      reply: undefined,
    },
  };
}

async function queueLeg(key: string, made: Subject, target: QueueTarget): Promise<Leg> {
  if (target.readsBody && made.body.inline === undefined) await loadBody(made);
  return {
    message: made.message,
    body: made.body,
    bodyRef: made.bodyRef,
    key,
    queue: { partition: target.partition?.(made), generation: target.generation },
    settled: undefined,
  };
}

async function inlineLeg(
  routing: Routing,
  step: Step,
  made: Subject,
  { process, name }: InlineTarget,
): Promise<void> {
  const { legs, key } = step;
  const started = routing.clock.now();
  const derived: Leg[] = [];
  let result: ProcessResult | undefined;
  let error: RecordedError | undefined;
  try {
    if (process.readsBody && made.body.inline === undefined) await loadBody(made);
    const run = process.run(made);
    result = run instanceof Promise ? await run : run;
    await sendAll(routing, {
      from: sentBy(made, name, result),
      sends: result.sends,
      key,
      firstId: undefined,
      byContent: step.byContent,
      depth: step.depth + 1,
      legs: derived,
    });
    error = errorOf(result);
  } catch (caught) {
    error = describeError(caught);
    ownBodies(derived).forEach((bodyRef) => routing.drop(bodyRef));
    derived.length = 0;
  }
  const failed = result === undefined || (error !== undefined && result.reason === undefined);
  legs.push({
    message: made.message,
    body: made.body,
    bodyRef: made.bodyRef,
    key,
    queue: undefined,
    settled: {
      status: failed || result === undefined ? 'suspended' : result.status,
      started,
      done: routing.clock.now(),
      explain: result?.explain,
      error,
      reply: failed ? undefined : result?.reply,
    },
  });
  addAll(legs, derived);
}

/** 100,000 of them would be too many arguments for `push`. */
function addAll(legs: Leg[], more: readonly Leg[]): void {
  for (const leg of more) legs.push(leg);
}

/** The message as the process sends it on. */
function sentBy(made: Subject, name: string, { reply }: ProcessResult): Subject {
  // if a process answers itself, its targets do not answer
  const replyTo = reply === undefined ? made.message.replyTo : undefined;
  return onLeg(made, { ...sentOn(made.message, name), replyTo });
}

/** What went wrong in a process, or why it suspends a message. */
export function errorOf({ error, reason }: ProcessResult): RecordedError | undefined {
  if (reason === undefined) return error;
  return { code: 'MESSAGE_INVALID', text: reason, retryable: false };
}

/** Short, and unique for each path through the production. */
function legKey(parent: string, target: string, place: number | string): string {
  return createHash('sha1')
    .update(`${parent}\0${target}\0${place}`)
    .digest('base64url')
    .slice(0, 22);
}

/**
 * The answer to a waiting sender of a message with these legs, if no queue will give one: the reply
 * of an inline process, or how the message ended at the first target. Undefined if nobody waits, or
 * if one of the queues will answer.
 */
export function directAnswer(legs: readonly Leg[]): Answer | undefined {
  const last = legs.findLast(({ message }) => message.replyTo !== undefined);
  const settled = last?.settled;
  if (settled === undefined) return undefined;
  return {
    reply: settled.reply,
    outcome: outcomeOf(settled.status, settled.error, last?.message),
  };
}
