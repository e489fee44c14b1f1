import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isAway } from '../broker/away.ts';
import type { Broker } from '../broker/broker.ts';
import type { DiskRoom } from '../broker/embedded/disk-room.ts';
import type { NatsAccess } from '../broker/embedded/nats-server.ts';
import { markedLater } from '../broker/stored-marks.ts';
import type { ReloadOrder } from '../control/orders.ts';
import { type Credentials, credentials } from '../credential/credentials.ts';
import { namedJwtKeys } from '../credential/jwt/token-keys.ts';
import { keyDesk } from '../credential/key-desk.ts';
import { tokenDesk } from '../credential/token-desk.ts';
import type { Definition } from '../definition/definition.ts';
import { freshCredentials } from '../definition/fresh-credentials.ts';
import { describeProblem } from '../definition/problem.ts';
import { type ReadOptions, readProduction } from '../definition/read.ts';
import type { ValueSource } from '../definition/written/fill.ts';
import { certificateReport } from '../engine/certificate-report.ts';
import { Director } from '../engine/director.ts';
import { type Engine, startEngine } from '../engine/engine.ts';
import { type AnswersOfProcess, engineControl } from '../engine/engine-control.ts';
import { hostTest } from '../engine/host-test.ts';
import { observeQueues } from '../engine/observe-queues.ts';
import { type Reload, reloader } from '../engine/reload.ts';
import { type StreamKeeper, streamsOf } from '../engine/stream-keeper.ts';
import { ConfigError } from '../error/adapter-error.ts';
import { background } from '../error/background.ts';
import { describeError, EngineError, isEngineError, roomRemedy } from '../error/engine-error.ts';
import { isSystemError } from '../error/foreseen.ts';
import { hearUnexpected } from '../error/unexpected.ts';
import { PeerCertificates } from '../host/peer-certificates.ts';
import { type Events, type EventsOptions, events } from '../log/events.ts';
import { hostLogs, type Logger } from '../log/logger.ts';
import { type Metrics, metrics } from '../log/metrics.ts';
import { LoadedTables } from '../lookup/loaded-tables.ts';
import { newsFilter } from '../peer/news.ts';
import { Deadline } from '../time/deadline.ts';
import { pause } from '../time/pause.ts';
import { type KeptFiles, keptFiles } from './kept-files.ts';
import { type Reached, type ReachOptions, reach, roomOf, tellOfNats } from './reach-nats.ts';
import { readOptions } from './reading.ts';
import { type Rehearsals, rehearsals } from './rehearsals.ts';
import { undoing } from './undoing.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

export interface RunOptions extends ReachOptions {
  /** The production's folder. */
  readonly folder: string;
  readonly overlays?: readonly string[];
  readonly environment?: ReadOptions['environment'];
  readonly secrets?: ReadOptions['secrets'];
  /** Ends the process if its thread is stuck for this many milliseconds; if left out, nothing watches it. */
  readonly stuckAfter?: number | undefined;
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
  readonly reload: Reload;
  /** How others reach its NATS. */
  readonly access: NatsAccess;
  /**
   * Accepts nothing new, finishes what is in flight, ends the embedded server. It ends within a
   * second after the production's `shutdownTimeout`, even if NATS is away or stuck.
   *
   * @param beside what else ends at the same time and still needs the server
   * @param fault it ends because of an error that nobody caught
   */
  stop(beside?: Promise<unknown>, fault?: 'fault'): Promise<void>;
}

/** Milliseconds that a stop may take beyond what the production gives its hosts. */
const LETTING_GO = 1_000;
/** How many of them are reserved for the server. */
const SERVER = 300;

/** How often a start is begun again because NATS went away in the middle of it. */
const AGAIN = 5;
/** Milliseconds before that. */
const PAUSE = 500;

/**
 * Reads, checks and runs a production. Throws ConfigError with every problem before anything is
 * started. If something then fails to start, what was started before it is stopped again; a start during
 * which NATS went away is begun again, since nobody may be there to do it.
 */
export async function runProduction(given: RunOptions): Promise<RunningProduction> {
  for (let tries = 1; ; tries++) {
    try {
      return await begin(given);
    } catch (error) {
      const trouble = startTrouble(error, resolve(given.data));
      if (tries > AGAIN || isEngineError(error) || !isAway(error)) throw trouble;
      given.log.warn({ event: 'start-again', reason: describeError(trouble).text }, 'start-again');
      await pause(PAUSE);
    }
  }
}

