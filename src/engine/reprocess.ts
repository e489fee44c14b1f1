import type { PartPath, Reprocess, Reprocessed } from '../control/orders.ts';
import type { Definition } from '../definition/definition.ts';
import { EngineError, toldError } from '../error/engine-error.ts';
import { enqueue } from '../flow/enqueue.ts';
import { type Leg, ownBodies, route } from '../flow/route.ts';
import { subject } from '../flow/subject.ts';
import type { Wiring } from '../flow/wiring.ts';
import { inlineBody } from '../message/body.ts';
import { callerWithoutLaunch } from '../message/caller.ts';
import type { Envelope } from '../message/message.ts';
import type { Director } from './director.ts';
import type { Engine } from './engine.ts';
import type { Handling } from './order-round.ts';
import { discard, placesOf } from './resend.ts';

/**
 * Processes a session's original again with today's rules and transforms, and stores only what goes
 * to the chosen hosts, in a new session, with each leg linked to what it replaces. All or nothing:
 * if the rules still fail, or send nothing to one of these hosts, nothing is stored and the error
 * says why.
 */
export async function reprocess(
  engine: Engine,
  director: Director,
  { request, body }: { readonly request: Reprocess; readonly body: Uint8Array },
  handling: Handling,
): Promise<Reprocessed> {
  const { original, replaces, targets, by } = request;
  const { storing, routing } = director;
  for (const target of targets ?? []) routing.wiring.target(target);
  const suspended = replaces.filter((one) => one.suspended).map(({ message }) => message);
  const places = placesOf(handling, suspended);
  const sessionId = routing.ids.next();
  const legs = await routed(engine, director, { request, body, sessionId });
  const kept = keptOf(director, legs, request);
  const links = { replaces, original: original.id, sessionId };
  const done = await handling.keep(kept, {
    ready: () => places.all(),
    async store() {
      const stored = await enqueue(storing, linked(kept, links));
      const { duplicate, originalSession: id = sessionId } = stored;
      return { messageId: id, sessionId: id, duplicate };
    },
  });
  const reason = `processed again as session ${done.sessionId}`;
  const left = await places.left();
  for (const [at, message] of suspended.entries())
    if (left[at] !== undefined) await discard(engine, { message, by, reason }, left[at]);
  const isNew = done.sessionId === sessionId;
  return {
    sessionId: done.sessionId,
    messageId: done.messageId,
    made: queued(kept, sessionId).map((one) =>
      // what was stored before is found by its session
      isNew ? one : { ...one, messageId: done.sessionId },
    ),
  };
}

/** What `reprocess` would make; stores nothing. */
export async function preview(
  engine: Engine,
  director: Director,
  { request, body }: { readonly request: Reprocess; readonly body: Uint8Array },
): Promise<Reprocessed> {
  const { targets, part = [] } = request;
  const { routing } = director;
  for (const target of targets ?? []) routing.wiring.target(target);
  const sessionId = routing.ids.next();
  const legs = await routed(engine, director, { request, body, sessionId });
  ownBodies(legs).forEach((ref) => routing.drop(ref));
  const own = legsOfPart(legs, part);
  const kept = targets === undefined ? own : chosenLegs(own, targets);
  const made = queued(kept, sessionId);
  return { sessionId, messageId: sessionId, made, failed: failureOf(own) };
}

/** The legs to the chosen targets; the bodies of the others, or of all if it fails, are dropped. */
function keptOf(
  { routing }: Director,
  legs: readonly Leg[],
  { targets, part = [] }: Pick<Reprocess, 'targets' | 'part'>,
): readonly Leg[] {
  const drop = (some: readonly Leg[]): void => ownBodies(some).forEach((ref) => routing.drop(ref));
  try {
    const own = legsOfPart(legs, part);
    const kept = targets === undefined ? own : chosenLegs(own, targets);
    const used = new Set(kept.map(({ bodyRef }) => bodyRef));
    drop(legs.filter((leg) => !kept.includes(leg) && !used.has(leg.bodyRef)));
    return kept;
  } catch (error) {
    drop(legs);
    throw error;
  }
}

