import {
  createInbox,
  InvalidArgumentError,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
} from '@nats-io/transport-node';
import { EngineError, roomRemedy } from '../error/engine-error.ts';
import { PassingMap } from '../time/passing.ts';
import { describeSize } from '../time/size.ts';
import { PublishWindow } from './publish-window.ts';
import { subscribeSteadily } from './steady-subscription.ts';

/** JetStream's acknowledgement: where the message is stored, or that it already was. */
export interface Stored {
  readonly stream: string;
  readonly sequence: number;
  readonly duplicate: boolean;
}

export interface PublishOptions {
  readonly headers?: MsgHdrs | undefined;
  /** Stored once within the stream's duplicate window. */
  readonly msgID?: string | undefined;
}

export interface Publisher {
  /** Resolves once the message is stored. Rejects with QUEUE_FULL or QUEUE_UNAVAILABLE. */
  publish(subject: string, body: Uint8Array, options?: PublishOptions): Promise<Stored>;
  /** Call it when the connection is lost: what is published after that waits for the next connection. */
  disconnected(): void;
  /**
   * Call it when there is a connection again: publishes, in order, everything unacknowledged. No
   * acknowledgement will arrive for what the lost connection had taken.
   */
  reconnected(): void;
  close(): void;
}

/**
 * How long a message waits while NATS acknowledges nothing of its subject, nor of what was written
 * before it; many at once take longer, one after another.
 */
const TIMEOUT = 5_000;
const SWEEP = 500;
/**
 * How long nothing of a subject may be acknowledged before what waits is written again, since the
 * leader of its stream may be gone.
 */
const PATIENCE = 1_000;
/** More than this between two looks is time in which this thread stood still: what NATS said meanwhile is not read yet. */
const STOOD = 1.5 * SWEEP;
/** How many of a subject are written again in one sweep: what a slow server has not read yet waits in our memory. */
const MOST_AGAIN = 1_000;

interface Waiting {
  readonly subject: string;
  /** Of all that were published on the connection. */
  readonly number: number;
  /** Of the publisher's own clock. */
  since: number;
  /** When it was last written. */
  at: number;
  /** Writes it to the connection, also again; false if nobody waits for it any more, or the connection refused it. */
  readonly write: () => boolean;
  /** How often it was written: more than once if a connection was lost before the acknowledgement arrived. */
  written: number;
  readonly resolve: (stored: Stored) => void;
  readonly reject: (error: Error) => void;
}

export interface PublisherOptions {
  readonly headers: () => MsgHdrs;
  readonly turn: Turn;
  /** Called for each acknowledgement. */
  readonly onStored?: ((stream: string, sequence: number) => void) | undefined;
}

const OF_ACCOUNT = 10_002;
/** JetStream's error codes for a stream, or an account, that has reached its limit. */
const FULL: ReadonlySet<number> = new Set([OF_ACCOUNT, 10_047, 10_077, 10_110]);

/**
 * Publishes to JetStream with one subscription for all acknowledgements and one timer for all
 * timeouts. The client library's own `publish` creates two errors and a timer for each message,
 * which took a sixth of an engine's time. What is published in one turn of the event loop is
 * written at once, in order.
 */
// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export function publisher(
  connection: NatsConnection,
  { headers, turn: writing, onStored }: PublisherOptions,
): Publisher {
  const inbox = createInbox();
  const waiting = new PassingMap<string, Waiting>();
  let count = 0;
  let sweeping: NodeJS.Timeout | undefined;
  let connected = true;
  const window = new PublishWindow();
  // what NATS has acknowledged since the last sweep
  let lowest = Number.POSITIVE_INFINITY;
  // milliseconds in which answers were heard: those in which this thread stood still count for nothing
  let clock = 0;
  let looked = performance.now();
  const heardUntil = (): number => clock + Math.min(performance.now() - looked, STOOD);
  const sweepLater = (): NodeJS.Timeout => {
    clock = heardUntil();
    looked = performance.now();
    return setTimeout(sweep, SWEEP);
  };

  const subscription = subscribeSteadily(connection, `${inbox}.*`, {
    isVital: true,
    hear: (message) => {
      const one = waiting.get(message.subject);
      if (one === undefined) return;
      waiting.delete(message.subject);
      lowest = Math.min(lowest, one.number);
      window.left(one);
      settle(one, message, onStored);
    },
  });

  let heads: Heads = new Map();
  const sweep = (): void => {
    const now = heardUntil();
    const found: Heads = new Map();
    for (const [address, one] of waiting) {
      if (now - one.since < PATIENCE) break;
      const head =
        found.get(one.subject) ?? headOf(heads.get(one.subject), address, one, { now, lowest });
      found.set(one.subject, head);
      const still = now - head.since;
      if (still >= TIMEOUT && now - one.since >= TIMEOUT) {
        waiting.delete(address);
        window.left(one);
        one.reject(unavailable(one.subject, 'no acknowledgement in time'));
      } else {
        head.address ??= address;
        if (still < PATIENCE || now - one.at < PATIENCE) continue;
        if (head.again >= MOST_AGAIN || !window.has(one)) continue;
        head.again += 1;
        one.write();
      }
    }
    heads = found;
    lowest = Number.POSITIVE_INFINITY;
    sweeping = waiting.size === 0 ? undefined : sweepLater();
  };

  return {
    publish(subject, body, { headers: given, msgID } = {}) {
      const number = count++;
      const address = `${inbox}.${number}`;
      const head = msgID === undefined ? given : (given ?? headers());
      if (msgID !== undefined) head?.set('Nats-Msg-Id', msgID);
      const write = (): boolean => {
        const one = waiting.get(address);
        if (one === undefined) return false;
        one.written += 1;
        one.at = heardUntil();
        try {
          connection.publish(subject, body, {
            reply: address,
            ...(head === undefined ? {} : { headers: head }),
          });
        } catch (error) {
          waiting.delete(address);
          one.reject(unavailable(subject, refusal(connection, error)));
          return false;
        }
        return true;
      };
      return new Promise((resolve, reject) => {
        sweeping ??= sweepLater();
        const since = heardUntil();
        const one = { subject, number, since, at: since, write, written: 0, resolve, reject };
        waiting.set(address, one);
        // without a connection the client would drop data, or send it out of order
        writing.atEnd(() => {
          if (connected) window.add(one);
        });
      });
    },
    disconnected() {
      connected = false;
      window.clear();
    },
    reconnected() {
      // what was published in this turn is written below, with all the others, and not once more
      writing.finish();
      connected = true;
      const since = heardUntil();
      for (const one of waiting.values()) {
        one.since = since;
        window.add(one);
      }
    },
    close() {
      clearTimeout(sweeping);
      subscription.unsubscribe();
      for (const one of waiting.values())
        one.reject(unavailable(one.subject, 'the engine is stopping'));
      waiting.clear();
      window.clear();
    },
  };
}

