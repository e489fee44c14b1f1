import { readFileSync } from 'node:fs';
import type { InboundAdapter, OutboundAdapter } from '../../src/adapter/adapter.ts';
import type { Credential, Lent } from '../../src/adapter/index.ts';
import type { Settings } from '../../src/adapter/setting.ts';
import type { Message, Receipt } from '../../src/message/message.ts';
import { lent, outgoing } from '../lent.ts';

/** Something that an adapter and its bare client do with the same peer; either way it is done once for each message. */
export interface Subject {
  readonly what: string;
  /** Done before each turn, and not measured: messages that wait to be taken. */
  readonly prepare?: (messages: number) => Promise<void>;
  readonly bare: (messages: number) => Promise<Spent>;
  readonly adapter: (messages: number) => Promise<Spent>;
  /** The bare client keeps less than the adapter promises: it shows what that costs, and is not judged. */
  readonly isLess?: true;
  /** Messages that the peer can hold. */
  readonly most?: number;
}

/** What the messages of one side took. */
export interface Spent {
  readonly milliseconds: number;
  /** Milliseconds of processor time of this process, and of one in which its driver works; undefined where another one does the work. */
  readonly processor?: number;
}

/** Measures from now on: the time of the clock, and that of the processor. */
export function stopwatch(): () => Required<Spent> {
  const [began, before, drivers] = [performance.now(), process.cpuUsage(), ofDrivers()];
  return () => {
    const milliseconds = performance.now() - began;
    const { user, system } = process.cpuUsage(before);
    // one that has ended meanwhile was that of an earlier subject
    const theirs = [...ofDrivers()].map(([pid, spent]) => spent - (drivers.get(pid) ?? 0));
    return { milliseconds, processor: (user + system) / 1_000 + sum(theirs) };
  };
}

/** Milliseconds of each process in which a driver of ours works, to ten of them. */
function ofDrivers(): ReadonlyMap<string, number> {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim();
  return new Map(children.split(' ').map((pid) => [pid, pid === '' ? 0 : ofDriver(pid)]));
}

function ofDriver(pid: string): number {
  try {
    const isDriver = /(?:sqlite|odbc)-(?:process|child)/.test(
      readFileSync(`/proc/${pid}/cmdline`, 'utf8'),
    );
    if (!isDriver) return 0;
    const after = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(after[11]) + Number(after[12])) * 10;
  } catch {
    // it has ended
    return 0;
  }
}

const sum = (all: readonly number[]): number => all.reduce((one, other) => one + other, 0);

export interface Subjects extends AsyncDisposable {
  readonly subjects: readonly Subject[];
}

/** How many messages are sent at once. */
export const AT_ONCE = 16;

/** Runs work for each number, some of it at once. */
export async function timed(
  messages: number,
  work: (number: number) => Promise<unknown>,
  atOnce = AT_ONCE,
): Promise<Required<Spent>> {
  let next = 0;
  const spent = stopwatch();
  const lane = async (): Promise<void> => {
    while (next < messages) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return spent();
}

/** The store of either side: it accepts everything at once. */
export const kept = (_message?: unknown): Promise<Receipt> =>
  Promise.resolve({ messageId: 1, sessionId: 1, status: 'stored' });

/** A code table is loaded as a whole, a few times; a message is one of its rows. */
export async function loadings(
  messages: number,
  rows: number,
  load: () => Promise<number>,
): Promise<Spent> {
  const times = Math.max(1, Math.round(messages / rows));
  const spent = stopwatch();
  for (let n = 0; n < times; n++) {
    const got = await load();
    if (got !== rows) throw new Error(`${got} of ${rows} rows`);
  }
  const { milliseconds, processor } = spent();
  const share = messages / (times * rows);
  return { milliseconds: milliseconds * share, processor: processor * share };
}

/** What a bare client does with its messages: each is stored, and then acknowledged, in their order. */
export class InTurn {
  #ended: Promise<void> = Promise.resolve();

  take(message: object, acknowledge: () => void): void {
    const before = this.#ended;
    const one = async (): Promise<void> => {
      await before;
      await kept(message);
      acknowledge();
    };
    this.#ended = one();
  }

  get ended(): Promise<void> {
    return this.#ended;
  }
}

/** Counts what is taken: the time is that from the first to the last. */
export class Taken {
  readonly #all = Promise.withResolvers<Spent>();
  readonly #messages: number;
  #seen = 0;
  #watch = stopwatch();

  constructor(messages: number) {
    this.#messages = messages;
  }

  one(): void {
    this.#seen += 1;
    if (this.#seen === 1) this.#watch = stopwatch();
    if (this.#seen === this.#messages) this.#all.resolve(this.#watch());
  }

  fail(error: unknown): void {
    this.#all.reject(error);
  }

  get spent(): Promise<Spent> {
    return this.#all.promise;
  }
}

type Given = Readonly<Record<string, unknown>>;

/** As `lent`, signed in by one credential. */
export const lentTo = <S extends Settings>(
  declared: S,
  given: Given,
  credential: Credential,
): Lent<S> => lent(declared, given, { credential: () => Promise.resolve(credential) });

/** A sender that stays open: connecting is measured on neither side. */
export async function sender<S extends Settings>(
  adapter: OutboundAdapter<S>,
  given: Given,
  credential: Credential,
  more: Partial<Pick<Lent<S>, 'records'>> = {},
): Promise<{
  send(body: Buffer, more?: Partial<Message>): Promise<unknown>;
  close(): Promise<void>;
}> {
  const open = await adapter.open({ ...lentTo(adapter.settings, given, credential), ...more });
  const { signal } = new AbortController();
  let id = 0;
  return {
    send(body, fields) {
      const message = outgoing(body, ++id);
      return open.send(fields === undefined ? message : { ...message, ...fields }, signal);
    },
    close: () => open.close(),
  };
}

/** Opens a service until it has taken as many messages. */
export async function taking<S extends Settings>(
  adapter: InboundAdapter<S>,
  given: Given,
  { credential, messages }: { readonly credential: Credential; readonly messages: number },
): Promise<Spent> {
  const taken = new Taken(messages);
  let memory: string | undefined;
  const open = await adapter.open({
    ...lentTo(adapter.settings, given, credential),
    deliver: async () => {
      taken.one();
      return await kept();
    },
    lost: (reason) => taken.fail(reason),
    memory: {
      read: () => Promise.resolve(memory),
      write: async (value) => {
        memory = value;
      },
    },
  });
  const took = await taken.spent;
  await open.close();
  return took;
}
