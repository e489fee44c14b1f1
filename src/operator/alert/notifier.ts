import { createHash } from 'node:crypto';
import { maskedText } from '../../access/rights/masked-text.ts';
import type { AlertSettings } from '../../access/sign-in/alert-settings.ts';
import type { ProductionDescription } from '../../control/production-description.ts';
import type { Logger } from '../../log/logger.ts';
import type { TraceReader } from '../../trace/trace-store.ts';
import type { Engines } from '../engines.ts';
import type { Alert, AlertStore } from './alert-store.ts';
import type { AlertChannel, AlertNews, NewsSent } from './channel/channel.ts';
import { inLanguage } from './channel/in-language.ts';
import { openChannels, operationChannel } from './channel/open-channels.ts';
import type { AlertCondition } from './condition.ts';
import type { AlertDelivery, DeliveryStore } from './delivery-store.ts';
import {
  type DueNews,
  dueNews,
  LATE,
  ownChannel,
  type PlannedStep,
  plannedSteps,
  privacySteps,
} from './due-news.ts';
import { type MaintenanceStore, plannedNow } from './maintenance.ts';

export interface NotifierOptions {
  readonly settings: AlertSettings;
  /** The console's address for people. */
  readonly publicUrl: string | undefined;
  readonly engines: Pick<Engines, 'notify'>;
  readonly store: Pick<AlertStore, 'find' | 'lastNotified' | 'notified'>;
  readonly deliveries: DeliveryStore;
  readonly maintenance: Pick<MaintenanceStore, 'after'>;
  readonly trace: Pick<TraceReader, 'message'>;
  readonly log: Logger;
}

/** What the production says about its alerts. */
export type AlertedProduction = Pick<ProductionDescription, 'name' | 'title' | 'alerts'>;

/**
 * Tells people what is wrong and that it is over, one channel after the other until one gets there,
 * and the next people if nobody takes it on. Several planes that share a database tell each thing once.
 */
export interface Notifier {
  tell(open: readonly Alert[], about: AlertedProduction, signal: AbortSignal): Promise<void>;
  /** Notes that those who were told of it are to be told that it is over. */
  over(alert: Alert): Promise<void>;
  /** Sends what is due, and learns what became of what was sent. */
  settle(about: AlertedProduction, signal: AbortSignal): Promise<void>;
  /** Channels that do not get anything to anybody. */
  conditions(about: AlertedProduction): Promise<AlertCondition[]>;
  /** Every channel by name, with those of the production. */
  channels(about: Pick<AlertedProduction, 'alerts'>): ReadonlyMap<string, AlertChannel>;
}

const EVERY = 900_000;
/** More alerts at once for one channel are sent as one. */
const TOGETHER = 5;
/** How many of them are named. */
const NAMED = 30;
/** Milliseconds that somebody is tried to be told that something is over. */
const OVER_FOR = 900_000;
/** Milliseconds after which a plane that was sending counts as ended. */
const SENDING_FOR = 60_000;
const AT_ONCE = 500;

export function notifier(parts: NotifierOptions): Notifier {
  const { settings, engines } = parts;
  const own = openChannels(settings, engines);
  const channels: Notifier['channels'] = ({ alerts }) =>
    new Map(
      [
        ...(alerts?.to ?? []).map((one) => operationChannel(ownChannel(one), one, engines)),
        ...own.values(),
      ].map((one) => [one.name, inLanguage(one, settings.language)]),
    );
  return {
    channels,
    tell: (open, about, signal) =>
      tellOpen(parts, { open, about, signal, channels: channels(about) }),
    async over(alert) {
      const told = (await parts.deliveries.of([alert.id])).filter(
        ({ news, state }) => news === 'open' && (state === 'delivered' || state === 'sent'),
      );
      for (const channel of new Set(told.map((one) => one.channel))) {
        await parts.deliveries.claim({
          alert: alert.id,
          news: 'over',
          step: 0,
          recipient: channel,
          tried: 0,
          channel,
          at: Date.now(),
          state: 'due',
        });
      }
    },
    settle: (about, signal) => settleAll(parts, { about, signal, channels: channels(about) }),
    async conditions(about) {
      const known = channels(about);
      const latest = await parts.deliveries.latest();
      return latest
        .filter(({ channel }) => known.has(channel))
        .flatMap((one) => failingChannel(one, Date.now()));
    },
  };
}

