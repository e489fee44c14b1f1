import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { Grant, GrantLimits, Grants, IssuedGrant, RefusedGrant } from '../adapter/grants.ts';
import { isAway } from '../broker/away.ts';
import type { Keyed, KeyedEntry, KeyedPlace } from '../broker/keyed.ts';
import { background } from '../error/background.ts';
import { EngineError } from '../error/engine-error.ts';
import type { Clock } from '../time/clock.ts';

/** A grant as it is stored: nobody can sign in with what is read there. */
interface Stored {
  readonly subject: string;
  readonly claims: Grant['claims'];
  readonly begun: number;
  readonly until: number;
  /** The era of the subject in which it was begun: `endAll` begins another. */
  readonly era: string;
  /** The hash of the secret that is good now, and until when. */
  readonly hash: string;
  readonly expires: number;
  /** The one before, and how the current one is made from it. */
  readonly before?: { readonly hash: string; readonly at: number; readonly salt: string };
  readonly ended?: boolean;
}

/** What was used once, for as long as it could be used again. */
interface Used {
  readonly until: number;
}

interface Era {
  readonly era: string;
}

/** What a subject has whose grants were never ended all at once. */
const FIRST_ERA = '';
/** How often a change is tried while others change the same grant. */
const TRIES = 50;
/** How often each engine looks for grants that are over. */
const SWEEP_EVERY = 3_600_000;

export interface GrantsOptions {
  readonly keyed: Pick<Keyed, 'read' | 'replace' | 'all'>;
  /** Services with the same realm share their grants: who signs out of one is out of all. */
  readonly realm: string;
  readonly limits: GrantLimits;
  readonly clock: Clock;
}

/** Grants in the bucket for what belongs to a key; every change is by compare-and-set. */
export function grants(options: GrantsOptions): Grants {
  return new StoredGrants(options);
}

class StoredGrants implements Grants {
  readonly #keyed: GrantsOptions['keyed'];
  readonly #realm: string;
  readonly #limits: GrantLimits;
  readonly #clock: Clock;
  #swept = 0;

  constructor({ keyed, realm, limits, clock }: GrantsOptions) {
    this.#keyed = keyed;
    this.#realm = realm;
    this.#limits = limits;
    this.#clock = clock;
  }

  async begin({ subject, claims }: Parameters<Grants['begin']>[0]): Promise<IssuedGrant> {
    this.#sweepSometimes();
    const now = this.#clock.now();
    const token = newToken();
    const until = now + this.#limits.absolute;
    const stored: Stored = {
      subject,
      claims,
      begun: now,
      until,
      era: await this.#eraOf(subject),
      hash: hashOf(token.secret),
      expires: Math.min(until, now + this.#limits.idle),
    };
    const isNew = await this.#keyed.replace(
      this.#placeOf(idOf(token)),
      { value: undefined, revision: 0 },
      stored,
    );
    if (!isNew) throw busy();
    return issued(token, stored);
  }

