import { mkdir, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isAway } from '../broker/away.ts';
import { type Broker, connectBroker } from '../broker/broker.ts';
import { type DataLock, lockData } from '../broker/embedded/data-lock.ts';
import {
  type Durability,
  type NatsAccess,
  type NatsServer,
  startNatsServer,
} from '../broker/embedded/nats-server.ts';
import { queueStates } from '../broker/queue-survey.ts';
import { type StoredMarks, storedMarks } from '../broker/stored-marks.ts';
import { streamWatch } from '../broker/stream-watch.ts';
import type { ReloadOrder } from '../control/orders.ts';
import { type Credentials, credentials } from '../credential/credentials.ts';
import { namedJwtKeys } from '../credential/jwt/token-keys.ts';
import { tokenDesk } from '../credential/token-desk.ts';
import { keepPrivate, PRIVATE_FOLDER } from '../database/private-files.ts';
import type { Definition } from '../definition/definition.ts';
import { freshCredentials } from '../definition/fresh-credentials.ts';
import { describeProblem } from '../definition/problem.ts';
import { type ReadOptions, readProduction } from '../definition/read.ts';
import type { ValueSource } from '../definition/written/fill.ts';
import { certificateReport } from '../engine/certificate-report.ts';
import { Director } from '../engine/director.ts';
import { type Engine, makeAgain, ownStreams, startEngine } from '../engine/engine.ts';
import { type AnswersOfProcess, engineControl } from '../engine/engine-control.ts';
import { hostTest } from '../engine/host-test.ts';
import { reloader } from '../engine/reload.ts';
import { keepStreams, type StreamKeeper } from '../engine/stream-keeper.ts';
import { ConfigError } from '../error/adapter-error.ts';
import { background } from '../error/background.ts';
import { EngineError } from '../error/engine-error.ts';
import { unless } from '../error/foreseen.ts';
import { hearUnexpected } from '../error/unexpected.ts';
import { WorkMarks } from '../flow/work-marks.ts';
import { PeerCertificates } from '../host/peer-certificates.ts';
import { type Events, events } from '../log/events.ts';
import type { Logger } from '../log/logger.ts';
import { hostLogs } from '../log/logger.ts';
import { type Metrics, metrics } from '../log/metrics.ts';
import { LoadedTables } from '../lookup/loaded-tables.ts';
import { newsFilter } from '../peer/news.ts';
import { Deadline } from '../time/deadline.ts';
import { type KeptFiles, keptFiles } from './kept-files.ts';
import { readOptions } from './reading.ts';
import { type Rehearsals, rehearsals } from './rehearsals.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

export interface RunOptions {
  /** The production's folder. */
  readonly folder: string;
  readonly overlays?: readonly string[];
  /** An existing server or cluster; if left out, one is started under `data`. */
  readonly nats?: NatsAccess | undefined;
  readonly data: string;
  readonly durability?: Durability;
  readonly log: Logger;
  readonly environment?: ReadOptions['environment'];
  readonly secrets?: ReadOptions['secrets'];
  /** Ends the process if its thread is stuck for this many milliseconds; if left out, nothing watches it. */
  readonly stuckAfter?: number | undefined;
  /** Progress for a person, one line each. */
  readonly say?: (text: string) => void;
}

/** How a production is read again and again while it runs. */
interface Running extends RunOptions {
  readonly loaded: LoadedTables;
}

/** A production that runs in this process. */
export interface RunningProduction extends AsyncDisposable {
  readonly definition: Definition;
  readonly director: Director;
  readonly engine: Engine;
  readonly broker: Broker;
  readonly metrics: Metrics;
  readonly credentials: Credentials;
  /** Applies the production's files as they are now; see `reloader`. */
  readonly reload: ReturnType<typeof reloader>;
  /** How others reach its NATS. */
  readonly access: NatsAccess;
  /**
   * Accepts nothing new, finishes what is in flight, ends the embedded server. It ends within a
   * second after the production's `shutdownTimeout`, even if NATS is away or stuck.
   *
   * @param beside what else ends at the same time and still needs the server
   */
  stop(beside?: Promise<unknown>): Promise<void>;
}