async function begin(given: RunOptions): Promise<RunningProduction> {
  const options: Running = { ...given, loaded: new LoadedTables() };
  const definition = await readOrThrow(options);
  await using begun = new AsyncDisposableStack();
  const reached = await reach(options, definition.name, begun);
  const directed = await direct(options, { definition, reached }, begun);
  const { reload, ...answering } = answer(options, { reached, directed }, begun);
  const { broker, access } = reached;
  const { director, engine, figures, known } = directed;
  const stop = stopInOrder(options.log, { ...reached, ...directed, ...answering });
  begun.move();
  return {
    get definition() {
      return director.definition;
    },
    director,
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

/** The production as it runs. */
interface Directed {
  readonly engine: Engine;
  readonly director: Director;
  readonly events: Events;
  readonly figures: Metrics;
  readonly known: Credentials;
  readonly peers: PeerCertificates;
  readonly watchdog: Watchdog | undefined;
  readonly streams: StreamKeeper;
  readonly room: DiskRoom | undefined;
  readonly unhear: () => void;
}

/** Starts the engine, and the hosts on it. */
async function direct(
  options: Running,
  { definition, reached }: { readonly definition: Definition; readonly reached: Reached },
  begun: AsyncDisposableStack,
): Promise<Directed> {
  const { log, loaded } = options;
  const { hear, data } = reached;
  const logs = hostLogs(log);
  const figures = metrics();
  const engine = await engineOn(reached, definition);
  // the next start is as careful as this one had to be
  undoing(begun, 'closing the engine', () => engine.close(undefined, 'unclean'));
  const told = eventsOf(engine, { log, hosts: logs, metrics: figures });
  tellOfNats(told, options, reached);
  const unhear = hearUnexpected((one) => told.unexpected(one));
  undoing(begun, 'no longer hearing of errors', unhear);
  const watchdog = watchdogOf(options, data, told);
  undoing(begun, 'ending the watchdog', () => watchdog?.stop('failed'));
  const room = roomOf(reached, told);
  undoing(begun, 'no longer looking at the disk', () => room?.close());
  const peers = new PeerCertificates(told);
  undoing(begun, 'forgetting certificates', () => peers.close());
  // what runs may be another one by the time a secret is renewed
  let running = (): Definition => definition;
  const known = credentialsOf(options, { first: definition, told, peers, now: () => running() });
  undoing(begun, 'closing credentials', () => known.close());
  const director = new Director(
    {
      engine,
      events: told,
      logs,
      loaded,
      credential: (name) => known.get(name),
      verifier: (name) => known.verifier(name),
      jwt: namedJwtKeys(known),
      peerCertificate: peers.see,
      marks: watchdog?.marks,
      refusal: room?.refusal,
      isFull: room?.isFull,
    },
    definition,
  );
  running = () => director.definition;
  hear({
    connected: () => director.acknowledgeAgain(),
    lost: () => background(director.doubtEverything(), 'doubting what NATS delivers', isAway),
  });
  undoing(begun, 'stopping hosts', () => director.stop());
  await director.start();
  const streams = streamsOf(director, engine, { told, compare: reached.compare });
  // where it cannot be done now, it is tried again soon
  hear({ back: () => background(streams.look(), 'looking for missing streams', isAway) });
  undoing(begun, 'no longer looking for streams', () => streams.close());
  return { engine, director, events: told, figures, known, peers, watchdog, streams, room, unhear };
}

const engineOn = (
  { server, storedUpTo, lost, broker, compare }: Reached,
  { settings }: Definition,
): Promise<Engine> =>
  startEngine(broker, settings, {
    alone: server !== undefined,
    uncertain: storedUpTo.afterPowerLoss || lost.length > 0,
    stateWritten: markedLater(`KV_${broker.names.state}`, storedUpTo),
    compare,
  });

const eventsOf = (
  { broker, outcomes }: Engine,
  places: Pick<EventsOptions, 'log' | 'hosts' | 'metrics'>,
): Events =>
  events({
    ...places,
    production: broker.production,
    // an event that cannot be stored is still in the log
    record: (record) => background(outcomes.append({ record }), 'storing an event', isAway),
  });

const watchdogOf = ({ stuckAfter }: RunOptions, data: string, told: Events) =>
  stuckAfter === undefined ? undefined : startWatchdog({ data, after: stuckAfter, events: told });

/** What answers others while the production runs. */
interface Answering {
  readonly reload: Reload;
  readonly control: { close(): void };
  readonly tried: Rehearsals;
  readonly kept: KeptFiles;
}

function answer(
  options: Running,
  { reached, directed }: { readonly reached: Reached; readonly directed: Directed },
  begun: AsyncDisposableStack,
): Answering {
  const { log, loaded } = options;
  const { broker, data } = reached;
  const { engine, director, events: told, figures, known, watchdog } = directed;
  const files = {
    folder: resolve(options.folder),
    overlays: options.overlays ?? [],
    environment: options.environment,
  };
  const running = (): Definition => director.definition;
  const kept = keptFiles({ ...files, data, loaded, running, events: told });
  undoing(begun, 'ending checks', () => kept.stop());
  background(
    kept.keep(running(), { by: 'waybill', origin: 'start', reason: undefined, warnings: 0 }),
    'keeping what was read at the start',
  );
  if (reached.server !== undefined) director.tellLeftByOthers();
  const reload = reloader({
    director,
    broker,
    credentials: known,
    read: readerOf(options),
    async applied(next, how) {
      // what was stuck may have been fixed
      watchdog?.forget();
      await kept.keep(next, how);
    },
  });
  const tried = rehearsals(() => ({ ...files, loaded: loaded.all() }));
  undoing(begun, 'ending rehearsals', () => tried.stop());
  const control = engineControl(
    { engine, director, lost: () => reached.lost, data },
    {
      ...answersOfProcess(directed, { tried, log }),
      ...kept.answers(reload),
      async reload(order) {
        await checkMeant(options.folder, order);
        return reload(order);
      },
    },
  );
  undoing(begun, 'no longer answering', () => control.close());
  observeQueues(figures, director, engine);
  return { reload, control, tried, kept };
}

/** Stops everything in order, each within the rest of the total time. */
function stopInOrder(
  log: Logger,
  parts: Reached & Directed & Omit<Answering, 'reload'>,
): RunningProduction['stop'] {
  const { lock, server, storedUpTo, broker, engine, director } = parts;
  return async (beside = Promise.resolve(), fault?) => {
    if (fault !== undefined) parts.watchdog?.fault();
    const { shutdownTimeout } = director.definition.settings;
    const forHosts = new Deadline(shutdownTimeout);
    const deadline = new Deadline(shutdownTimeout + LETTING_GO - SERVER);
    parts.control.close();
    await Promise.all([
      deadline.within('ending rehearsals', parts.tried.stop()),
      deadline.within('ending checks', parts.kept.stop()),
      deadline.within('no longer looking for streams', parts.streams.close(), isAway),
      deadline.within('no longer looking at the disk', parts.room?.close() ?? Promise.resolve()),
    ]);
    const ended = await director.stop(forHosts);
    await parts.watchdog?.stop('ended');
    await deadline.within('closing credentials', parts.known.close());
    parts.peers.close();
    const stored = await engine.close(deadline.left / 2);
    await broker.close(deadline.left / 2);
    await deadline.within('ending what runs beside the engine', beside);
    if (!ended || !stored) log.warn({ event: 'stop-cut-short' }, 'stop-cut-short');
    await server?.stop(deadline.left + SERVER);
    await storedUpTo.close(ended && stored);
    lock.release();
    parts.unhear();
  };
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
    now: () => Definition;
  },
): Credentials {
  const isNews = newsFilter();
  return credentials(first.credentials, {
    log: options.log,
    folder: first.folder,
    peerCertificate: (credential, name, certificate) =>
      peers.see(`credential ${credential}`, name, certificate),
    again: freshCredentials(now, sourceOf(options, first.folder), (name, { what, remedy }) => {
      const text = `The credential ${name} is used unchanged: ${what}. ${remedy}`;
      if (isNews(text)) told.told('', 'warn', 'credential-not-renewed', text);
    }),
  });
}

/** Reads the production's files as they are now. */
const readerOf =
  (options: Running): (() => ReturnType<typeof readProduction>) =>
  () =>
    readProduction(options.folder, readingOf(options));

/** What others may ask this process for, besides its hosts. */
function answersOfProcess(
  { director, known, peers, figures }: Directed,
  { tried, log }: { readonly tried: Rehearsals; readonly log: Logger },
): Omit<AnswersOfProcess, 'reload' | keyof ReturnType<KeptFiles['answers']>> {
  const desk = tokenDesk(known, () => director.definition.credentials);
  const keys = keyDesk({
    folder: director.definition.folder,
    entries: () => known.certificateEntries(),
  });
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
    waitingKeys: () => keys.waiting(),
    makeKey: (order) => keys.make(order),
    takeCertificate: (order) => keys.take(order),
    discardKey: async ({ name }) => ({ discarded: await keys.discard(name) }),
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

/** What keeps a production from starting, in words, where its error has none of its own. */
export function startTrouble(error: unknown, data: string): unknown {
  if (isEngineError(error)) return error;
  const { code, text } = describeError(error);
  if (isSystemError(error, 'ENOSPC', 'EDQUOT', 'EIO', 'EROFS')) {
    return new EngineError(
      'BROKER_UNAVAILABLE',
      `the data folder ${data} cannot be written (${code}): free or repair its disk, then start again. What was accepted is kept there`,
      { retryable: true, cause: error },
    );
  }
  if (!isAway(error)) return error;
  if (roomRemedy(text) !== undefined)
    return new EngineError('BROKER_UNAVAILABLE', text, { retryable: true, cause: error });
  return new EngineError(
    'BROKER_UNAVAILABLE',
    `NATS stopped answering during the start (${code}): a cluster may be electing its leaders, or more than half of its servers are away. Nothing is lost; start again`,
    { retryable: true, cause: error },
  );
}