  async rotate(text: string): Promise<IssuedGrant | RefusedGrant> {
    const token = readToken(text);
    if (token === undefined) return { refused: 'unknown' };
    const id = idOf(token);
    for (let tries = 0; tries < TRIES; tries++) {
      const entry = await this.#read(id);
      const now = this.#clock.now();
      const { value: stored } = entry;
      if (stored === undefined) return { refused: 'unknown' };
      const grant = grantOf(id, stored);
      if (await this.#isEnded(stored)) return { refused: 'ended', grant };
      const hash = hashOf(token.secret);
      const { before } = stored;
      // a clock that was set back must not make the time longer; those of two engines differ by a little
      if (before?.hash === hash && Math.abs(now - before.at) < this.#limits.grace) {
        return issued(nextToken(token, before.salt), stored);
      }
      if (hash !== stored.hash) {
        const isOver = await this.#change(id, entry, { ...stored, ended: true });
        if (isOver) return { refused: 'reused', grant };
        continue;
      }
      if (now >= stored.expires) return { refused: 'expired', grant };
      const next = this.#next(token, stored, now);
      if (await this.#change(id, entry, next.stored)) return issued(next.token, next.stored);
    }
    throw busy();
  }

  #next(
    token: GrantToken,
    stored: Stored,
    now: number,
  ): { readonly token: GrantToken; readonly stored: Stored } {
    const salt = randomBytes(32).toString('base64url');
    const next = nextToken(token, salt);
    return {
      token: next,
      stored: {
        ...stored,
        hash: hashOf(next.secret),
        expires: Math.min(stored.until, now + this.#limits.idle),
        before: { hash: stored.hash, at: now, salt },
      },
    };
  }

  async find(id: string): Promise<Grant | undefined> {
    const { value: stored } = await this.#read(id);
    if (stored === undefined || this.#clock.now() >= stored.until) return undefined;
    return (await this.#isEnded(stored)) ? undefined : grantOf(id, stored);
  }

  async change(id: string, work: Parameters<Grants['change']>[1]): Promise<Grant | undefined> {
    for (let tries = 0; tries < TRIES; tries++) {
      const entry = await this.#read(id);
      const { value: stored } = entry;
      if (stored === undefined || this.#clock.now() >= stored.until) return undefined;
      if (await this.#isEnded(stored)) return undefined;
      const claims = work(stored.claims);
      if (claims === undefined) return grantOf(id, stored);
      const next = { ...stored, claims };
      if (await this.#change(id, entry, next)) return grantOf(id, next);
    }
    throw busy();
  }

  async end(by: Parameters<Grants['end']>[0]): Promise<Grant | undefined> {
    const id = idIn(by);
    if (id === undefined) return undefined;
    for (let tries = 0; tries < TRIES; tries++) {
      const entry = await this.#read(id);
      const { value: stored } = entry;
      if (stored === undefined) return undefined;
      const isOver =
        stored.ended === true || (await this.#change(id, entry, { ...stored, ended: true }));
      if (isOver) return grantOf(id, stored);
    }
    throw busy();
  }

  async endAll(subject: string): Promise<void> {
    const era = randomBytes(9).toString('base64url');
    for (let tries = 0; tries < TRIES; tries++) {
      const place = this.#eraPlace(subject);
      const entry = await this.#keyed.read<Era>(place);
      if (await this.#keyed.replace<Era>(place, entry, { era })) return;
    }
    throw busy();
  }

  async endWhere(isMeant: (grant: Grant) => boolean): Promise<number> {
    let ended = 0;
    for await (const { value, place } of this.#keyed.all<Stored>('grant')) {
      if (place.host !== this.#realm || value.ended === true) continue;
      if (!isMeant(grantOf(place.key, value))) continue;
      if ((await this.end({ id: place.key })) !== undefined) ended += 1;
    }
    return ended;
  }

  async once(what: string, until: number): Promise<boolean> {
    this.#sweepSometimes();
    const place: KeyedPlace = { kind: 'used', host: this.#realm, key: what };
    for (let tries = 0; tries < TRIES; tries++) {
      const entry = await this.#keyed.read<Used>(place);
      if (entry.value !== undefined && entry.value.until > this.#clock.now()) return false;
      if (await this.#keyed.replace<Used>(place, entry, { until })) return true;
    }
    throw busy();
  }

  async #isEnded({ ended, subject, era }: Stored): Promise<boolean> {
    return ended === true || (await this.#eraOf(subject)) !== era;
  }

  async #eraOf(subject: string): Promise<string> {
    const { value } = await this.#keyed.read<Era>(this.#eraPlace(subject));
    return value?.era ?? FIRST_ERA;
  }

  #read(id: string): Promise<KeyedEntry<Stored>> {
    return this.#keyed.read<Stored>(this.#placeOf(id));
  }

  async #change(id: string, before: KeyedEntry<Stored>, after: Stored): Promise<boolean> {
    return (await this.#keyed.replace(this.#placeOf(id), before, after)) !== undefined;
  }

  #placeOf(id: string): KeyedPlace {
    return { kind: 'grant', host: this.#realm, key: id };
  }

  #eraPlace(subject: string): KeyedPlace {
    return { kind: 'era', host: this.#realm, key: subject };
  }

  /** Eras stay: a grant must not come back because its end was forgotten. */
  #sweepSometimes(): void {
    const now = this.#clock.now();
    if (now - this.#swept < SWEEP_EVERY) return;
    this.#swept = now;
    background(this.#sweep(now), 'removing sign-ins that are over', isAway);
  }

  async #sweep(now: number): Promise<void> {
    for (const kind of ['grant', 'used'] as const) {
      for await (const { value, revision, place } of this.#keyed.all<Used>(kind)) {
        if (place.host !== this.#realm || value.until > now) continue;
        await this.#keyed.replace(place, { value, revision }, undefined);
      }
    }
  }
}

function grantOf(id: string, { subject, claims, begun, until }: Stored): Grant {
  return { id, subject, claims, begun, until };
}

function issued(token: GrantToken, stored: Stored): IssuedGrant {
  const { expires } = stored;
  return { grant: grantOf(idOf(token), stored), refreshToken: tokenText(token), expires };
}

function idIn(by: Parameters<Grants['end']>[0]): string | undefined {
  if ('id' in by) return by.id;
  const token = readToken(by.token);
  return token && idOf(token);
}

function busy(): EngineError {
  return new EngineError('QUEUE_UNAVAILABLE', 'too many requests change one sign-in at once', {
    retryable: true,
  });
}

/**
 * A refresh token: which grant it belongs to, and its secret. The first part is secret too; the
 * grant's id is its hash, so who knows the id cannot make a token that looks like an old one, and
 * end the grant with it.
 */
export interface GrantToken {
  readonly root: string;
  readonly secret: string;
}

function newToken(): GrantToken {
  return {
    root: randomBytes(16).toString('base64url'),
    secret: randomBytes(32).toString('base64url'),
  };
}

const tokenText = ({ root, secret }: GrantToken): string => `${root}.${secret}`;

/** Undefined for what cannot be one of ours. */
function readToken(text: string): GrantToken | undefined {
  const [, root, secret] = /^([\w-]{22})\.([\w-]{43})$/.exec(text) ?? [];
  return root === undefined || secret === undefined ? undefined : { root, secret };
}

const idOf = ({ root }: GrantToken): string => hashOf(root).slice(0, 22);

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

/**
 * The token after this one. With the same salt it is the same, so it need not be stored to be given
 * again; who knows the salt alone cannot make it.
 */
function nextToken({ root, secret }: GrantToken, salt: string): GrantToken {
  return { root, secret: createHmac('sha256', salt).update(secret).digest('base64url') };
}