/** Milliseconds that a stop may take beyond what the production gives its hosts. */
const LETTING_GO = 1_000;
/** How many of them are reserved for the server. */
const SERVER = 300;

/** Reads, checks and runs a production. Throws ConfigError with every problem before anything is started. */
// oxlint-disable-next-line max-lines-per-function -- steps in one order, which sharing state across functions would hide
export async function runProduction(given: RunOptions): Promise<RunningProduction> {
  const loaded = new LoadedTables();
  const options: Running = { ...given, loaded };
  const { log } = options;
  const definition = await readOrThrow(options);
  const data = resolve(options.data);
  await mkdir(data, { recursive: true, mode: PRIVATE_FOLDER });
  const tightened = keepPrivate(data);

  // before anything in the folder is touched: another engine's server may be running in it
  const lock = options.nats === undefined ? await lockData(data, 'engine') : undefined;
  const server = options.nats === undefined ? await startServer(options, data) : undefined;
  const access = options.nats ?? server ?? { url: '' };
  let director: Director | undefined;
  let told: Events | undefined;
  let streams: StreamKeeper | undefined;
  const figures = metrics();
  const storedUpTo = await storedMarks(data);
  const watch = streamWatch(storedUpTo, {
    // problems found before events exist are reported once they do
    onLost: ({ host, ...range }) => told?.messagesLost(host, range),
  });
  const broker = await connectBroker({
    ...access,
    production: definition.name,
    role: 'engine',
    onStatus: (status) => {
      told?.brokerStatus(status);
      if (status === 'connected') director?.acknowledgeAgain();
    },
    onStored: storedUpTo.stored,
    async onReconnect(back) {
      await watch.look(back);
      // where it cannot be done now, it is tried again soon
      background(streams?.look() ?? Promise.resolve(), 'looking for missing streams', isAway);
    },
  });
  await watch.look(broker);
  const logs = hostLogs(log);
  const engine = await startEngine(broker, definition.settings, {
    alone: server !== undefined,
    uncertain: storedUpTo.afterPowerLoss || watch.lost.length > 0,
  });
  const heard = events({
    production: definition.name,
    log,
    hosts: logs,
    metrics: figures,
    // an event that cannot be stored is still in the log
    record: (record) => background(engine.outcomes.append({ record }), 'storing an event', isAway),
  });
  for (const { host, ...range } of watch.lost) heard.messagesLost(host, range);
  told = heard;
  tellTightened(heard, tightened);
  if (options.nats !== undefined) tellOpenBroker(heard, broker);
  const unhear = hearUnexpected((one) => heard.unexpected(one));
  const { stuckAfter } = options;
  const marks = stuckAfter === undefined ? undefined : new WorkMarks();
  const watchdog =
    marks === undefined || stuckAfter === undefined
      ? undefined
      : startWatchdog(marks, { data, after: stuckAfter, log, events: heard });
  const peers = new PeerCertificates(heard);
  const known = credentialsOf(options, {
    first: definition,
    told: heard,
    peers,
    now: () => director?.definition,
  });
  director = new Director(
    {
      engine,
      events: heard,
      logs,
      loaded,
      credential: (name) => known.get(name),
      verifier: (name) => known.verifier(name),
      jwt: namedJwtKeys(known),
      peerCertificate: peers.see,
      marks,
    },
    definition,
  );
  const running = director;
  await running.start();
  streams = streamsOf(running, engine, { told: heard, compare: (of) => watch.look(of) });
  const read = readerOf(options);
  const kept = keptFiles({
    ...options,
    overlays: options.overlays ?? [],
    environment: options.environment,
    running: () => running.definition,
    events: heard,
  });
  background(
    kept.keep(definition, { by: 'waybill', origin: 'start', reason: undefined, warnings: 0 }),
    'keeping what was read at the start',
  );
  const reload = reloader({
    director: running,
    broker,
    credentials: known,
    read,
    async applied(next, how) {
      // what was stuck may have been fixed
      watchdog?.forget();
      await kept.keep(next, how);
    },
  });
  const tried = rehearsals(() => ({
    folder: resolve(options.folder),
    overlays: options.overlays ?? [],
    environment: options.environment,
    loaded: loaded.all(),
  }));
  const control = engineControl(
    { engine, director: running, lost: () => watch.lost, data },
    {
      ...answersOfProcess({ director: running, known, peers, tried, log, figures }),
      ...kept.answers(reload),
      async reload(order) {
        await checkMeant(options.folder, order);
        return reload(order);
      },
    },
  );
  observeQueues(figures, running, engine);

  const stop = stopInOrder({
    lock,
    log,
    server,
    storedUpTo,
    broker,
    engine,
    director: running,
    credentials: known,
    peers,
    watchdog,
    control,
    tried,
    kept,
    streams,
    unhear,
  });
  return {
    get definition() {
      return running.definition;
    },
    director: running,
    engine,
    broker,
    metrics: figures,
    credentials: known,
    reload,
    access: { url: access.url, user: access.user, password: access.password },
    stop,
    [Symbol.asyncDispose]: () => stop(),
  };
}