function failingChannel(
  { channel, state, at, text }: AlertDelivery,
  now: number,
): AlertCondition[] {
  const waits = state === 'sent' && now - at > LATE;
  if (state !== 'failed' && !waits) return [];
  const why = waits ? 'it still waits in the queue of its operation' : (text ?? 'it failed');
  return [
    {
      rule: 'channel',
      object: channel,
      host: undefined,
      level: 'error',
      text: `alerts do not get out by ${channel}: ${why}`,
    },
  ];
}

interface Telling {
  readonly about: AlertedProduction;
  readonly channels: ReadonlyMap<string, AlertChannel>;
  readonly signal: AbortSignal;
}

interface DueAlert {
  readonly alert: Alert;
  readonly due: DueNews;
}

async function tellOpen(
  parts: NotifierOptions,
  { open, ...telling }: Telling & { readonly open: readonly Alert[] },
): Promise<void> {
  const { deliveries } = parts;
  const { alerts } = telling.about;
  const now = Date.now();
  const isPlanned = await plannedNow(parts.maintenance, now);
  const waiting = open.filter(
    (alert) =>
      alert.state === 'open' && (alert.snoozed ?? 0) <= now && isPlanned(alert) === undefined,
  );
  if (waiting.length === 0) return;
  const stepsOf = await planned(parts, alerts?.to ?? [], now);
  const made = Map.groupBy(await deliveries.of(waiting.map(({ id }) => id)), (one) => one.alert);
  const due: DueAlert[] = [];
  for (const alert of waiting) {
    const before = (made.get(alert.id) ?? []).filter(({ news }) => news === 'open');
    if (before.length === 0 && (await wasTold(parts, alert, now - (alerts?.every ?? EVERY))))
      continue;
    due.push(
      ...dueNews(alert, stepsOf(alert), {
        deliveries: before,
        now,
      }).map((one) => ({ alert, due: one })),
    );
  }
  await Promise.all(
    [...Map.groupBy(due, (one) => one.due.channel)].map(([channel, mine]) =>
      sendOpen(parts, mine, { ...telling, channel: telling.channels.get(channel) }),
    ),
  );
}

/** The steps of each alert, as of now: an emergency is told to those who watch over privacy, if there are any. */
async function planned(
  { settings, deliveries }: Pick<NotifierOptions, 'settings' | 'deliveries'>,
  to: readonly string[],
  now: number,
): Promise<(alert: Alert) => readonly PlannedStep[]> {
  const steps = plannedSteps(settings, to, { overrides: await deliveries.overrides(now), now });
  const privacy = privacySteps(settings);
  return ({ rule }) => (rule === 'emergency' && privacy.length > 0 ? privacy : steps);
}

/** Whether people were told of the same thing since a time, or of this very alert. */
async function wasTold(
  { store }: Pick<NotifierOptions, 'store'>,
  alert: Alert,
  since: number,
): Promise<boolean> {
  const last = await store.lastNotified(alert);
  return last !== undefined && (last >= alert.first || last > since);
}

async function sendOpen(
  parts: NotifierOptions,
  due: readonly DueAlert[],
  { channel, ...telling }: Telling & { readonly channel: AlertChannel | undefined },
): Promise<void> {
  const { deliveries, store } = parts;
  const claimed: (DueAlert & { readonly id: number })[] = [];
  for (const one of due) {
    const row = {
      alert: one.alert.id,
      news: 'open',
      at: Date.now(),
      state: 'sending',
      ...one.due,
    } as const;
    const id = await deliveries.claim(row);
    if (id !== undefined) claimed.push({ ...one, id });
  }
  const groups =
    new Set(claimed.map(({ alert }) => alert.id)).size > TOGETHER
      ? [claimed]
      : [...Map.groupBy(claimed, ({ alert }) => alert.id).values()];
  let failed: NewsSent | undefined;
  for (const group of groups) {
    const news = openNews(parts, group, telling.about);
    // what fails for one would fail for all
    const sent = failed ?? (await sentBy(channel, news, telling.signal));
    if (!sent.accepted) failed = sent;
    for (const { id, alert } of group) {
      await deliveries.settle(id, settled(sent));
      if (sent.accepted) await store.notified(alert.id, Date.now());
    }
    if (!sent.accepted)
      parts.log.error({ event: 'alert-untold', channel: channel?.name }, 'alert-untold');
  }
}

async function sentBy(
  channel: AlertChannel | undefined,
  news: AlertNews,
  signal: AbortSignal,
): Promise<NewsSent> {
  if (channel !== undefined) return channel.send(news, signal);
  return { accepted: false, cause: 'there is no such channel', remedy: 'Look into console.yaml' };
}

