import type { MetaDatabase } from '../access/meta/meta-database.ts';
import type { Emergencies } from '../access/rights/emergency.ts';
import type { ConsoleSettings } from '../access/sign-in/console-settings.ts';
import { isAway } from '../broker/away.ts';
import type { Broker } from '../broker/broker.ts';
import { queueRooms } from '../broker/queue-survey.ts';
import type { Alone } from '../broker/while-held.ts';
import { unless } from '../error/foreseen.ts';
import { alertStore } from '../operator/alert/alert-store.ts';
import type { Alerting } from '../operator/alert/alerting.ts';
import type { Disk } from '../operator/alert/condition.ts';
import { deliveryStore } from '../operator/alert/delivery-store.ts';
import { maintenanceStore } from '../operator/alert/maintenance.ts';
import { startNatsWatch } from '../operator/alert/nats-watch.ts';
import { type AlertedProduction, notifier as alertNotifier } from '../operator/alert/notifier.ts';
import { testChannels } from '../operator/alert/test-channels.ts';
import { startWatcher } from '../operator/alert/watcher.ts';
import type { Engines } from '../operator/engines.ts';
import type { LiveStream } from '../operator/live/live-stream.ts';
import { Deadline } from '../time/deadline.ts';
import { diskSpace } from '../time/disk-space.ts';
import type { ConsoleSources } from './console.ts';

/** Milliseconds. */
const WATCH_EVERY = 10_000;
const ANSWER = 3_000;

export interface AlertingOptions {
  readonly meta: MetaDatabase;
  readonly reached: Engines;
  readonly live: LiveStream;
  readonly emergencies: Emergencies;
  readonly alone: Alone;
  /** Whether NATS has no room for the lease of who watches. */
  readonly isFull: () => boolean;
  /** Milliseconds between two looks. */
  readonly every: number | undefined;
  readonly settings: Pick<ConsoleSettings, 'alerts' | 'publicUrl'>;
}

/** Watches for alerts and tells people of them, until it is stopped. */
export function startAlerting(
  sources: ConsoleSources,
  options: AlertingOptions,
): Alerting & { stop(): Promise<void> } {
  const { broker, trace, log } = sources;
  const { meta, reached, settings } = options;
  const store = alertStore(meta);
  const deliveries = deliveryStore(meta);
  const maintenance = maintenanceStore(meta);
  const notifier = alertNotifier({
    settings: settings.alerts,
    publicUrl: settings.publicUrl,
    engines: reached,
    store,
    deliveries,
    maintenance,
    trace,
    log,
  });
  const about = (): Promise<AlertedProduction> => lastKnown(reached, broker.production);
  const watching = startWatching(sources, options, { store, notifier, about });
  return {
    store,
    deliveries,
    maintenance,
    settings: settings.alerts,
    notifier,
    about,
    test: async (only, by) =>
      testChannels(
        { notifier, engines: reached, trace, deliveries },
        { about: await about(), only, by },
      ),
    stop: () => watching.stop(),
  };
}

/** What looks for what is wrong: of several planes one at the production, and each for itself at NATS. */
function startWatching(
  { broker, trace, tracing, log, place }: ConsoleSources,
  { reached, live, emergencies, alone, isFull, every = WATCH_EVERY }: AlertingOptions,
  { store, notifier, about }: Pick<Alerting, 'store' | 'notifier' | 'about'>,
): { stop(): Promise<void> } {
  const watcher = startWatcher({
    production: broker.production,
    engines: reached,
    store,
    notifier,
    emergencies,
    trace,
    live,
    alone,
    failingSince: () => tracing.failingSince(),
    unread: () => tracing.unread(),
    disks: () => ownDisk(place.data),
    rooms: () => roomsIn(broker),
    log,
    every,
  });
  const nats = startNatsWatch({
    reached: () => isReached(broker),
    isFull,
    about,
    store,
    notifier,
    log,
    every,
  });
  return {
    async stop() {
      await Promise.all([watcher.stop(), nats.stop()]);
    },
  };
}

/** The production as an engine described it; of one that none has described only the name is known. */
async function lastKnown(reached: Engines, name: string): Promise<AlertedProduction> {
  const told = await reached
    .describe()
    .catch(unless(isAway, 'asking what the production consists of'));
  return told ?? { name, title: name, alerts: undefined };
}

async function isReached({ connection }: Broker): Promise<boolean> {
  return new Deadline(ANSWER).within('asking NATS', connection.rtt(), isAway);
}

async function ownDisk(data: string): Promise<Disk[]> {
  const own = await diskSpace(data);
  return own === undefined ? [] : [{ name: 'the disk of the operator plane', ...own }];
}

/** The queues, and what NATS gives the account, if that is limited. */
async function roomsIn(broker: Broker): Promise<Disk[]> {
  const { limits, storage } = await broker.manager.getAccountInfo();
  const total = limits.max_storage;
  const queues = await queueRooms(broker);
  return [
    ...(total <= 0
      ? []
      : [{ name: 'the storage of NATS', id: 'nats', free: total - storage, total }]),
    ...queues.map(({ host, bytes, limit }) => ({
      name: `the queue of ${host}`,
      id: broker.names.queue(host).stream,
      host,
      free: limit - bytes,
      total: limit,
    })),
  ];
}
