import { once } from 'node:events';
import { flushCompileCache } from 'node:module';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { checkConsole } from '../../access/sign-in/check-console.ts';
import { type DataLock, lockData } from '../../broker/embedded/data-lock.ts';
import {
  DURABILITIES,
  type Durability,
  type NatsAccess,
} from '../../broker/embedded/nats-server.ts';
import { secretStoreFile } from '../../credential/secret/secret-resolver.ts';
import { makeDataFolder, openToOthers } from '../../database/private-files.ts';
import type { Definition } from '../../definition/definition.ts';
import { isUnchanged } from '../../definition/difference.ts';
import { describeProblem } from '../../definition/problem.ts';
import { readProduction } from '../../definition/read.ts';
import { ConfigError } from '../../error/adapter-error.ts';
import { background } from '../../error/background.ts';
import { describeError, EngineError } from '../../error/engine-error.ts';
import { logUnexpected } from '../../log/log-unexpected.ts';
import { type Logger, rootLogger } from '../../log/logger.ts';
import { metrics } from '../../log/metrics.ts';
import type { ConsoleOrder, OperatorOrder } from '../../plane/worker.ts';
import { milliseconds } from '../../time/duration.ts';
import { pause } from '../../time/pause.ts';
import { type ListenAddress, readAddress } from '../address.ts';
import { accessOf, DATA } from '../connect.ts';
import { hostCounts } from '../counts.ts';
import { engineFigures, serveFigures } from '../figures-server.ts';
import { type OperatorWorker, startOperatorPlane } from '../operator-worker.ts';
import { outliveReaders, say, sayConsole } from '../output.ts';
import { lastResort, limitHeapGrowth } from '../own-process.ts';
import { consoleFolder, ensureConsole } from '../packaged.ts';
import { readOptions } from '../reading.ts';
import { type RunningProduction, runProduction } from '../run-production.ts';
import { filledUrl, urlOption } from '../secret-url.ts';
import { toldToStop } from '../told-to-stop.ts';
import { traceKeys } from '../trace-keys.ts';
import { FileWatch } from '../watch-files.ts';

interface RunFlags {
  readonly nats?: string;
  readonly data: string;
  readonly overlay: string[];
  readonly role: 'all' | 'engine' | 'operator';
  readonly durability: Durability;
  readonly console: string;
  readonly consoleCertificate?: string;
  readonly consoleKey?: string;
  readonly trustedProxy: string[];
  readonly metrics: string;
  readonly trace?: string;
  readonly encrypt?: boolean;
  readonly watch?: boolean;
  readonly stuckAfter: string;
  readonly logLevel: string;
}

// oxlint-disable-next-line max-lines-per-function -- one list of options
export function runCommand(): Command {
  return new Command('run')
    .description('Runs a production until it is told to stop (Ctrl-C).')
    .argument('<production>', 'its folder')
    .addOption(
      urlOption('nats', 'an existing NATS server or cluster; if left out, one is started here'),
    )
    .option(
      '--data <folder>',
      'where the embedded NATS, the trace and the secrets are stored',
      DATA,
    )
    .option('--overlay <name>', 'an overlay of the production; may be repeated', collect, [])
    .addOption(
      new Option('--role <role>', 'what this process does')
        .choices(['all', 'engine', 'operator'])
        .default('all'),
    )
    .addOption(
      new Option('--durability <kind>', 'what acknowledged messages in the embedded NATS survive')
        .choices(DURABILITIES)
        .default('power-loss'),
    )
    .option(
      '--console <address>',
      'where the operators’ console listens; port 0 takes a free port; off starts none',
      '127.0.0.1:8080',
    )
    .option('--console-certificate <file>', 'PEM: serves the console over HTTPS')
    .option('--console-key <file>', 'PEM: the key of --console-certificate')
    .option(
      '--trusted-proxy <address>',
      'a proxy, or a network such as 10.0.0.0/8, whose X-Forwarded headers are trusted; may be repeated',
      collect,
      [],
    )
    .option(
      '--metrics <address>',
      'where /metrics and /health listen; off starts none',
      '127.0.0.1:9464',
    )
    .addOption(urlOption('trace', 'a PostgreSQL trace store instead of the embedded one'))
    .option(
      '--encrypt',
      'encrypts the bodies and search keys of the trace with a key from the secret store',
    )
    .option('--watch', 'apply changes of the production’s files as they are saved')
    .option(
      '--stuck-after <time>',
      'restarts an engine whose thread has been stuck for this long; off disables the watchdog',
      '15s',
    )
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .action(run);
}

