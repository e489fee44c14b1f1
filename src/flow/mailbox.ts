import { changeEntry, type Keyed, type KeyedPlace } from '../broker/keyed.ts';

/** A message whose process waits for another one. */
export interface Waiter {
  readonly message: number;
  /** Its step, under which it finds what it received. */
  readonly step: string;
  /** What must be true of the other one, as it was written; undefined for nothing. */
  readonly when: string | undefined;
  readonly until: number;
}

/** A message that was given to a waiter, until that is stored there. */
export interface GivenMessage {
  readonly id: number;
  readonly step: string;
  readonly to: number;
}

/** A message that came before anybody waited for it. */
export interface Early {
  readonly id: number;
  readonly until: number;
}

/** The entry of a process and key. Each message is in it at most once, so that only one waiter gets it. */
export interface Mailbox {
  /** Whoever waits longest comes first. */
  readonly waiters: readonly Waiter[];
  readonly given: readonly GivenMessage[];
  readonly early: readonly Early[];
}

export const mailPlace = (host: string, key: string): KeyedPlace => ({ kind: 'mail', host, key });

export interface Offer {
  readonly id: number;
  readonly now: number;
  /** Milliseconds that it waits for a waiter. */
  readonly keep: number;
  readonly fits: (waiter: Waiter) => boolean;
}

/** Milliseconds after which a waiter whose time is over is removed, if it did not do so itself. */
const FORGOTTEN = 86_400_000;

/** The entry after a message came, or came back; the same object if it changes nothing. */
export function withOffer(before: Mailbox, { id, now, keep, fits }: Offer): Mailbox {
  if (before.given.some((one) => one.id === id)) return before;
  const waiter = before.waiters.find((one) => one.until > now && fits(one));
  const others = before.early.filter((one) => one.id !== id);
  if (waiter !== undefined) {
    return {
      waiters: before.waiters.filter((one) => one !== waiter),
      given: [...before.given, { id, step: waiter.step, to: waiter.message }],
      early: others,
    };
  }
  const known = before.early.find((one) => one.id === id);
  if (known !== undefined) return known.until > now ? before : { ...before, early: others };
  return keep > 0 ? { ...before, early: [...others, { id, until: now + keep }] } : before;
}

/** The entry with a waiter, unless it waits already or has been given something. */
export function withWaiter(before: Mailbox, waiter: Waiter): Mailbox {
  const isKnown = [...before.waiters, ...before.given].some(({ step }) => step === waiter.step);
  return isKnown ? before : { ...before, waiters: [...before.waiters, waiter] };
}

const never = (): boolean => false;

/** The entry without some of its parts; the same object if there are none. */
export function withoutMail(
  before: Mailbox,
  drop: {
    readonly waiter?: (waiter: Waiter) => boolean;
    readonly given?: (given: GivenMessage) => boolean;
    readonly early?: (early: Early) => boolean;
  },
): Mailbox {
  const { waiter = never, given = never, early = never } = drop;
  const after: Mailbox = {
    waiters: before.waiters.filter((one) => !waiter(one)),
    given: before.given.filter((one) => !given(one)),
    early: before.early.filter((one) => !early(one)),
  };
  return sizeOf(after) === sizeOf(before) ? before : after;
}

const sizeOf = ({ waiters, given, early }: Mailbox): number =>
  waiters.length + given.length + early.length;

export const isForgotten =
  (now: number) =>
  ({ until }: Waiter): boolean =>
    until + FORGOTTEN < now;

const NOTHING: Mailbox = { waiters: [], given: [], early: [] };

/** See `changeEntry`. */
export const changeMailbox = (
  keyed: Pick<Keyed, 'read' | 'replace'>,
  place: KeyedPlace,
  change: (before: Mailbox) => Mailbox,
): Promise<Mailbox> =>
  changeEntry(keyed, place, (before = NOTHING) => {
    const after = change(before);
    return { after, isEmpty: sizeOf(after) === 0 };
  });
