import { resolve } from 'node:path';
import { type Broker, type BrokerStatus, connectAgain, connectBroker } from '../broker/broker.ts';
import type { CutStream } from '../broker/cut-streams.ts';
import { type DataLock, lockData } from '../broker/embedded/data-lock.ts';
import { type DiskRoom, diskRoom } from '../broker/embedded/disk-room.ts';
import {
  type Durability,
  type NatsAccess,
  type NatsServer,
  startNatsServer,
} from '../broker/embedded/nats-server.ts';
import { type StoredMarks, storedMarks } from '../broker/stored-marks.ts';
import { type StreamWatch, streamWatch } from '../broker/stream-watch.ts';
import { keepPrivate, makeDataFolder } from '../database/private-files.ts';
import type { Events } from '../log/events.ts';
import type { Logger } from '../log/logger.ts';
import { undoing } from './undoing.ts';

export interface ReachOptions {
  /** An existing server or cluster; if left out, one is started under `data`. */
  readonly nats?: NatsAccess | undefined;
  readonly data: string;
  readonly durability?: Durability;
  readonly log: Logger;
  /** Progress for a person, one line each. */
  readonly say?: (text: string) => void;
  /** Called once the data folder belongs to another process and nats-server is killed: this one must end at once. */
  readonly onTaken?: () => void;
}

/** Who wants to know of the connection to NATS. */
interface ConnectionHearer {
  status?(status: BrokerStatus, detail?: string): void;
  /** It is back, and what NATS has was compared. */
  back?(): void;
  /** After that, once what was not acknowledged is written again. */
  connected?(): void;
  /** Acknowledged messages are no longer there. */
  lost?(cut: CutStream): void;
}

/** NATS, and what is known of it. */
export interface Reached {
  readonly data: string;
  readonly lock: DataLock;
  readonly server: NatsServer | undefined;
  readonly access: NatsAccess;
  readonly storedUpTo: StoredMarks;
  readonly lost: readonly CutStream[];
  readonly broker: Broker;
  /** From now on they hear of the connection too. */
  readonly hear: (hearer: ConnectionHearer) => void;
  /** Compares what NATS has with what it had acknowledged. */
  readonly compare: StreamWatch['look'];
  /** Files that others could read until now. */
  readonly tightened: readonly string[];
}

/** Starts a server, if none is given, and connects. */
export async function reach(
  options: ReachOptions,
  production: string,
  begun: AsyncDisposableStack,
): Promise<Reached> {
  const data = resolve(options.data);
  await makeDataFolder(data);
  const tightened = keepPrivate(data);
  // before anything in the folder is touched: another engine's server may be running in it
  let server: NatsServer | undefined;
  const taken = (): void => {
    // it must not write either, also not what it would on a clean end
    if (server?.pid !== undefined) process.kill(server.pid, 'SIGKILL');
    options.onTaken?.();
  };
  const lock = await lockData(data, 'engine', taken);
  undoing(begun, 'freeing the data folder', () => lock.release());
  server = options.nats === undefined ? await startServer(options, data) : undefined;
  undoing(begun, 'ending nats-server', () => server?.stop());
  const access = options.nats ?? server ?? { url: '' };
  const hearers: ConnectionHearer[] = [];
  const storedUpTo = await storedMarks(data);
  const watch = streamWatch(storedUpTo, {
    onLost: (cut) => {
      for (const one of hearers) one.lost?.(cut);
    },
  });
  const connect = server === undefined ? connectBroker : connectAgain;
  const broker = await connect({
    ...access,
    production,
    role: 'engine',
    onStatus: (status, detail) => {
      for (const one of hearers) one.status?.(status, detail);
      if (status === 'connected') for (const one of hearers) one.connected?.();
    },
    onStored: storedUpTo.stored,
    async onReconnect(back) {
      await watch.look(back);
      for (const one of hearers) one.back?.();
    },
  });
  undoing(begun, 'closing the connection', () => broker.close());
  await watch.look(broker);
  const { lost } = watch;
  const compare = (of: Broker): Promise<boolean> => watch.look(of);
  const hear = (hearer: ConnectionHearer): void => void hearers.push(hearer);
  return { data, lock, server, access, storedUpTo, lost, compare, broker, hear, tightened };
}

async function startServer(options: ReachOptions, data: string): Promise<NatsServer> {
  return startNatsServer({
    data,
    durability: options.durability ?? 'power-loss',
    onRestart: (reason) => options.log.error({ event: 'nats-restarted', reason }, 'nats-restarted'),
    ...(options.say === undefined ? {} : { say: options.say }),
  });
}

/** What was found before there were events, and from now on. */
export function tellOfNats(told: Events, { nats }: ReachOptions, reached: Reached): void {
  for (const { host, ...range } of reached.lost) told.messagesLost(host, range);
  tellTightened(told, reached.tightened);
  tellLeftBy(told, reached);
  if (nats !== undefined) tellOpenBroker(told, reached.broker);
  reached.hear({
    status: (status, detail) => told.brokerStatus(status, detail),
    lost: ({ host, ...range }) => told.messagesLost(host, range),
  });
}

/** The room on the disk of a server of our own, and what is told of it. */
export function roomOf({ server, data }: Reached, told: Events): DiskRoom | undefined {
  if (server === undefined) return undefined;
  return diskRoom({
    folder: data,
    onChange(change) {
      if (change === 'room') {
        const text = 'The disk of NATS has room again: services take messages.';
        return told.told('', 'info', 'disk-has-room', text);
      }
      const { left, wanted } = change;
      const text = `The disk of NATS (${data}) has ${left} MB left. Services take no more messages, so that what waits can still be sent, until there are ${wanted} MB: free some, or let it be sent.`;
      told.told('', 'error', 'disk-full', text);
    },
  });
}

/** The folder may be a copy: what waits in it would be sent there and here. */
function tellLeftBy(told: Events, { lock: { leftBy }, data }: Reached): void {
  if (leftBy === undefined) return;
  told.told(
    '',
    'warn',
    'data-folder-from-elsewhere',
    `${data} was in use on the machine ${leftBy}, which has not given it up in order. If an engine still runs there, on this folder or on the one it was copied from, both send what waits: stop one of them.`,
  );
}

/** Something that was open to others on this machine no longer is: they learn why. */
function tellTightened(told: Events, paths: readonly string[]): void {
  const [first] = paths;
  if (first === undefined) return;
  const more = paths.length === 1 ? '' : ` and ${paths.length - 1} more in it`;
  told.told(
    '',
    'warn',
    'rights-tightened',
    `Other accounts of this machine could read ${first}${more}; they no longer can. What others must read, such as files for another program, belongs in a folder outside the data folder.`,
  );
}

/** A server open to everybody lets everybody read, change and send messages. */
function tellOpenBroker(told: Events, { connection }: Broker): void {
  const { auth_required: asks, tls_verify: verifies } = connection.info ?? {};
  if (asks === true || verifies === true) return;
  told.told(
    '',
    'warn',
    'nats-open',
    'The NATS server has no authentication: anyone who reaches it can read, change and send messages. Give it users (authorization { … } in its configuration) or have it verify certificates, and name a user in WAYBILL_NATS.',
  );
}