/** Of a subject, what waits longest. */
interface Head {
  /** Undefined while those before it are given up. */
  address: string | undefined;
  /** Since when it is that one, on the publisher's own clock. */
  readonly since: number;
  /** How many of the subject were written again in this sweep. */
  again: number;
}

type Heads = Map<string, Head>;

/**
 * NATS has acknowledged something meanwhile: of this subject, so that something else waits longest
 * now, or what was written before it to other subjects, such as the other targets of one message:
 * a server takes what a connection writes one after another.
 */
function headOf(
  before: Head | undefined,
  address: string,
  one: Waiting,
  { now, lowest }: { readonly now: number; readonly lowest: number },
): Head {
  const moved = before?.address !== undefined && before.address !== address;
  const since = moved || lowest < one.number ? now : Math.max(before?.since ?? 0, one.since);
  return { address: undefined, since, again: 0 };
}

function settle(
  { subject, written, resolve, reject }: Waiting,
  message: Msg,
  onStored: PublisherOptions['onStored'],
): void {
  if (message.data.byteLength === 0) return reject(unavailable(subject, 'no stream accepts it'));
  const answer = message.json<{
    stream?: string;
    seq?: number;
    duplicate?: boolean;
    error?: { err_code?: number; description?: string };
  }>();
  if (answer.error === undefined) {
    // after two writes the "duplicate" is most likely this same message
    const duplicate = answer.duplicate === true && written < 2;
    const { stream = '', seq: sequence = 0 } = answer;
    onStored?.(stream, sequence);
    return resolve({ stream, sequence, duplicate });
  }
  const { err_code = 0, description = '' } = answer.error;
  reject(
    // after two writes the first may be stored anyway: the caller must not treat it as refused
    written < 2 && (FULL.has(err_code) || /maximum|insufficient/.test(description))
      ? full(subject, err_code, description)
      : unavailable(subject, description),
  );
}

/** Why the client wrote nothing; its own text quotes nothing of a message. */
function refusal({ info }: NatsConnection, error: unknown): string {
  if (error instanceof InvalidArgumentError && error.message.includes('max_payload')) {
    const most = describeSize(info?.max_payload ?? 0);
    return `it is larger than NATS takes (max_payload ${most}). Set max_payload of the server to 4MB, which Waybill needs`;
  }
  return `the connection refused it (${error instanceof Error ? error.name : 'unknown'})`;
}

/** The queue's name for people: the host in `wb.production.q.host`. */
const queueOf = (subject: string): string => {
  const [, , kind = '', ...rest] = subject.split('.');
  return kind === 'q' ? `the queue of ${rest[0] ?? ''}` : `stream ${kind}`;
};

/** NATS says so of its own limits, and of a disk that is full or cannot be written. */
function full(subject: string, code: number, description: string): EngineError {
  if (code === OF_ACCOUNT) {
    const text = `${queueOf(subject)} cannot be written: the account of NATS holds as much as it may (${description}). Raise its limit (max_file), or remove what else is stored in it`;
    return new EngineError('QUEUE_FULL', text, { retryable: true });
  }
  const why = description.includes('maximum')
    ? 'has reached its limit; start or repair its host, or raise settings.queueLimit'
    : `cannot be written by NATS: ${description}. ${roomRemedy(description) ?? 'Free or repair its disk'}`;
  return new EngineError('QUEUE_FULL', `${queueOf(subject)} ${why}`, { retryable: true });
}

function unavailable(subject: string, why: string): EngineError {
  return new EngineError('QUEUE_UNAVAILABLE', `${queueOf(subject)} could not be written: ${why}`, {
    retryable: true,
  });
}

/** What one connection writes in the current turn of the event loop. */
export interface Turn {
  /** Runs the actions, in order, when the turn ends. An action must not throw. */
  atEnd(action: () => void): void;
  /** Runs the waiting actions now. */
  finish(): void;
}

/**
 * Collects what a connection has to write, and writes it at the end of the turn. The client writes
 * to its socket once for everything published together, and such a write costs more CPU time than
 * the rest of a publish; under load a turn handles many messages.
 */
export function turn(): Turn {
  let waiting: (() => void)[] = [];
  const finish = (): void => {
    const actions = waiting;
    waiting = [];
    for (const action of actions) action();
  };
  return {
    atEnd(action) {
      if (waiting.push(action) === 1) setImmediate(finish);
    },
    finish,
  };
}
