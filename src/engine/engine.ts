import { randomUUID } from 'node:crypto';
import type { LentLaunches } from '../adapter/launches.ts';
import { type Answers, answers } from '../broker/answers.ts';
import { isAway } from '../broker/away.ts';
import { type Bodies, bodies } from '../broker/bodies.ts';
import type { Broker } from '../broker/broker.ts';
import { type HandOffs, handOffs } from '../broker/hand-offs.ts';
import { type ReservedIds, reservedIds } from '../broker/id-range.ts';
import { type Journal, journal } from '../broker/journal.ts';
import { ensureKeyed, type Keyed, keyed } from '../broker/keyed.ts';
import { freeLeases, type Lease, type Leases, leases } from '../broker/lease.ts';
import { type Orders, orders } from '../broker/orders.ts';
import { type State, state } from '../broker/state.ts';
import { type Steps, steps } from '../broker/steps.ts';
import { ensureProjector, ensureStream } from '../broker/streams.ts';
import { ensureWaitingRoom, type WaitingRoom, waitingRoom } from '../broker/waiting-room.ts';
import { aborted } from '../broker/while-held.ts';
import type { ProductionSettings } from '../definition/definition.ts';
import { background } from '../error/background.ts';
import { EngineError } from '../error/engine-error.ts';
import { tolerate } from '../error/foreseen.ts';
import { type HalfStored, halfStoredLegs } from '../flow/enqueue.ts';
import { type SharedAttempts, sharedAttempts } from '../grant/attempts.ts';
import { lentLaunches } from '../grant/lent-launches.ts';
import { ENGINE_NUMBERS, type IdSource } from '../message/id.ts';
import { Deadline } from '../time/deadline.ts';
import { pause } from '../time/pause.ts';

/** What a running engine has in NATS: its streams, its engine number, its leases. */
export interface Engine extends AsyncDisposable {
  readonly broker: Broker;
  /**
   * The connection for sending: queues are read and outcomes stored on it, so that they do not wait
   * behind the messages being accepted.
   */
  readonly sending: Broker;
  /** 0 to 63, unique among the living engines of the production. */
  readonly number: number;
  readonly ids: IdSource;
  readonly journal: Journal;
  /**
   * The outcomes of messages. It is a separate stream, so that the disk can sync it together with
   * the journal, and an outcome does not wait behind a batch of accepted messages.
   */
  readonly outcomes: Journal;
  readonly bodies: Bodies;
  readonly state: State;
  readonly steps: Steps;
  readonly keyed: Keyed;
  readonly waiting: WaitingRoom;
  readonly orders: Orders;
  readonly leases: Leases;
  readonly answers: Answers;
  readonly halfStored: HalfStored;
  readonly handOffs: HandOffs;
  /** What was tried by users of services that sign in their own. */
  readonly attempts: SharedAttempts;
  /** What its services lend operations of the launches that they take. */
  readonly launches: LentLaunches;
  /** Whether no other engine of this production was running when this one started. */
  readonly sole: boolean;
  /** Whether a previous engine did not end cleanly. */
  readonly afterCrash: boolean;
  /** Whether earlier acknowledgements and outcomes may be lost: the machine lost power, or streams were cut off. */
  readonly uncertain: boolean;
  /** Compares, after a reconnect, what NATS has with what it had acknowledged, and tells what is gone. */
  readonly compare: (broker: Broker) => Promise<boolean>;
  /**
   * Stores what is in progress, then releases everything, within the given milliseconds. What is
   * not stored by then stays in its queue, and the next engine learns that this one did not end
   * cleanly.
   *
   * @param how `unclean` if it may leave something unfinished in any case
   * @returns whether everything was stored
   */
  close(limit?: number, how?: 'clean' | 'unclean'): Promise<boolean>;
}

export interface EngineOptions {
  /** The NATS server was started by this engine, so existing leases are those of dead engines. */
  readonly alone?: boolean;
  /** See `Engine`. */
  readonly uncertain?: boolean;
  /** Called with each revision that this engine writes into the state. */
  readonly stateWritten?: ((revision: number) => void) | undefined;
  readonly compare?: Engine['compare'] | undefined;
}

const JOURNAL_LIMIT = -1;
/** Milliseconds that the end of an engine may take. */
const CLOSING = 10_000;

