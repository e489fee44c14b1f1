import { randomBytes } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import type { Grants, IssuedGrant, RefusedGrant } from '../../src/adapter/grants.ts';
import { connectBroker } from '../../src/broker/broker.ts';
import { ensureKeyed, type Keyed, keyed } from '../../src/broker/keyed.ts';
import { grants } from '../../src/grant/grants.ts';
import { fixedClock } from '../../src/time/clock.ts';
import { startNats } from '../support/nats.ts';

const HOUR = 3_600_000;
const LIMITS = { idle: 8 * HOUR, absolute: 12 * HOUR, grace: 10_000 };

/** Two engines of a production, with one clock. */
async function engines(): Promise<{
  readonly clock: ReturnType<typeof fixedClock>;
  of(engine: 0 | 1, realm?: string): Grants;
  /** Everything that NATS holds of it. */
  held(): Promise<string>;
  restart(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const nats = await startNats();
  const clock = fixedClock(Date.UTC(2026, 0, 15));
  const production = `p-${randomBytes(4).toString('hex')}`;
  const connect = () => connectBroker({ ...nats, production, role: 'engine' });
  let brokers = [await connect(), await connect()] as const;
  await ensureKeyed(brokers[0]);
  const stores: [Keyed, Keyed] = [keyed(brokers[0]), keyed(brokers[1])];
  return {
    clock,
    of: (engine, realm = 'portal') =>
      grants({ keyed: stores[engine], realm, limits: LIMITS, clock }),
    async held() {
      const { manager, names } = brokers[0];
      const { state } = await manager.streams.info(`KV_${names.keyed}`);
      let text = '';
      for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
        const one = await manager.streams.getMessage(`KV_${names.keyed}`, { seq });
        text += one === null ? '' : `${one.subject} ${one.string()}\n`;
      }
      return text;
    },
    async restart() {
      await Promise.all(brokers.map((one) => one.close()));
      brokers = [await connect(), await connect()];
      stores.splice(0, 2, keyed(brokers[0]), keyed(brokers[1]));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(brokers.map((one) => one.close()));
      await nats[Symbol.asyncDispose]();
    },
  };
}

const ANNA = { subject: 'anna', claims: { ward: 'W1' } };

function good(given: IssuedGrant | RefusedGrant): IssuedGrant {
  if ('refused' in given) throw new Error(`it was refused: ${given.refused}`);
  return given;
}

test.concurrent('a refresh token gives the next one at another engine and after a restart, and only its hash is stored', async () => {
  await using two = await engines();
  const first = await two.of(0).begin(ANNA);
  expect(first.grant).toMatchObject({ subject: 'anna', claims: { ward: 'W1' } });
  const second = good(await two.of(1).rotate(first.refreshToken));
  expect(second.grant.id).toBe(first.grant.id);
  expect(second.refreshToken).not.toBe(first.refreshToken);
  await two.restart();
  two.clock.set(two.clock.now() + HOUR);
  const third = good(await two.of(0).rotate(second.refreshToken));
  expect(await two.of(1).find(first.grant.id)).toEqual(first.grant);
  const held = await two.held();
  for (const { refreshToken } of [first, second, third]) {
    for (const part of refreshToken.split('.')) expect(held).not.toContain(part);
  }
});

test.concurrent('a token that comes again shortly after gives the same next one; later it ends the grant', async () => {
  await using two = await engines();
  const first = await two.of(0).begin(ANNA);
  const answers = await Promise.all(
    ([0, 1, 0, 1, 0, 1] as const).map((engine) => two.of(engine).rotate(first.refreshToken)),
  );
  const [second, ...others] = answers.map(good).map(({ refreshToken }) => refreshToken);
  expect(new Set(others)).toEqual(new Set([second]));
  two.clock.set(two.clock.now() + LIMITS.grace);
  expect(await two.of(1).rotate(first.refreshToken)).toMatchObject({
    refused: 'reused',
    grant: { subject: 'anna' },
  });
  expect(await two.of(0).rotate(second ?? '')).toMatchObject({ refused: 'ended' });
  expect(await two.of(0).find(first.grant.id)).toBeUndefined();
});

test.concurrent('a clock that is set back makes the time of a used token no longer', async () => {
  await using two = await engines();
  const first = await two.of(0).begin(ANNA);
  const second = good(await two.of(0).rotate(first.refreshToken));
  two.clock.set(two.clock.now() - 1_000);
  expect(good(await two.of(1).rotate(first.refreshToken)).refreshToken).toBe(second.refreshToken);
  two.clock.set(two.clock.now() - HOUR);
  expect(await two.of(1).rotate(first.refreshToken)).toMatchObject({ refused: 'reused' });
});