/** Everything that today's rules and transforms make of the original. */
function routed(
  { bodies }: Engine,
  director: Director,
  {
    request: { original, bodyRef, targets, order },
    body: bytes,
    sessionId,
  }: { readonly request: Reprocess; readonly body: Uint8Array; readonly sessionId: number },
): Promise<readonly Leg[]> {
  const routing = { ...director.routing, wiring: throughRouters(director, targets ?? []) };
  const to = wayOf(director.definition, original);
  const now = routing.clock.now();
  const body = bodyRef === undefined ? inlineBody(bytes) : bodies.open(bodyRef, original.size);
  const first: Envelope = {
    ...original,
    id: sessionId,
    sessionId,
    parentId: undefined,
    hops: undefined,
    caller: callerWithoutLaunch(original),
    replyTo: undefined,
    resendOf: undefined,
    branch: (original.parts ?? 1) > 1 ? sessionId : undefined,
    target: to[0] ?? original.target,
    created: now,
    received: now,
  };
  return route(routing, subject(first, body, bodyRef), {
    to: to.map((target) => ({ to: target })),
    key: `p${order ?? sessionId}`,
    firstId: sessionId,
  });
}

/** The legs that go into queues. The first leg of a session has the session's id. */
const queued = (legs: readonly Leg[], sessionId: number): Reprocessed['made'] =>
  legs
    .filter(({ queue }) => queue !== undefined)
    .map(({ message: { id, target, type } }) => ({
      messageId: id === legs[0]?.message.id ? sessionId : id,
      target,
      type,
    }));

/**
 * A message goes where its service sends now; one that did not come through a service, or that a process sent to itself,
 * where it went before.
 */
function wayOf(
  { services, name }: Definition,
  { source, target, parentId }: Envelope,
): readonly string[] {
  if (parentId !== undefined) return [target];
  const service = services.get(source);
  if (service !== undefined) return service.to;
  if (source === 'waybill') return [target];
  throw new EngineError(
    'HOST_UNKNOWN',
    `the message came from the service ${source}, which ${name} no longer has: resend its stored body instead`,
  );
}

/**
 * Routers with a queue decide here at once, since it could not be known otherwise which of their
 * messages are wanted. Code with a queue is not run, since it may do more than sending.
 */
function throughRouters(director: Director, targets: readonly string[]): Wiring {
  const { wiring } = director.routing;
  const { processes } = director.definition;
  return {
    ...wiring,
    target(name) {
      const target = wiring.target(name);
      const process = processes.get(name);
      const isRouter = process !== undefined && process.rules.length > 0;
      if (target.kind === 'inline' || !isRouter || targets.includes(name)) return target;
      return { kind: 'inline', name, process: director.process(name) };
    },
  };
}

/**
 * The legs of one part of what was split, and those that led to them: the others are about somebody else. All if the
 * rules or transforms fail, which is then the answer.
 */
function legsOfPart(legs: readonly Leg[], part: PartPath): readonly Leg[] {
  if (part.length === 0) return legs;
  const ways = waysOf(legs);
  const own = legs.filter((leg) => {
    const numbers = (ways.get(leg) ?? [])
      .filter(beginsPart)
      .map(({ message }) => message)
      .filter((one, at, all) => one.part !== all[at - 1]?.part || one.parts !== all[at - 1]?.parts);
    return part.every((one, at) => isSamePart(one, numbers[at]));
  });
  if (own.length === 0) {
    if (failureOf(legs) !== undefined) return legs;
    const which = part.map((one) => `${one.part}/${one.parts}`).join('.');
    throw new EngineError(
      'NOT_FOUND',
      `today's rules and transforms make no part ${which} of this message: resend its stored body instead`,
    );
  }
  const wanted = new Set(own.flatMap((leg) => ways.get(leg) ?? []));
  return legs.filter((leg) => wanted.has(leg));
}

const beginsPart = ({ message: { id, branch, joins } }: Leg): boolean =>
  branch === id && joins === undefined;