/** With less than a second, an engine that is only busy would be ended. */
function stuckAfter(text: string): number | undefined {
  if (text === 'off') return undefined;
  const after = milliseconds(text);
  if (after === undefined || after < 1_000 || after > 3_600_000) {
    throw new EngineError('CONFIG_INVALID', '--stuck-after is a time from 1s to 1h, or off');
  }
  return after;
}

/** Messages flow without a console. */
async function buildConsole(flags: RunFlags, log: Logger): Promise<void> {
  if (flags.role === 'engine' || flags.console === 'off') return;
  try {
    await ensureConsole(say);
  } catch (error) {
    log.warn({ event: 'console-not-built', ...describeError(error) }, 'console-not-built');
    say('the console could not be built and is served without its pages: npm run build shows why');
  }
}

const collect = (value: string, before: string[]): string[] => [...before, value];

async function run(folder: string, given: RunFlags): Promise<void> {
  limitHeapGrowth();
  // node would hold what it read of compiled code, and what it is going to keep of it, until this process ends
  flushCompileCache();
  outliveReaders();
  const flags = withUrls(given);
  if (flags.role === 'operator') return runOperator(folder, flags);
  const log = rootLogger(flags.logLevel);
  const lock = flags.role === 'engine' ? undefined : await lockTrace(flags, log);
  try {
    await runEngine(folder, flags, log);
  } finally {
    lock?.release();
  }
}

/** Including the passwords that its addresses only refer to. */
function withUrls({ nats, trace, ...others }: RunFlags): RunFlags {
  return {
    ...others,
    ...(nats === undefined ? {} : { nats: filledUrl('nats', nats) }),
    ...(trace === undefined ? {} : { trace: filledUrl('trace', trace) }),
  };
}

async function runEngine(folder: string, flags: RunFlags, log: Logger): Promise<void> {
  const order = orderToStop();
  if (flags.role === 'all' && flags.console !== 'off')
    await checkBefore(consoleOrder(folder, flags));
  const running = await runProduction({
    folder,
    overlays: flags.overlay,
    nats: flags.nats === undefined ? undefined : accessOf(flags.nats),
    data: flags.data,
    durability: flags.durability,
    stuckAfter: stuckAfter(flags.stuckAfter),
    log,
    say,
    onTaken: endsTaken(flags.data, log),
  });
  order.isStarted();
  lastResort(() => running.stop(undefined, 'fault'));
  sayOpenKeys(flags, log);
  const { definition } = running;
  const watcher = flags.watch === true ? await watchFiles(running, flags.data) : undefined;
  const figures =
    flags.metrics === 'off'
      ? undefined
      : await serveFigures(readAddress(flags.metrics), engineFigures(running), log);
  await buildConsole(flags, log);
  const operator = startedPlane(running, { flags, log });
  await Promise.race([operator, order.given]);
  say(`${definition.title}: ${hostCounts(definition)} running. Ctrl-C stops.`);

  await order.given;
  say('stopping: finishing what is in flight …');
  const { shutdownTimeout } = running.definition.settings;
  // whatever is still open then must not keep the process alive
  setTimeout(() => process.exit(), shutdownTimeout + LEAVING).unref();
  await running.stop(
    Promise.all([watcher?.close(), figures?.close(), stopped(operator, shutdownTimeout)]),
  );
  setTimeout(() => process.exit(), OPEN).unref();
}

