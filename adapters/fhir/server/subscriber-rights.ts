import { isTold, type LentInbound, pause, unless } from 'waybill/adapter';
import type { Authority } from '../authority/authority.ts';
import type { FhirInValues, fhirInSettings } from '../fhir-in-settings.ts';
import { maySubscribe } from '../smart-scope.ts';
import { type Subscription, Subscriptions } from '../subscription/subscriptions.ts';

/** Milliseconds between two looks at whether sign-ins last. */
const ROUND = 10_000;
/** Every so many of them the people behind the sign-ins are asked for, too: they may be in a directory. */
const WHOLE = 6;
/** For how long another engine may have a newer definition than this one. */
const NEWER = 600_000;

type LentHere = LentInbound<typeof fhirInSettings>;

/**
 * Judges again and again whether those who subscribed through this service still might: a key or application that was
 * taken out, a sign-in that was revoked, a person who may no longer sign in or see so much. Whoever may not is switched
 * off, before the next notification.
 */
export class SubscriberRights {
  readonly #lent: LentHere;
  readonly #authority: Authority | undefined;
  readonly #subscriptions: Subscriptions;
  readonly #opened = Date.now();
  readonly #ending = new AbortController();
  #woken = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(
    lent: LentHere,
    records: NonNullable<LentHere['records']>,
    authority: Authority | undefined,
  ) {
    this.#lent = lent;
    this.#authority = authority;
    this.#subscriptions = new Subscriptions(records(lent.settings.subscriptions), lent.signal);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** A sign-in has just been ended. */
  soon(): void {
    this.#woken.abort();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const ends = AbortSignal.any([this.#lent.signal, this.#ending.signal]);
    let isWhole = true;
    for (let round = 1; !ends.aborted; round++) {
      this.#woken = new AbortController();
      // the next round judges whom this one could not
      await this.#round(isWhole, ends).catch(unless(isTold, 'judging subscribers'));
      await pause(ROUND, AbortSignal.any([ends, this.#woken.signal]));
      isWhole = this.#woken.signal.aborted || round % WHOLE === 0;
    }
  }

  async #round(isWhole: boolean, ends: AbortSignal): Promise<void> {
    const { host } = this.#lent;
    for (const one of (await this.#subscriptions.all()).values()) {
      if (ends.aborted) return;
      if (one.status === 'off' || one.proof?.service !== host) continue;
      // of whom nothing can be known now nothing is said
      const may = await this.#may(one, isWhole).catch(unless(isTold, 'judging a subscriber'));
      if (may === false) await this.#end(one);
    }
  }

  async #end({ id, owner, versionId }: Subscription): Promise<void> {
    const after = await this.#subscriptions.change(id, (before) =>
      // one that was made anew meanwhile was judged then
      before.versionId === versionId && before.status !== 'off'
        ? { ...before, status: 'off', error: NO_LONGER }
        : before,
    );
    if (after?.error !== NO_LONGER) return;
    const text = `Subscription ${id} of ${owner} is over: its owner may no longer have it.`;
    this.#lent.event('warn', 'subscription-ended', text, owner);
  }

  async #may(one: Subscription, isWhole: boolean): Promise<boolean> {
    const { proof, owner, criteria } = one;
    const isNewer = this.#isNewer(one);
    const types = isNewer ? [] : criteria.map(({ type }) => type);
    const { grant } = proof ?? {};
    if (grant !== undefined) {
      const authority = this.#authority?.knows(grant.client) === true ? this.#authority : undefined;
      return authority?.mayStill({ subject: owner, ...grant }, types, isWhole) ?? isNewer;
    }
    return isNewer || this.#isListed(one, types);
  }

  async #isListed({ proof, owner }: Subscription, types: readonly string[]): Promise<boolean> {
    for (const entry of this.#lent.settings.callers) {
      if (entry?.kind !== proof?.kind || entry === undefined) continue;
      if ((await this.#isOf(entry, owner)) && this.#permits(entry, types)) return true;
    }
    return false;
  }

  /** Let in after these settings were read: if these do not permit it, another engine has already got newer ones. */
  #isNewer({ proof }: Subscription): boolean {
    const at = proof?.at ?? 0;
    return at > this.#opened && Date.now() - at < NEWER;
  }

  /** Whether an entry of `callers` is about somebody; of whom another server vouches, only that it still may. */
  async #isOf({ kind, credentials }: Entry, owner: string): Promise<boolean> {
    if (kind === 'api-key' || kind === 'hmac') return credentials.includes(owner);
    if (kind !== 'basic') return true;
    const found = await Promise.all(credentials.map((name) => this.#lent.credential(name)));
    return found.some((one) => one.kind === 'basic' && one.user === owner);
  }

  /** Whether what an entry grants is enough to subscribe; what a token grants beside it is not known any more. */
  #permits({ kind, grants }: Entry, types: readonly string[]): boolean {
    if (kind === 'bearer') return true;
    const { scopes, smart } = this.#lent.settings;
    const own = scopes.filter(({ interaction }) => interaction === 'create');
    const needed = own.length > 0 ? own : scopes.filter(({ interaction }) => interaction === '*');
    return (
      needed.every((one) => one.scopes.every((scope) => grants.includes(scope))) &&
      types.every((type) => maySubscribe(grants, type, { isSmart: smart !== undefined }))
    );
  }
}

type Entry = NonNullable<FhirInValues['callers'][number]>;

const NO_LONGER = 'Its owner may no longer have it.';