function settled(sent: NewsSent): Parameters<DeliveryStore['settle']>[1] {
  if (!sent.accepted) return { state: 'failed', text: `${sent.cause}. ${sent.remedy}` };
  const { messageId } = sent;
  return messageId === undefined ? { state: 'delivered' } : { state: 'sent', messageId };
}

function openNews(
  { publicUrl }: Pick<NotifierOptions, 'publicUrl'>,
  group: readonly DueAlert[],
  about: AlertedProduction,
): AlertNews {
  const all = [...new Map(group.map(({ alert }) => [alert.id, alert])).values()].map(outside);
  const key = createHash('sha256')
    .update(JSON.stringify(group.map(({ alert, due }) => [alert.id, alert.first, due])))
    .digest('hex');
  const [first] = all;
  const one = all.length === 1 && first !== undefined;
  const what = one ? first.text : `${all.length} alerts`;
  const lines = all
    .slice(0, NAMED)
    .map(({ text, first: since, id, rule }) =>
      one
        ? `${text}\n\nSince ${new Date(since).toISOString()} (alert ${id}, ${rule}).`
        : `${text} (alert ${id})`,
    );
  if (all.length > NAMED) lines.push(`and ${all.length - NAMED} more`);
  return {
    key: `alert.${key.slice(0, 32)}`,
    state: 'open',
    level: all.some(({ level }) => level === 'error') ? 'error' : 'warn',
    subject: `${about.title}: ${what}`.slice(0, 200),
    text: lines.join('\n'),
    production: about.name,
    alerts: all.map(({ id, rule, host, text, first: since }) => ({
      id,
      rule,
      host,
      text,
      first: since,
    })),
    link: linkOf(publicUrl),
  };
}

const linkOf = (publicUrl: string | undefined): string | undefined =>
  publicUrl === undefined ? undefined : `${publicUrl}alerts`;

/** As it may leave the house: a peer's words may quote a message. */
const outside = (alert: Alert): Alert => ({
  ...alert,
  text: maskedText(alert.text, alert.host === undefined ? [] : [alert.host]),
});

async function settleAll(parts: NotifierOptions, telling: Telling): Promise<void> {
  const { deliveries } = parts;
  for (const one of await deliveries.unsettled(AT_ONCE)) {
    if (one.state === 'due') await sendOver(parts, one, telling);
    else if (one.state === 'sent') await learn(parts, one);
    else if (Date.now() - one.at > SENDING_FOR)
      await deliveries.settle(one.id, {
        state: 'failed',
        text: 'the operator plane ended while it sent this',
      });
  }
}

async function sendOver(
  { deliveries, store, publicUrl }: NotifierOptions,
  { id, alert: of, channel, at }: AlertDelivery,
  { about, channels, signal }: Telling,
): Promise<void> {
  const found = await store.find(of);
  if (found === undefined) return deliveries.settle(id, { state: 'failed', text: 'it is gone' });
  const alert = outside(found);
  const { text, first, ended = at, rule, host, level } = alert;
  const [since, until] = [first, ended].map((time) => new Date(time).toISOString());
  const sent = await sentBy(
    channels.get(channel),
    {
      key: `alert.${of}.${channel}.over`,
      state: 'over',
      level,
      subject: `${about.title}: over: ${text}`.slice(0, 200),
      text: `This is over: ${text}\n\nFrom ${since} to ${until} (alert ${of}, ${rule}).`,
      production: about.name,
      alerts: [{ id: of, rule, host, text, first }],
      link: linkOf(publicUrl),
    },
    signal,
  );
  // it is tried again with the next look
  if (!sent.accepted && Date.now() - at < OVER_FOR) return;
  await deliveries.settle(id, settled(sent));
}

/** What became of a message of the production. */
async function learn(
  { deliveries, trace }: Pick<NotifierOptions, 'deliveries' | 'trace'>,
  { id, messageId }: AlertDelivery,
): Promise<void> {
  const message = messageId === undefined ? undefined : await trace.message(messageId);
  const outcome = message === undefined ? undefined : outcomeOf(message);
  if (outcome !== undefined) await deliveries.settle(id, outcome);
}

/** Undefined while it has none. */
export function outcomeOf({
  status,
  error,
  target,
  id,
}: NonNullable<Awaited<ReturnType<TraceReader['message']>>>):
  | { readonly state: 'delivered' | 'failed'; readonly text?: string }
  | undefined {
  if (status === 'queued' || status === 'retrying') return undefined;
  if (status === 'completed') return { state: 'delivered' };
  return { state: 'failed', text: `message ${id} to ${target} is ${status}: ${error?.text ?? ''}` };
}
