import { randomUUID } from 'node:crypto';
import type { Broker } from '../broker/broker.ts';
import { askControl } from '../control/control.ts';
import type {
  NotResent,
  PartPath,
  ReplayOrder,
  Reprocess,
  Reprocessed,
  ReprocessOrder,
  Resend,
  ResendOrder,
  Resent,
} from '../control/orders.ts';
import { ENGINE } from '../control/verbs.ts';
import { EngineError, isEngineError } from '../error/engine-error.ts';
import { type Envelope, envelopeOf } from '../message/envelope.ts';
import { STATUSES } from '../message/status.ts';
import type { TraceReader } from '../trace/trace-store.ts';
import type { StoredBody, TracedMessage } from '../trace/traced-message.ts';

/** An order to an engine, with the body of its message. */
export interface WithBody<Request> {
  readonly request: Request;
  readonly body: Uint8Array;
}

/** Sends a traced message again as a new session linked to it, edited or as stored; see the engine's `resend`. */
export async function resendTraced(
  broker: Broker,
  reader: TraceReader,
  order: ResendOrder,
  edited?: Uint8Array,
): Promise<Resent> {
  const { request, body, waitsFor } = await resendRequest(reader, order, edited);
  const sent = await askControl(broker, ENGINE.resend, request, { body });
  return { ...sent, of: order.id, ...(waitsFor !== undefined && { waitsFor }) };
}

const isWaiting = ({ status }: TracedMessage): boolean =>
  status === 'queued' || status === 'retrying';

/** What the engine is asked for a resend. */
export async function resendRequest(
  reader: Pick<TraceReader, 'message' | 'body'>,
  order: ResendOrder,
  edited?: Uint8Array,
): Promise<WithBody<Resend> & Pick<Resent, 'waitsFor'>> {
  const message = await reader.message(order.id);
  if (message === undefined) {
    throw new EngineError('NOT_FOUND', `there is no message ${order.id} in the trace`);
  }
  const stored = edited === undefined ? await reader.body(order.id) : undefined;
  if (edited === undefined && stored === undefined) {
    throw new EngineError(
      'NOT_FOUND',
      `the body of message ${order.id} is not in the trace: not yet, or no longer`,
    );
  }
  return {
    request: {
      message: repeated(message),
      to: order.to,
      bodyRef: stored?.bytes === undefined ? stored?.ref : undefined,
      suspended: message.status === 'suspended',
      by: order.by,
      reason: order.reason,
      order: order.order,
      knowing: order.knowing,
    },
    body: edited ?? stored?.bytes ?? new Uint8Array(0),
    ...(isWaiting(message) && { waitsFor: message.target }),
  };
}

/** What a resent message keeps. Its new session has its own trace, without the sender's. */
const repeated = (message: TracedMessage): Envelope => ({
  ...envelopeOf(message),
  traceparent: undefined,
});

/**
 * Processes the original of a message again with today's rules and transforms, and sends only what
 * goes to the chosen targets. What it replaces is linked, and settled if suspended; see the
 * engine's `reprocess`.
 */
export async function reprocessTraced(
  broker: Broker,
  reader: TraceReader,
  order: ReprocessOrder,
): Promise<Reprocessed & Resent> {
  const { request, body } = await reprocessRequest(reader, order);
  return { ...(await askControl(broker, ENGINE.reprocess, request, { body })), of: order.id };
}

/** What the engine is asked to process again. */
export async function reprocessRequest(
  reader: TraceReader,
  order: ReprocessOrder,
): Promise<WithBody<Reprocess>> {
  const { id, by, reason, knowing, dryRun = false } = order;
  const message = await reader.message(id);
  if (message === undefined) {
    throw new EngineError('NOT_FOUND', `there is no message ${id} in the trace`);
  }
  const original = await originalOf(reader, message);
  const targets = order.targets ?? (dryRun ? undefined : [message.target]);
  const replaced = await replacedBy(reader, message, { original, targets: targets ?? [] });
  if (!dryRun) checkEnded(replaced);
  const stored = await bodyOf(reader, original.id);
  // the messages of one session have one original, which an order processes once, each part alone
  const part = await partPath(reader, message);
  const named = order.order && nameOf(order.order, { original, targets, part });
  return {
    request: {
      original: repeated(original),
      bodyRef: stored.bytes === undefined ? stored.ref : undefined,
      targets,
      part: part.length === 0 ? undefined : part,
      replaces: replaced.map((one) => ({
        message: { id: one.id, sessionId: one.sessionId, target: one.target },
        suspended: one.status === 'suspended',
      })),
      by,
      reason,
      order: named,
      knowing,
      dryRun,
    },
    body: stored.bytes ?? new Uint8Array(0),
  };
}

async function bodyOf(reader: TraceReader, id: number): Promise<StoredBody> {
  const stored = await reader.body(id);
  if (stored !== undefined) return stored;
  throw new EngineError(
    'NOT_FOUND',
    `the body of the original, message ${id}, is not in the trace: not yet, or no longer`,
  );
}