const isSamePart = (
  one: PartPath[number],
  other: Pick<Envelope, 'part' | 'parts'> | undefined,
): boolean => one.part === other?.part && one.parts === other.parts;

/** Each leg with those that led to it, the first one first. */
function waysOf(legs: readonly Leg[]): ReadonlyMap<Leg, readonly Leg[]> {
  const byId = new Map(legs.map((leg) => [leg.message.id, leg]));
  const ways = new Map<Leg, readonly Leg[]>();
  // a leg comes after the one that it was made from
  for (const leg of legs) {
    const parent = byId.get(leg.message.parentId ?? 0);
    ways.set(leg, [...((parent && ways.get(parent)) ?? []), leg]);
  }
  return ways;
}

/** The legs to the chosen hosts, those that led to them, and everything that a chosen process makes. */
function chosenLegs(legs: readonly Leg[], targets: readonly string[]): readonly Leg[] {
  const ways = waysOf(legs);
  const pathOf = (leg: Leg): readonly Leg[] => ways.get(leg) ?? [];
  const isChosen = ({ message }: Leg): boolean => targets.includes(message.target);
  const chosen = legs.filter((leg) => pathOf(leg).some(isChosen));
  const failed = chosen.find(({ settled }) => settled?.status === 'suspended');
  const missing = targets.filter(
    (target) => !chosen.some(({ message }) => message.target === target),
  );
  const failure = failureOf(failed === undefined ? legs : [failed]);
  if (failure !== undefined && (failed !== undefined || missing.length > 0))
    throw toldError(
      { code: failure.code, text: `at ${failure.host}, still: ${failure.text}`, retryable: false },
      'TRANSFORM_FAILED',
    );
  if (missing.length > 0) {
    const now = legs
      .filter(({ queue }) => queue !== undefined)
      .map(({ message }) => message.target);
    const goes = now.length === 0 ? 'to nobody' : `to ${[...new Set(now)].join(', ')}`;
    throw new EngineError(
      'NOT_FOUND',
      `today's rules send this message ${goes}, not to ${missing.join(', ')}`,
    );
  }
  const wanted = new Set(chosen.flatMap(pathOf));
  return legs.filter((leg) => wanted.has(leg));
}

/** What fails in the rules or transforms, if anything does. */
function failureOf(legs: readonly Leg[]): Reprocessed['failed'] {
  const leg = legs.find(({ settled }) => settled?.status === 'suspended');
  if (leg === undefined) return undefined;
  const { code = 'PROCESS_FAILED', text = 'it is suspended' } = leg.settled?.error ?? {};
  return { host: leg.message.target, code, text };
}

interface Links extends Pick<Reprocess, 'replaces'> {
  readonly original: number;
  readonly sessionId: number;
}

/**
 * Each leg with what it replaces; legs that replace nothing are linked to the original through the
 * first of their session, which has the session's id.
 */
function linked(legs: readonly Leg[], { replaces, original, sessionId }: Links): readonly Leg[] {
  const seen = new Map<string, number>();
  const kept = new Set(legs.map(({ message }) => message.target));
  const root = legs[0]?.message.id;
  const idOf = (id: number | undefined): number | undefined => (id === root ? sessionId : id);
  return legs.map((leg) => {
    const { message, settled } = leg;
    const { id, parentId, target } = message;
    const before = replaces.filter((one) => one.message.target === target);
    const at = seen.get(target) ?? 0;
    seen.set(target, at + 1);
    const replaced = before[Math.min(at, before.length - 1)]?.message.id;
    const resendOf = replaced ?? (parentId === undefined ? original : undefined);
    // the explanation says what was sent, which may be less than the rules chose
    const sent = settled?.explain?.sent.filter(({ to }) => kept.has(to)) ?? [];
    const explain = settled?.explain && { ...settled.explain, sent };
    return {
      ...leg,
      message: { ...message, id: idOf(id) ?? id, parentId: idOf(parentId), resendOf },
      settled: settled && { ...settled, explain },
    };
  });
}
