import type { Begun } from '../broker/orders.ts';
import type { Reprocess, Reprocessed } from '../control/orders.ts';
import type { Definition } from '../definition/definition.ts';
import { EngineError } from '../error/engine-error.ts';
import { enqueue } from '../flow/enqueue.ts';
import { type Leg, ownBodies, route } from '../flow/route.ts';
import { subject } from '../flow/subject.ts';
import type { Wiring } from '../flow/wiring.ts';
import { inlineBody } from '../message/body.ts';
import type { Envelope } from '../message/message.ts';
import type { Director } from './director.ts';
import type { Engine } from './engine.ts';
import { alone, checkSuspended, discard } from './resend.ts';

/**
 * Processes a session's original again with today's rules and transforms, and stores only what goes
 * to the chosen hosts, in a new session, with each leg linked to what it replaces. All or nothing:
 * if the rules still fail, or send nothing to one of these hosts, nothing is stored and the error
 * says why. A repeated order is carried out once.
 */
export function reprocessOnce(
  engine: Engine,
  director: Director,
  request: Reprocess,
  body: Uint8Array,
): Promise<Reprocessed> {
  const run = (before?: Begun): Promise<Reprocessed> => {
    const given = { ...request, again: before !== undefined };
    if (request.dryRun === true) return reprocess(engine, director, given, body);
    const suspended = request.replaces.filter((one) => one.suspended);
    // nobody else can act on what is replaced meanwhile
    return suspended.reduce<() => Promise<Reprocessed>>(
      (inner, { message }) =>
        () =>
          alone(engine, message, inner),
      () => reprocess(engine, director, given, body),
    )();
  };
  return request.order === undefined ? run() : engine.orders.once(request.order, run);
}

/** An order to process again, and whether it may have been carried out before. */
interface Given extends Reprocess {
  readonly again: boolean;
}

async function reprocess(
  engine: Engine,
  director: Director,
  request: Given,
  bytes: Uint8Array,
): Promise<Reprocessed> {
  const { original, replaces, targets, by, dryRun = false } = request;
  const { storing, routing } = director;
  for (const target of targets ?? []) routing.wiring.target(target);
  const suspended = await stillSuspended(engine, request);
  const sessionId = routing.ids.next();
  const legs = await routed(engine, director, { request, bytes, sessionId });
  const drop = (some: readonly Leg[]): void => ownBodies(some).forEach((ref) => routing.drop(ref));
  if (dryRun) drop(legs);
  let kept: readonly Leg[];
  try {
    kept = targets === undefined ? legs : chosenLegs(legs, targets);
  } catch (error) {
    if (!dryRun) drop(legs);
    throw error;
  }
  const done = { sessionId, messageId: sessionId, made: queued(kept, sessionId) };
  if (dryRun) return { ...done, failed: failureOf(legs) };
  drop(legs.filter((leg) => !kept.includes(leg)));
  const linkedLegs = linked(kept, { replaces, original: original.id, sessionId });
  const { originalSession: stored = sessionId } = await enqueue(storing, linkedLegs);
  for (const message of suspended)
    await discard(engine, { message, by, reason: `processed again as session ${stored}` });
  return stored === sessionId ? done : storedBefore(done, stored);
}

/** The suspended messages that are replaced; see `checkSuspended`. */
async function stillSuspended(
  engine: Engine,
  { replaces, again, dryRun = false }: Given,
): Promise<readonly Pick<Envelope, 'id' | 'sessionId' | 'target'>[]> {
  const suspended = replaces.filter((one) => one.suspended).map(({ message }) => message);
  if (!dryRun) for (const message of suspended) await checkSuspended(engine, message, again);
  return suspended;
}

/** What the same order had stored: the messages are found by their session. */
const storedBefore = ({ made }: Reprocessed, sessionId: number): Reprocessed => ({
  sessionId,
  messageId: sessionId,
  made: made.map((one) => ({ ...one, messageId: sessionId })),
});

/** Everything that today's rules and transforms make of the original. */
function routed(
  { bodies }: Engine,
  director: Director,
  {
    request: { original, bodyRef, targets, order },
    bytes,
    sessionId,
  }: { readonly request: Reprocess; readonly bytes: Uint8Array; readonly sessionId: number },
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
    replyTo: undefined,
    resendOf: undefined,
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

/** A message goes where its service sends now; one that did not come through a service, where it went before. */
function wayOf({ services, name }: Definition, { source, target }: Envelope): readonly string[] {
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
    target(name) {
      const target = wiring.target(name);
      const process = processes.get(name);
      const isRouter = process !== undefined && process.rules.length > 0;
      if (target.kind === 'inline' || !isRouter || targets.includes(name)) return target;
      return { kind: 'inline', name, process: director.process(name) };
    },
  };
}

/** The legs to the chosen hosts, those that led to them, and everything that a chosen process makes. */
function chosenLegs(legs: readonly Leg[], targets: readonly string[]): readonly Leg[] {
  const byId = new Map(legs.map((leg) => [leg.message.id, leg]));
  const pathOf = (leg: Leg): readonly Leg[] => {
    const parent = byId.get(leg.message.parentId ?? 0);
    return parent === undefined ? [leg] : [...pathOf(parent), leg];
  };
  const isChosen = ({ message }: Leg): boolean => targets.includes(message.target);
  const chosen = legs.filter((leg) => pathOf(leg).some(isChosen));
  const failed = chosen.find(({ settled }) => settled?.status === 'suspended');
  const missing = targets.filter(
    (target) => !chosen.some(({ message }) => message.target === target),
  );
  const failure = failureOf(failed === undefined ? legs : [failed]);
  if (failure !== undefined && (failed !== undefined || missing.length > 0))
    throw new EngineError(
      failure.code as 'TRANSFORM_FAILED',
      `at ${failure.host}, still: ${failure.text}`,
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