/** The longest chain of resends of resends; nobody makes more. */
const LINKS = 50;

/**
 * The message, received by a service or sent by a person, from which this one came, through any number of resends. What
 * a process sent to itself is its own original: it is what was left to do, and others got theirs before.
 */
export async function originalOf(
  reader: Pick<TraceReader, 'message' | 'session'>,
  message: TracedMessage,
): Promise<TracedMessage> {
  let at = message;
  for (let link = 0; link < LINKS; link++) {
    const all = (await reader.session(at.sessionId))?.messages ?? [];
    const { parentId, target } = at;
    if (all.some(({ id, target: from }) => id === parentId && from === target)) return at;
    const first = all[0];
    if (first === undefined) break;
    if (first.resendOf === undefined) return first;
    const before = await reader.message(first.resendOf);
    if (before === undefined) break;
    at = before;
  }
  throw new EngineError(
    'NOT_FOUND',
    `the original of message ${message.id} is no longer in the trace: resend its stored body instead`,
  );
}

function nameOf(
  order: string | number,
  {
    original: { id },
    targets = [],
    part,
  }: {
    readonly original: TracedMessage;
    readonly targets: readonly string[] | undefined;
    readonly part: PartPath;
  },
): string {
  const which = part.map((one) => `-${one.part}`).join('');
  return `${order}-${id}-${targets.join('_')}${which}`;
}

/** Splits within splits. */
const DEEPEST = 20;

/** Which part of its session's first message it belongs to, if that was split; the others are not processed again. */
async function partPath(
  reader: Pick<TraceReader, 'message'>,
  message: TracedMessage,
): Promise<PartPath> {
  const path: PartPath[number][] = [];
  let at: TracedMessage | undefined = message;
  for (let depth = 0; depth < DEEPEST && at !== undefined; depth++) {
    const { branch, sessionId } = at;
    if (branch === undefined || branch === sessionId) break;
    const root = await reader.message(branch);
    at = root?.parentId === undefined ? undefined : await reader.message(root.parentId);
    path.unshift(...partOf(root, at));
  }
  return path;
}

/** What begins a branch and is not a part of a split has the numbers of what it was made from. */
function partOf(root: TracedMessage | undefined, from: TracedMessage | undefined): PartPath {
  const { part, parts } = root ?? {};
  if (part === undefined || parts === undefined) return [];
  return part === from?.part && parts === from.parts ? [] : [{ part, parts }];
}

/** What went to the targets in the message's own session, otherwise in that of the original; of a part, the same part. */
async function replacedBy(
  reader: TraceReader,
  message: TracedMessage,
  { original, targets }: { readonly original: TracedMessage; readonly targets: readonly string[] },
): Promise<readonly TracedMessage[]> {
  const { sessionId, part, parts } = message;
  const read = (await reader.session(sessionId))?.messages ?? [];
  // a large session is only read in part
  const own = read.some(({ id }) => id === message.id) ? read : [...read, message];
  const first =
    original.sessionId === sessionId ? own : (await reader.session(original.sessionId))?.messages;
  return targets.flatMap((target) => {
    const to = (one: TracedMessage): boolean =>
      one.target === target && one.part === part && one.parts === parts;
    return own.some(to) ? own.filter(to) : (first ?? []).filter(to);
  });
}

function checkEnded(messages: readonly TracedMessage[]): void {
  const open = messages.find(isWaiting);
  if (open === undefined) return;
  throw new EngineError(
    'NOT_FOUND',
    `message ${open.id} still waits for ${open.target}, which would get it twice: abort it first, or let it be sent`,
  );
}

/** What was not wanted by any rule, or was discarded by a person, is not sent again. */
export const REPLAYED = STATUSES.filter((status) => status !== 'discarded');

/**
 * Sends every message of a time range at one host again, in order, one after another. The list is frozen page
 * by page before it is sent.
 */
export async function replay(
  broker: Broker,
  reader: TraceReader,
  { host, from, to, into, by, reprocess = false, order: named }: ReplayOrder,
): Promise<readonly (Resent | NotResent)[]> {
  const resent: (Resent | NotResent)[] = [];
  const order = named ?? `replay-${randomUUID()}`;
  const again = (id: number): Promise<Resent | NotResent> => {
    const reason = 'replay';
    if (!reprocess)
      return resendTraced(broker, reader, { id, to: into, by, reason, order: `${order}-${id}` });
    const targets = [into ?? host];
    // a message whose original still fails does not hold up the others
    return reprocessTraced(broker, reader, { id, targets, by, reason, order }).catch(
      (error: unknown) => {
        if (!isEngineError(error) || error.retryable) throw error;
        return { of: id, code: error.code, text: error.message };
      },
    );
  };
  let after: number | undefined;
  for (;;) {
    const { ids, more } = await reader.replayList({ host, from, to, after, status: REPLAYED });
    for (const id of ids) resent.push(await again(id));
    after = ids.at(-1);
    if (!more || after === undefined) return resent;
  }
}