/** Creates what is missing in JetStream, takes an engine number and reserves message ids. */
// oxlint-disable-next-line max-lines-per-function -- steps in one order, which sharing state across functions would hide
export async function startEngine(
  broker: Broker,
  settings: ProductionSettings,
  { alone = false, uncertain = false, stateWritten, compare }: EngineOptions = {},
): Promise<Engine> {
  const { names } = broker;
  const { duplicateWindow } = settings;
  // each costs round trips to the server, and they do not depend on each other
  const [{ kept, held, number, ids, sole }, sending, stored, done] = await Promise.all([
    placeAmongEngines(broker, { alone, stateWritten }),
    broker.another(),
    bodies(broker),
    steps(broker),
    makeStreams(broker, duplicateWindow),
  ]);
  const waiting = answers(broker, { steps: done, bodies: stored });
  const attempts = sharedAttempts(broker);
  const accepted = journal(broker, names.journal.subject);
  const outcomes = journal(sending, names.outcomes.subject);
  const close: Engine['close'] = async (limit = CLOSING, how = 'clean') => {
    const deadline = new Deadline(limit);
    const flushed = Promise.all([accepted.flush(), outcomes.flush()]);
    const isStored = await deadline.within('storing what the engine has done', flushed, isAway);
    waiting.close();
    done.close();
    attempts.close();
    const released = Promise.all([number.release(isStored ? how : 'unclean'), ids.release()]);
    await deadline.within('freeing the number of the engine', released, isAway);
    await sending.close(deadline.left);
    return isStored;
  };
  return {
    broker,
    sending,
    get number() {
      return number.value;
    },
    ids,
    journal: accepted,
    outcomes,
    bodies: stored,
    state: kept,
    steps: done,
    keyed: keyed(broker),
    waiting: waitingRoom(broker, stored),
    orders: orders(broker),
    leases: held,
    answers: waiting,
    halfStored: halfStoredLegs(),
    handOffs: handOffs(),
    attempts,
    launches: lentLaunches(),
    sole,
    afterCrash: number.takenOver,
    uncertain,
    compare: compare ?? (() => Promise.resolve(true)),
    close,
    [Symbol.asyncDispose]: async () => {
      await close();
    },
  };
}

async function makeStreams(broker: Broker, duplicateWindow: number): Promise<void> {
  const { journal: accepted, outcomes, suspended } = broker.names;
  const make = (stream: string, subjects: string): Promise<unknown> =>
    ensureStream(broker, stream, [subjects], { duplicateWindow, limit: JOURNAL_LIMIT });
  await Promise.all([
    make(accepted.stream, accepted.subject).then(() => ensureProjector(broker, accepted.stream)),
    make(outcomes.stream, outcomes.subject).then(() => ensureProjector(broker, outcomes.stream)),
    make(suspended.stream, suspended.subjects),
    ensureWaitingRoom(broker),
    ensureKeyed(broker),
  ]);
}

/** Creates again what is missing of an engine's streams besides its queues. */
export async function makeAgain({ broker }: Engine, duplicateWindow: number): Promise<void> {
  const [, , made] = await Promise.all([
    state(broker),
    bodies(broker),
    steps(broker),
    makeStreams(broker, duplicateWindow),
  ]);
  made.close();
}

/** The streams that an engine stores into besides its queues. */
export function ownStreams({ names }: Broker): string[] {
  const { journal: accepted, outcomes, suspended, waiting, bodies: large } = names;
  return [
    ...[accepted, outcomes, suspended, waiting, large].map(({ stream }) => stream),
    ...[names.state, names.steps, names.answers, names.keyed].map((bucket) => `KV_${bucket}`),
  ];
}

interface Place {
  readonly kept: State;
  readonly held: Leases;
  readonly number: EngineNumber;
  readonly ids: ReservedIds;
  readonly sole: boolean;
}

async function placeAmongEngines(
  broker: Broker,
  { alone, stateWritten }: Pick<EngineOptions, 'alone' | 'stateWritten'>,
): Promise<Place> {
  const kept = await state(broker);
  if (alone) await freeLeases(kept.kv);
  const held = leases(kept.kv, randomUUID(), stateWritten);
  const [[number, ids], others] = await Promise.all([
    engineNumber(held).then(async (one) => [one, await reservedIds(kept.kv, one.value)] as const),
    held.heldByOthers('engine'),
  ]);
  return { kept, held, number, ids, sole: others.length === 0 };
}

/** An engine's number among the living engines of its production. */
interface EngineNumber {
  /** 0 to 63. Changes if it could not be renewed in time and another engine has taken it. */
  readonly value: number;
  /** Whether its last holder did not end cleanly. */
  readonly takenOver: boolean;
  release(how?: 'clean' | 'unclean'): Promise<void>;
}

const TRIES = 5;
const AGAIN = 1_000;

/** Takes the lowest free number, and another if that is lost. */
export async function engineNumber(held: Leases): Promise<EngineNumber> {
  let { value, lease } = await lowestFree(held);
  const ended = new AbortController();
  const number = {
    value,
    takenOver: lease.takenOver,
    async release(how?: 'clean' | 'unclean') {
      ended.abort();
      await lease.release(how);
    },
  };
  const keep = async (): Promise<void> => {
    for (;;) {
      await aborted(AbortSignal.any([lease.signal, ended.signal]));
      if (ended.signal.aborted) return;
      try {
        const again = await held.take(nameOf(value));
        ({ value, lease } = again === undefined ? await lowestFree(held) : { value, lease: again });
        number.value = value;
      } catch (error) {
        tolerate(error, isAway, 'taking an engine number again');
        await pause(AGAIN, ended.signal);
      }
    }
  };
  background(keep(), 'keeping the number of this engine');
  return number;
}

const nameOf = (value: number): string => `engine.${value}`;

async function lowestFree(held: Leases): Promise<{ value: number; lease: Lease }> {
  let tries = 0;
  for (let value = 0; value < ENGINE_NUMBERS; ) {
    try {
      const lease = await held.take(nameOf(value));
      if (lease !== undefined) return { value, lease };
      value += 1;
    } catch (error) {
      if (!isAway(error) || ++tries === TRIES) throw error;
      await pause(AGAIN);
    }
  }
  throw new EngineError(
    'BROKER_UNAVAILABLE',
    `all ${ENGINE_NUMBERS} engine numbers of this production are taken`,
    { retryable: true },
  );
}