/** Keeps the streams of a running production. */
function streamsOf(
  director: Director,
  engine: Engine,
  { told, compare }: { told: Events; compare: (broker: Broker) => Promise<boolean> },
): StreamKeeper {
  const { broker } = engine;
  return keepStreams({
    broker,
    compare,
    needed: () => [...ownStreams(broker), ...director.queueStreams()],
    async make() {
      await makeAgain(engine, director.definition.settings.duplicateWindow);
      await director.makeQueuesAgain();
    },
    onMade: (missing) =>
      told.told(
        '',
        'error',
        'streams-made-again',
        `NATS no longer had ${missing.join(', ')}; they were made again, empty. If nobody removed them, NATS came back without its disk: what was in them is reported as lost.`,
      ),
  });
}

/** The parts that stop along with a production. */
interface Stopped {
  readonly lock: DataLock | undefined;
  readonly log: Logger;
  readonly server: NatsServer | undefined;
  readonly storedUpTo: StoredMarks;
  readonly broker: Broker;
  readonly engine: Engine;
  readonly director: Director;
  readonly credentials: Credentials;
  readonly peers: PeerCertificates;
  readonly watchdog: Watchdog | undefined;
  readonly control: { close(): void };
  readonly tried: Rehearsals;
  readonly kept: KeptFiles;
  readonly streams: StreamKeeper;
  readonly unhear: () => void;
}

