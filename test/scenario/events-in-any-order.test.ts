import { expect, test } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { askControl } from '../../src/control/control.ts';
import { type RemoteTrace, remoteTrace } from '../../src/control/remote-trace.ts';
import { PLANE } from '../../src/control/verbs.ts';
import {
  BY_FILE,
  BY_ODD_FILE,
  type EventfulProduction,
  eventfulProduction,
  GOING_ON,
} from '../support/eventful-production.ts';
import { unexplained } from '../support/told-repetitions.ts';
import { whileMoving } from '../support/while-moving.ts';

/**
 * What nobody names: acts on a running production in an order that a seed decides, with two
 * engines, NATS, an operator plane, receivers and people who change it meanwhile. At the end every
 * acknowledged message has arrived or is shown as failed, in order where order is promised, what
 * came twice is shown as tried again or as a possible duplicate, and the trace agrees with the
 * streams.
 *
 * `WAYBILL_EVENTS=60 WAYBILL_SEED=7` for more of them; a failure names its seed and its acts.
 */
const EVENTS = Number(process.env['WAYBILL_EVENTS'] ?? 2);
const SEED = Number(process.env['WAYBILL_SEED'] ?? 20_261_127);

const NAMES = ['first', 'second', 'third'] as const;

/** The numbers of a sender's messages that arrived, in the order of their first arrival. */
function arrivedOf({ received }: EventfulProduction, name: (typeof NAMES)[number], sender: number) {
  const ids = new Set(received[name].map(({ controlId }) => controlId));
  return [...ids]
    .filter((id) => id.startsWith(`${sender}-`))
    .map((id) => Number(id.slice(id.indexOf('-') + 1)));
}

const isAscending = (numbers: readonly number[]): boolean =>
  numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? 0));

/** The first receiver has one line, the second one for each patient, the third what people make of it. */
function linesOf(name: (typeof NAMES)[number], arrived: readonly number[]): (readonly number[])[] {
  if (name === 'third') return [];
  return name === 'first'
    ? [arrived]
    : [0, 1, 2].map((key) => arrived.filter((n) => n % 3 === key));
}

/** Messages that did not arrive, and lines out of order. */
function wrongs(production: EventfulProduction): { missing: string[]; disorder: string[] } {
  const missing: string[] = [];
  const disorder: string[] = [];
  for (const [sender, count] of production.acknowledged) {
    const all = Array.from({ length: count }, (_, n) => n);
    for (const name of NAMES) {
      const arrived = arrivedOf(production, name, sender);
      const have = new Set(arrived);
      const absent = all.filter((n) => !have.has(n));
      missing.push(...absent.map((n) => `${name} ${sender}-${n}`));
      if (sender < BY_FILE && !linesOf(name, arrived).every(isAscending))
        disorder.push(`${name} ${sender}: ${arrived.join(' ')}`);
    }
  }
  return { missing, disorder };
}

/** The missing ones that were owed and that people do not see as refused. */
async function lostOf(
  production: EventfulProduction,
  trace: RemoteTrace,
  missing: readonly string[],
): Promise<string[]> {
  const lost: string[] = [];
  for (const one of missing) {
    const [name, id = ''] = one.split(' ');
    const { items } = await trace.find({ search: { id }, limit: 50 });
    const routed = items.find(({ target }) => target === 'router')?.done;
    const isOwed = routed === undefined || production.wasSentToThird(routed);
    const isRefused = items.some(
      ({ target, status }) => status === 'suspended' && /^(third|renamed)/.test(target),
    );
    if (name !== 'third' || (isOwed && !isRefused)) lost.push(one);
  }
  return lost;
}

/** What is wrong once all is calm: nothing should be. */
async function judged(production: EventfulProduction) {
  await using broker = await connectBroker({
    ...production.nats,
    production: 'events',
    role: 'test',
  });
  const trace = remoteTrace(broker, 'test');
  await whileMoving(async () => {
    const { items } = await trace.find({ status: ['queued', 'retrying'], limit: 1_000 });
    const open = items.filter(({ target }) => target !== 'in');
    return { left: [...open.map(({ id }) => id), ...(await production.filesLeft())] };
  }, GOING_ON);
  const { missing, disorder } = wrongs(production);
  const verified = await askControl(
    broker,
    PLANE.verify,
    { repair: false, by: 'test' },
    { timeout: 60_000 },
  );
  return {
    lost: await lostOf(production, trace, missing),
    disorder,
    unexplained: [
      ...(await unexplained(production.received.first, trace, 'first')),
      ...(await unexplained(production.received.second, trace, 'second')),
    ],
    verified,
  };
}

const NOTHING = { count: 0, ids: [] };

test(`after ${EVENTS} events in an order that seed ${SEED} decides nothing is lost, hidden or out of order`, {
  retry: 0,
  timeout: 300_000 + EVENTS * 20_000,
}, async ({ onTestFailed }) => {
  await using production = await eventfulProduction(SEED);
  // also after the time limit
  onTestFailed(
    () =>
      void process.stderr.write(`after: ${production.told.join('; ')}\n${production.report()}\n`),
  );
  await production.happen(EVENTS);
  await production.calm();
  expect(await judged(production)).toMatchObject({
    lost: [],
    disorder: [],
    unexplained: [],
    verified: {
      behind: 0,
      missing: NOTHING,
      incomplete: NOTHING,
      outcome: NOTHING,
      lost: NOTHING,
      doubled: NOTHING,
    },
  });
  const { [BY_ODD_FILE]: _, ...senders } = Object.fromEntries(production.acknowledged);
  expect(Math.min(...Object.values(senders))).toBeGreaterThan(EVENTS);
});
