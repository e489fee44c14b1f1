import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Broker, connectBroker } from '../../src/broker/broker.ts';
import { type SharedAttempts, sharedAttempts } from '../../src/grant/attempts.ts';
import { fixedClock } from '../../src/time/clock.ts';
import { startNats } from '../support/nats.ts';

let nats: Awaited<ReturnType<typeof startNats>>;
let brokers: Broker[];
const clock = fixedClock(Date.UTC(2026, 0, 15));
const now = (): number => clock.now();

beforeAll(async () => {
  nats = await startNats();
  const connect = () => connectBroker({ ...nats, production: 'portal', role: 'engine' });
  brokers = [await connect(), await connect(), await connect()];
});
afterAll(async () => {
  await Promise.all(brokers.map((broker) => broker.close()));
  await nats[Symbol.asyncDispose]();
});

/** What was published by now has been heard by all. */
async function heard(): Promise<void> {
  for (const { connection } of brokers) await connection.flush();
  for (const { connection } of brokers) await connection.flush();
}

async function engines(): Promise<SharedAttempts[]> {
  const all = brokers.map((broker) => sharedAttempts(broker, now));
  await heard();
  return all;
}

test('somebody who guesses at several engines has no more tries than at one', async () => {
  const all = await engines();
  const desks = all.map((one) => one.of('patients'));
  const waits: number[] = [];
  for (let tries = 0; tries < 6; tries++) {
    waits.push(desks[tries % 3]?.tried('Anna', '10.0.0.7') ?? 0);
    await heard();
  }
  expect(waits.map((wait) => wait > 0)).toEqual([false, false, false, true, true, true]);
  // others are not held up: another address, another user, another realm
  expect(desks[2]?.tried('anna', '10.0.0.8')).toBe(0);
  expect(desks[2]?.tried('bert', '10.0.0.7')).toBe(0);
  expect(all[2]?.of('staff').tried('anna', '10.0.0.7')).toBe(0);
  for (const one of all) one.close();
});

test('who gets in at one engine begins anew at all of them', async () => {
  const all = await engines();
  const [here, there] = all.map((one) => one.of('patients'));
  for (let tries = 0; tries < 2; tries++) here?.tried('anna', '10.0.0.9');
  await heard();
  expect(there?.tried('anna', '10.0.0.9')).toBe(0);
  there?.succeeded('anna', '10.0.0.9');
  await heard();
  expect(here?.tried('anna', '10.0.0.9')).toBe(0);
  for (const one of all) one.close();
});

test('an attempt that nobody could check does not count at any engine, and forgives no others', async () => {
  const all = await engines();
  const [here, there] = all.map((one) => one.of('away'));
  for (let tries = 0; tries < 6; tries++) {
    expect(here?.tried('anna', '10.0.0.9')).toBe(0);
    here?.undecided('anna', '10.0.0.9');
    await heard();
  }
  const waits: number[] = [];
  for (let tries = 0; tries < 4; tries++) {
    waits.push(there?.tried('anna', '10.0.0.9') ?? 0);
    await heard();
  }
  expect(waits.map((wait) => wait > 0)).toEqual([false, false, false, true]);
  clock.set(clock.now() + 2_000);
  expect(here?.tried('anna', '10.0.0.9')).toBe(0);
  here?.undecided('anna', '10.0.0.9');
  expect(here?.tried('anna', '10.0.0.9')).toBeGreaterThan(0);
  for (const one of all) one.close();
});

test('each further failure doubles the wait, and a day later it is forgotten', async () => {
  const [one] = await engines();
  const desk = one?.of('doubling');
  const tried = (): number => desk?.tried('anna', '10.0.0.7') ?? 0;
  expect([tried(), tried(), tried()]).toEqual([0, 0, 0]);
  for (const wait of [2_000, 4_000, 8_000]) {
    expect(tried()).toBe(wait);
    clock.set(clock.now() + wait);
    expect(tried()).toBe(0);
  }
  clock.set(clock.now() + 25 * 3_600_000);
  expect([tried(), tried(), tried()]).toEqual([0, 0, 0]);
  one?.close();
});

test('a thousand machines that guess a name lock nobody out where they got in before; a network of IPv6 is one guesser', async () => {
  const all = await engines();
  const [here, there] = all.map((one) => one.of('flooded'));
  here?.tried('anna', '10.0.0.9');
  here?.succeeded('anna', '10.0.0.9');
  for (let n = 0; n < 120; n++) here?.tried('anna', `203.0.113.${n}`);
  await heard();
  for (const desk of [here, there]) {
    expect(desk?.tried('anna', '198.51.100.1')).toBeGreaterThan(0);
    expect(desk?.tried('anna', '10.0.0.9')).toBe(0);
  }
  const waits = Array.from({ length: 35 }, (_, n) => here?.tried(`u${n}`, `2001:db8::${n}`) ?? 0);
  expect(waits.filter((wait) => wait > 0)).toHaveLength(5);
  clock.set(clock.now() + 3_600_000);
  expect(here?.tried('carl', '2001:db8::ffff')).toBe(0);
  for (const one of all) one.close();
});

test('without NATS an engine counts alone', async () => {
  const lost = await connectBroker({ ...nats, production: 'portal', role: 'engine' });
  const alone = sharedAttempts(lost, now);
  await lost.close();
  const desk = alone.of('alone');
  const waits = Array.from({ length: 4 }, () => desk.tried('anna', '10.0.0.7'));
  expect(waits).toEqual([0, 0, 0, 2_000]);
  desk.succeeded('anna', '10.0.0.7');
});