/** Stops everything in order, each within the rest of the total time. */
function stopInOrder(parts: Stopped): RunningProduction['stop'] {
  const { lock, log, server, storedUpTo, broker, engine, director } = parts;
  return async (beside = Promise.resolve()) => {
    const { shutdownTimeout } = director.definition.settings;
    const forHosts = new Deadline(shutdownTimeout);
    const deadline = new Deadline(shutdownTimeout + LETTING_GO - SERVER);
    parts.control.close();
    const trials = Promise.all([parts.tried.stop(), parts.kept.stop(), parts.streams.close()]);
    await deadline.within('ending what is tried with the files', trials);
    const ended = await director.stop(forHosts);
    await parts.watchdog?.stop();
    await deadline.within('closing credentials', parts.credentials.close());
    parts.peers.close();
    const stored = await engine.close(deadline.left / 2);
    await broker.close(deadline.left / 2);
    await deadline.within('ending what runs beside the engine', beside);
    if (!ended || !stored) log.warn({ event: 'stop-cut-short' }, 'stop-cut-short');
    await server?.stop(deadline.left + SERVER);
    await storedUpTo.close(ended && stored);
    lock?.release();
    parts.unhear();
  };
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

/** The credentials of the production, renewed when their values have changed. */
function credentialsOf(
  options: Running,
  {
    first,
    told,
    peers,
    now,
  }: {
    first: Definition;
    told: Events;
    peers: PeerCertificates;
    now: () => Definition | undefined;
  },
): Credentials {
  const isNews = newsFilter();
  return credentials(first.credentials, {
    log: options.log,
    folder: first.folder,
    peerCertificate: (credential, name, certificate) =>
      peers.see(`credential ${credential}`, name, certificate),
    again: freshCredentials(
      () => now() ?? first,
      sourceOf(options, first.folder),
      (name, { what, remedy }) => {
        const text = `The credential ${name} is used unchanged: ${what}. ${remedy}`;
        if (isNews(text)) told.told('', 'warn', 'credential-not-renewed', text);
      },
    ),
  });
}

/** Reads the production's files as they are now. */
const readerOf =
  (options: Running): (() => ReturnType<typeof readProduction>) =>
  () =>
    readProduction(options.folder, readingOf(options));

/** What others may ask this process for, besides its hosts. */
function answersOfProcess({
  director,
  known,
  peers,
  tried,
  log,
  figures,
}: {
  director: Director;
  known: Credentials;
  peers: PeerCertificates;
  tried: Rehearsals;
  log: Logger;
  figures: Metrics;
}): Omit<AnswersOfProcess, 'reload' | keyof ReturnType<KeptFiles['answers']>> {
  const desk = tokenDesk(known, () => director.definition.credentials);
  return {
    rehearse: (request, body) => tried.rehearse(request, body),
    test: ({ host }) =>
      hostTest(director.definition, host, {
        credential: (name) => known.get(name),
        verifier: (name) => known.verifier(name),
        log,
      }),
    certificates: async (shown) =>
      certificateReport({
        definition: director.definition,
        held: await known.certificates(),
        peers: peers.list(),
        shown: shown ?? undefined,
      }),
    publicKeys: () => known.jwksDocument(),
    tokenKeys: () => desk.keys(),
    inspectToken: (question) => desk.inspect(question),
    signToken: (order) => desk.sign(order),
    figures: () => figures.text(),
  };
}

/** A named folder means the production in it, not the one running here. */
async function checkMeant(folder: string, { folder: meant }: ReloadOrder): Promise<void> {
  const own = await realpath(folder);
  if (meant === undefined || meant === own) return;
  throw new EngineError(
    'CONFIG_INVALID',
    `the running production was read from ${own}, not from ${meant}: nothing was applied. Choose the production with --production, or leave out the folder`,
  );
}

async function startServer(options: RunOptions, data: string): Promise<NatsServer> {
  return startNatsServer({
    data,
    durability: options.durability ?? 'power-loss',
    onRestart: (reason) => options.log.error({ event: 'nats-restarted', reason }, 'nats-restarted'),
    ...(options.say === undefined ? {} : { say: options.say }),
  });
}

function readingOf({ overlays, data, environment, secrets, loaded }: Running): ReadOptions {
  const { secrets: stored, ...common } = readOptions({ overlay: [...(overlays ?? [])], data });
  const resolver = secrets ?? stored;
  return {
    ...common,
    loaded,
    ...(environment === undefined ? {} : { environment }),
    ...(resolver === undefined ? {} : { secrets: resolver }),
  };
}

/** Where rotated secrets come from: the same sources as at the start. */
function sourceOf(options: Running, folder: string): ValueSource {
  const { environment = process.env, secrets = () => undefined } = readingOf(options);
  return { folder, environment, secrets };
}

async function readOrThrow(options: Running): Promise<Definition> {
  const { definition, problems } = await readProduction(options.folder, readingOf(options));
  if (definition === undefined) throw new ConfigError(problems.map(describeProblem));
  for (const problem of problems) options.say?.(describeProblem(problem));
  return definition;
}

/** Updates the gauges of queues at each scrape, including those of hosts that are gone. */
function observeQueues(figures: Metrics, director: Director, engine: Engine): void {
  figures.onScrape(async () => {
    const production = director.definition.name;
    const now = Date.now();
    // while NATS is away nothing is known
    const states = await queueStates(engine.broker).catch(unless(isAway, 'counting the queues'));
    figures.queueDepth.reset();
    figures.queueAge.reset();
    for (const [host, { depth, oldest }] of states ?? []) {
      if (depth === 0 && !director.hasQueue(host)) continue;
      figures.queueDepth.set({ production, host }, depth);
      figures.queueAge.set({ production, host }, (now - (oldest ?? now)) / 1_000);
    }
  });
}