/** Messages flow meanwhile, and an order to stop is followed even while it starts. */
async function startedPlane(
  { definition, access, metrics: counted }: RunningProduction,
  { flags, log }: { readonly flags: RunFlags; readonly log: Logger },
): Promise<OperatorWorker | undefined> {
  if (flags.role === 'engine') return undefined;
  const production = definition.name;
  return startOperatorPlane(() => operatorOrder(definition, access, flags), {
    onFailure(reason) {
      toldTo(log)(reason);
      counted.events.inc({ production, host: '', event: 'operator-failed' });
    },
    onEvent: (event) => counted.events.inc({ production, ...event }),
    goOn: true,
    onUrl: sayConsole,
  });
}

async function stopped(plane: Promise<OperatorWorker | undefined>, limit: number): Promise<void> {
  await (await plane)?.stop(limit);
}

/**
 * Listens for an order to stop from the beginning: services listen before the start is complete. It
 * is followed after that; if the start hangs, the process ends a while later, as if it had been
 * killed.
 */
function orderToStop(): { readonly given: Promise<unknown>; isStarted(): void } {
  const given = toldToStop();
  let started = false;
  const hurry = async (): Promise<void> => {
    await given;
    await pause(STARTING, undefined, { ref: false });
    if (!started) process.exit(1);
  };
  background(hurry(), 'waiting for an order to stop');
  return {
    given,
    isStarted() {
      started = true;
    },
  };
}

/** Milliseconds that a start may go on after an order to stop. */
const STARTING = 5_000;
/** Milliseconds beyond `shutdownTimeout` after which this process ends in any case. */
const LEAVING = 2_000;
/** Milliseconds that something may stay open once all has stopped. */
const OPEN = 100;

/** Runs only the operator plane: the engines run elsewhere and are reached over NATS. */
async function runOperator(folder: string, flags: RunFlags): Promise<void> {
  if (flags.nats === undefined) {
    throw new EngineError(
      'CONFIG_INVALID',
      '--role operator needs --nats: the server that the engines use',
    );
  }
  const { definition, problems } = await readProduction(
    folder,
    readOptions({ overlay: flags.overlay, data: flags.data }),
  );
  if (definition === undefined) throw new ConfigError(problems.map(describeProblem));
  const log = rootLogger(flags.logLevel);
  const lock = await lockTrace(flags, log);
  const access = accessOf(flags.nats);
  logUnexpected(log);
  sayOpenKeys(flags, log);
  const counted = metrics();
  const production = definition.name;
  const operator = await startOperatorPlane(() => operatorOrder(definition, access, flags), {
    onFailure(reason) {
      toldTo(log)(reason);
      counted.events.inc({ production, host: '', event: 'operator-failed' });
    },
    onEvent: (event) => counted.events.inc({ production, ...event }),
    onUrl: sayConsole,
  });
  const unready = async (): Promise<string | undefined> =>
    operator.isUp ? undefined : 'the operator plane has failed and is being restarted';
  const figures =
    flags.metrics === 'off'
      ? undefined
      : await serveFigures(readAddress(flags.metrics), { metrics: counted, unready }, log);
  lastResort(() => operator.stop());
  say(`the operator plane of ${definition.title} runs. Ctrl-C stops.`);
  await toldToStop();
  await figures?.close();
  await operator.stop();
  lock?.release();
}

/**
 * A key belongs to its creator, and may be a mounted secret with rights managed by others: we
 * report it and do not change it.
 */
function sayOpenKeys({ consoleKey, data }: RunFlags, log: Logger): void {
  const { WAYBILL_MASTER_KEY_FILE: masterKey } = process.env;
  const files = [consoleKey, masterKey, secretStoreFile(resolve(data), process.env)];
  for (const file of openToOthers(files)) {
    log.warn({ event: 'key-open' }, 'key-open');
    say(`Other accounts of this machine may read ${file}. As its owner run: chmod go= ${file}`);
  }
}