test.concurrent('who knows the id of a grant, or a part of a token, can neither refresh nor end it', async () => {
  await using two = await engines();
  const store = two.of(0);
  const { grant, refreshToken } = await store.begin(ANNA);
  const [, secret = ''] = refreshToken.split('.');
  const stranger = randomBytes(32).toString('base64url');
  for (const forged of [
    `${grant.id}.${stranger}`,
    `${grant.id}.${secret}`,
    secret,
    '',
    '.',
    'a.b',
  ]) {
    expect(await store.rotate(forged)).toEqual({ refused: 'unknown' });
    expect(await store.end({ token: forged })).toBeUndefined();
  }
  expect(await two.of(0, 'other').rotate(refreshToken)).toEqual({ refused: 'unknown' });
  expect(await store.find(grant.id)).toEqual(grant);
});

test.concurrent('a grant ends by its token, by its id, by idleness, and in the end always', async () => {
  await using two = await engines();
  const store = two.of(0);
  const [out, idle, long] = [
    await store.begin(ANNA),
    await store.begin(ANNA),
    await store.begin(ANNA),
  ];
  expect(await two.of(1).end({ token: out.refreshToken })).toEqual(out.grant);
  expect(await store.rotate(out.refreshToken)).toMatchObject({ refused: 'ended' });
  two.clock.set(two.clock.now() + 7 * HOUR);
  const later = good(await store.rotate(long.refreshToken));
  expect(later.expires).toBe(later.grant.until);
  two.clock.set(two.clock.now() + HOUR);
  expect(await store.rotate(idle.refreshToken)).toMatchObject({ refused: 'expired' });
  expect(await store.find(idle.grant.id)).toEqual(idle.grant);
  two.clock.set(two.clock.now() + 4 * HOUR);
  expect(await store.rotate(later.refreshToken)).toMatchObject({ refused: 'expired' });
  expect(await store.find(long.grant.id)).toBeUndefined();
});

test.concurrent('signing out everywhere ends every grant of a person and nobody else, and the next sign-in counts', async () => {
  await using two = await engines();
  const mine = [await two.of(0).begin(ANNA), await two.of(1).begin(ANNA)];
  const other = await two.of(0).begin({ subject: 'berta', claims: {} });
  await two.of(1).endAll('anna');
  for (const { refreshToken, grant } of mine) {
    expect(await two.of(0).rotate(refreshToken)).toMatchObject({ refused: 'ended' });
    expect(await two.of(0).find(grant.id)).toBeUndefined();
  }
  good(await two.of(0).rotate(other.refreshToken));
  const again = await two.of(0).begin(ANNA);
  good(await two.of(1).rotate(again.refreshToken));
});

test.concurrent('what is over is removed, and what is not stays', async () => {
  await using two = await engines();
  const old = await two.of(0).begin(ANNA);
  two.clock.set(two.clock.now() + 6 * HOUR);
  const kept = await two.of(0).begin(ANNA);
  two.clock.set(two.clock.now() + 6 * HOUR);
  await two.of(0).begin(ANNA);
  await vi.waitFor(async () =>
    expect(await two.of(0).rotate(old.refreshToken)).toEqual({ refused: 'unknown' }),
  );
  expect(await two.of(0).find(kept.grant.id)).toEqual(kept.grant);
});

test.concurrent('what may be used once is used once by all engines, also after a restart, and forgotten in time', async () => {
  await using both = await engines();
  const until = both.clock.now() + HOUR;
  const uses = await Promise.all(
    Array.from({ length: 10 }, (_, at) => both.of(at % 2 === 0 ? 0 : 1).once('app 1', until)),
  );
  expect(uses.filter(Boolean)).toHaveLength(1);
  await both.restart();
  expect(await both.of(1).once('app 1', until)).toBe(false);
  expect(await both.of(1).once('app 2', until)).toBe(true);
  expect(await both.of(0, 'another').once('app 1', until)).toBe(true);
  // a mark is no sign-in
  expect(await both.of(0).endWhere(() => true)).toBe(0);
  both.clock.set(both.clock.now() + 2 * HOUR);
  const later = both.of(0);
  await later.begin(ANNA);
  await vi.waitFor(async () => expect(await both.held()).not.toContain('app 2'));
  expect(await later.once('app 1', both.clock.now() + HOUR)).toBe(true);
});
