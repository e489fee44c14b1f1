import { type AlertSettings, ON_CALL } from '../../access/sign-in/alert-settings.ts';
import { retryDelay } from '../../time/back-off.ts';
import type { Alert } from './alert-store.ts';
import type { AlertDelivery } from './delivery-store.ts';
import { type OnCallOverride, onCallAt } from './on-call.ts';

/** Somebody or something to be told, with the ways there in the order in which they are tried. */
export interface Recipient {
  readonly name: string;
  readonly channels: readonly string[];
}

export interface PlannedStep {
  readonly n: number;
  /** Milliseconds after the first try to tell anybody. */
  readonly after: number;
  readonly level: 'warn' | 'error';
  /** Empty if nobody is on call. */
  readonly recipients: readonly Recipient[];
}

/** The name of the channel for an operation under the production's own `alerts.to`. */
export const ownChannel = (operation: string): string => `operation ${operation}`;

/** Whom an alert goes to, as of now: the production's own operations first, then the steps of `console.yaml`. */
export function plannedSteps(
  settings: AlertSettings,
  to: readonly string[],
  { overrides, now }: { readonly overrides: readonly OnCallOverride[]; readonly now: number },
): PlannedStep[] {
  const recipient = (name: string): Recipient[] => {
    const who = name === ON_CALL ? onCallAt(settings, overrides, now).who : name;
    if (who === undefined) return [];
    return [{ name: who, channels: settings.people[who] ?? [who] }];
  };
  const own = to.map((operation) => ({ name: operation, channels: [ownChannel(operation)] }));
  const steps = settings.steps.map(({ after, to: names, level }, index) => ({
    n: index + 1,
    after,
    level,
    recipients: names.flatMap(recipient),
  }));
  return [
    ...(own.length === 0 ? [] : [{ n: 0, after: 0, level: 'warn', recipients: own } as const]),
    ...steps,
  ];
}

/** Who is told that somebody sees patient data in an emergency; empty if nobody is named for it. */
export function privacySteps({ privacy, people }: AlertSettings): PlannedStep[] {
  if (privacy.length === 0) return [];
  const recipients = privacy.map((name) => ({ name, channels: people[name] ?? [name] }));
  return [{ n: PRIVACY_STEP, after: 0, level: 'warn', recipients }];
}

/** Beyond those of `console.yaml`. */
const PRIVACY_STEP = 100;

/** One thing to do now. */
export interface DueNews extends Pick<AlertDelivery, 'step' | 'recipient' | 'tried' | 'channel'> {}

/** Milliseconds after which what was handed to an operation counts as not delivered. */
export const LATE = 120_000;
/** All ways to somebody failed: they are tried again after a minute, then two, and so on, at most every quarter of an hour. */
const AGAIN = { every: 60_000, backoff: 2, max: 900_000 };

/**
 * Whom an alert that nobody has taken on is to be sent to now. A step is due at its time, and at once if nobody of
 * the step before can be reached.
 *
 * @param deliveries what was tried for this alert before
 */
export function dueNews(
  alert: Pick<Alert, 'rule' | 'object' | 'level'>,
  steps: readonly PlannedStep[],
  { deliveries, now }: { readonly deliveries: readonly AlertDelivery[]; readonly now: number },
): DueNews[] {
  const started = Math.min(now, ...deliveries.map(({ at }) => at));
  const due: DueNews[] = [];
  let reached = true;
  for (const { n, after, level, recipients } of steps) {
    if (level === 'error' && alert.level !== 'error') continue;
    if (reached && now < started + after) break;
    const states = recipients.map((recipient) =>
      stateOf(alert, recipient, { deliveries, now, step: n }),
    );
    due.push(...states.flatMap(({ next }) => (next === undefined ? [] : [next])));
    reached = states.some(({ failed }) => !failed);
  }
  return due;
}

interface RecipientState {
  readonly next?: DueNews | undefined;
  /** Every way was tried, and none got there. */
  readonly failed: boolean;
}

function stateOf(
  { rule, object }: Pick<Alert, 'rule' | 'object'>,
  { name, channels }: Recipient,
  { deliveries, now, step }: { deliveries: readonly AlertDelivery[]; now: number; step: number },
): RecipientState {
  // the failure of a channel is not reported through that channel
  const ways = channels.filter((one) => rule !== 'channel' || one !== object);
  const mine = deliveries.filter((one) => one.step === step && one.recipient === name);
  const last = mine.at(-1);
  if (mine.some(({ state }) => state === 'delivered')) return { failed: false };
  if (last !== undefined && last.state !== 'failed' && now - last.at < LATE)
    return { failed: false };
  const channel = ways[mine.length % Math.max(ways.length, 1)];
  if (channel === undefined) return { failed: true };
  const round = Math.floor(mine.length / ways.length);
  const failed = round > 0;
  if (failed && mine.length % ways.length === 0 && now - (last?.at ?? 0) < retryDelay(AGAIN, round))
    return { failed };
  return { failed, next: { step, recipient: name, tried: mine.length, channel } };
}