/** An embedded trace store belongs to one operator plane; several can share PostgreSQL. */
async function lockTrace({ data, trace }: RunFlags, log: Logger): Promise<DataLock | undefined> {
  if (trace !== undefined) return undefined;
  await makeDataFolder(resolve(data));
  return lockData(resolve(data), 'operator', endsTaken(data, log));
}

/** Ends this process at once, as if it had been killed: another one works in its data folder by now. */
const endsTaken = (data: string, log: Logger) => (): void => {
  const event = 'data-folder-taken';
  const text = `another process has taken ${resolve(data)} over, because this one stood still. This one ends at once.`;
  log.fatal({ event, text }, event);
  process.exit(1);
};

/** A failed operator plane is an event in the log; messages continue. */
const toldTo =
  (log: Logger) =>
  (reason: string): void =>
    log.error({ event: 'operator-failed', reason }, 'operator-failed');

/**
 * Rejects if the trace should be encrypted but its keys are not available: messages continue
 * without it, and it is retried.
 */
async function operatorOrder(
  { name, settings, folder }: Definition,
  access: NatsAccess,
  flags: RunFlags,
): Promise<OperatorOrder> {
  const { encrypt = false } = flags;
  return {
    encryption: { encrypt, keys: await traceKeys(resolve(flags.data), encrypt) },
    access,
    production: name,
    data: resolve(flags.data),
    trace: flags.trace,
    search: [...settings.search],
    keep: settings.keep,
    logLevel: flags.logLevel,
    console: flags.console === 'off' ? undefined : consoleOrder(folder, flags),
  };
}

function consoleOrder(folder: string, flags: RunFlags): ConsoleOrder {
  const { consoleCertificate: certificate, consoleKey: key, trustedProxy } = flags;
  if ((certificate === undefined) !== (key === undefined)) {
    throw new EngineError(
      'CONFIG_INVALID',
      '--console-certificate and --console-key belong together: give both or neither',
    );
  }
  return {
    ...readAddress(flags.console),
    tls:
      certificate === undefined || key === undefined
        ? undefined
        : { certificate: resolve(certificate), key: resolve(key) },
    trustedProxies: trustedProxy,
    consoleFolder: consoleFolder(),
    settingsFile: resolve(folder, 'console.yaml'),
  };
}

/** Checked before anything is accepted: a mistake that only concerns people must not end a running flow. */
async function checkBefore({ settingsFile = '', host, port }: ConsoleOrder): Promise<void> {
  await checkConsole(settingsFile, process.env);
  await checkFree({ host, port });
}

/** Throws CONFIG_INVALID if the console could not listen there. */
async function checkFree({ host, port }: ListenAddress): Promise<void> {
  const server = createServer();
  try {
    await once(server.listen(port, host), 'listening');
  } catch (error) {
    const { code = 'unknown' } = error as { readonly code?: string };
    throw new EngineError(
      'CONFIG_INVALID',
      `the console cannot listen on ${host}:${port} (${code}); choose another with --console`,
    );
  }
  server.close();
  await once(server, 'close');
}

/** Applies the production again shortly after one of its files was saved; otherwise reports the problems. */
function watchFiles(running: RunningProduction, data: string): Promise<FileWatch> {
  let failed = false;
  const changed = async (): Promise<void> => {
    try {
      const difference = await running.reload({
        dryRun: false,
        by: 'watch',
        origin: 'watch',
        ifChanged: true,
      });
      const { restarts } = difference;
      // a file that is not part of it, or that was saved unchanged
      if (isUnchanged(difference) && !failed) return;
      failed = false;
      say(`applied: ${restarts.join(', ') || 'no host restarted'}`);
    } catch (error) {
      failed = true;
      say(`not applied: ${describeError(error).text}`);
    }
  };
  return FileWatch.start({
    folder: running.definition.folder,
    files: () => running.definition.files,
    without: [data],
    changed,
  });
}
