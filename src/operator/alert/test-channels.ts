import { randomUUID } from 'node:crypto';
import type { ChannelTest } from '../../control/orders.ts';
import { unless } from '../../error/foreseen.ts';
import { pause } from '../../time/pause.ts';
import type { TraceReader } from '../../trace/trace-store.ts';
import type { Engines } from '../engines.ts';
import { isUnanswered } from '../unanswered.ts';
import type { AlertChannel } from './channel/channel.ts';
import type { DeliveryStore } from './delivery-store.ts';
import { type AlertedProduction, type Notifier, outcomeOf } from './notifier.ts';

interface Testing {
  readonly notifier: Notifier;
  readonly engines: Pick<Engines, 'test'>;
  readonly trace: Pick<TraceReader, 'message'>;
  readonly deliveries: DeliveryStore;
}

/** Milliseconds until the message of an operation must have got there. */
const DELIVERED_WITHIN = 20_000;
/** Milliseconds after which a connection test looks for what is wrong. */
const EXAMINED_AFTER = 1_500;
const LOOK = 300;

/**
 * Sends a test to every channel, or to some, and says what keeps it from getting there. An operation that does not
 * deliver is examined step by step.
 */
export async function testChannels(
  parts: Testing,
  {
    about,
    only,
    by,
  }: {
    readonly about: AlertedProduction;
    readonly only?: readonly string[] | undefined;
    readonly by: string;
  },
): Promise<ChannelTest[]> {
  const all = [...parts.notifier.channels(about).values()].filter(
    ({ name }) => only === undefined || only.includes(name),
  );
  return Promise.all(all.map((channel) => testOne(parts, channel, { about, by })));
}

async function testOne(
  parts: Testing,
  channel: AlertChannel,
  { about, by }: { readonly about: AlertedProduction; readonly by: string },
): Promise<ChannelTest> {
  const begun = performance.now();
  const failure = await tried(parts, channel, { about, by });
  const took = Math.round(performance.now() - begun);
  const at = Date.now();
  const { name, kind } = channel;
  const id = await parts.deliveries.claim({
    alert: 0,
    news: 'test',
    step: 0,
    recipient: randomUUID(),
    tried: 0,
    channel: name,
    at,
    state: 'sending',
  });
  if (id !== undefined) {
    const text = failure === undefined ? undefined : `${failure.cause}. ${failure.remedy}`;
    await parts.deliveries.settle(id, {
      state: failure === undefined ? 'delivered' : 'failed',
      text,
    });
  }
  const result = failure === undefined ? 'passed' : 'failed';
  return { channel: name, kind, result, ...failure, took };
}

interface Failure {
  readonly cause: string;
  readonly remedy: string;
}

async function tried(
  { trace, engines }: Testing,
  channel: AlertChannel,
  { about, by }: { readonly about: AlertedProduction; readonly by: string },
): Promise<Failure | undefined> {
  const sent = await channel.send(
    {
      key: `alert.test.${randomUUID()}`,
      state: 'test',
      level: 'warn',
      subject: `${about.title}: a test of ${channel.name}`,
      text: `This is a test by ${by}: alerts of ${about.title} get here.`,
      production: about.name,
      alerts: [],
      link: undefined,
    },
    AbortSignal.timeout(DELIVERED_WITHIN),
  );
  if (!sent.accepted) return { cause: sent.cause, remedy: sent.remedy };
  const { messageId } = sent;
  return messageId === undefined ? undefined : delivered({ trace, engines }, messageId);
}

/** Waits for the outcome of an operation's message; one that takes long is examined meanwhile. */
async function delivered(parts: DeliveredBy, id: number): Promise<Failure | undefined> {
  const until = performance.now() + DELIVERED_WITHIN;
  const examine = performance.now() + EXAMINED_AFTER;
  while (performance.now() < until) {
    const message = await parts.trace.message(id);
    const outcome = message === undefined ? undefined : outcomeOf(message);
    if (outcome?.state === 'delivered') return undefined;
    if (message !== undefined && (outcome !== undefined || performance.now() > examine)) {
      const step = await failedStep(parts.engines, message.target);
      const cause = outcome?.text ?? `message ${id} has not been delivered yet`;
      if (step !== undefined) return { cause: `${cause}; ${step.cause}`, remedy: step.remedy };
      if (outcome !== undefined) return { cause, remedy: LOOK_AT_IT };
    }
    await pause(LOOK);
  }
  return { cause: `message ${id} has not been delivered`, remedy: LOOK_AT_IT };
}

type DeliveredBy = Pick<Testing, 'trace' | 'engines'>;

const LOOK_AT_IT = 'Look at the message in the trace';

/** The step of a connection test that fails says more than the message's outcome. */
async function failedStep(
  engines: Pick<Engines, 'test'>,
  host: string,
): Promise<Failure | undefined> {
  // without an answer there is only what is known
  const steps = await engines.test(host).catch(unless(isUnanswered, 'testing a channel of alerts'));
  const failed = steps?.find(({ result }) => result === 'failed');
  if (failed === undefined) return undefined;
  return {
    cause: `${failed.name}: ${failed.cause ?? 'failed'}`,
    remedy: failed.remedy ?? LOOK_AT_IT,
  };
}
