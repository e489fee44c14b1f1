import type { Broker } from '../broker/broker.ts';
import { queueStates, queueStreams } from '../broker/queue-survey.ts';
import { waitingCounts } from '../broker/waiting-count.ts';
import type { LeftQueue } from '../control/engine-report.ts';
import type { Reloaded, ReloadOrder } from '../control/orders.ts';
import type { Credentials } from '../credential/credentials.ts';
import type { Definition } from '../definition/definition.ts';
import { isUnchanged, productionDifference } from '../definition/difference.ts';
import type { NewVersion } from '../definition/history/kept-version.ts';
import { describeProblem } from '../definition/problem.ts';
import type { ReadProduction } from '../definition/read.ts';
import { versionOf } from '../definition/version-of.ts';
import { ConfigError } from '../error/adapter-error.ts';
import { EngineError } from '../error/engine-error.ts';
import { changedKinds } from './changed-kinds.ts';
import type { Director } from './director.ts';
import { leftQueue } from './left-queues.ts';
import { queued } from './queues.ts';
import { messagesWaiting } from './reloaded.ts';
import { turns } from './turns.ts';

/** A running production, and the files from which it can be changed. */
interface Reloadable {
  readonly director: Director;
  readonly broker: Broker;
  readonly credentials: Credentials;
  readonly read: () => Promise<ReadProduction>;
  /** Called after a change was applied, before the next one. */
  readonly applied?: (definition: Definition, how: AppliedHow) => Promise<void> | void;
}

/** Who applied something, how, why, and how much the check warned of. */
export type AppliedHow = Pick<NewVersion, 'by' | 'reason' | 'origin' | 'warnings'>;

/**
 * Reloads. `prepare` is called in its turn, before the files are read, and gives what undoes it where nothing is
 * applied then.
 */
export type Reload = (
  order: ReloadOrder,
  prepare?: () => Promise<() => Promise<void>>,
) => Promise<Reloaded>;

/**
 * Changes the running production to its current files: reads and checks them completely, then
 * restarts only the hosts that changed. If a check fails, nothing changes and a ConfigError is
 * thrown. Reloads run one at a time, so that exactly what was compared is applied.
 */
export function reloader(running: Reloadable): Reload {
  const turn = turns();
  return (order, prepare) =>
    turn.take('reload', async () => {
      const undo = await prepare?.();
      try {
        return await reload(running, order);
      } catch (error) {
        await undo?.();
        throw error;
      }
    });
}

async function reload(
  { director, broker, credentials, read, applied }: Reloadable,
  order: ReloadOrder,
): Promise<Reloaded> {
  const { dryRun, by, reason, origin = 'apply', leaveWaiting = false, ifChanged, expected } = order;
  const { definition, problems } = sameProduction(await read(), director.definition);
  const found: Reloaded = {
    ...productionDifference(director.definition, definition),
    version: versionOf(definition),
    waiting: await waitingFor(broker, director, definition),
  };
  if (dryRun || (ifChanged && runsAlready(director.definition, found))) return found;
  if (expected !== undefined && expected !== found.version) throw changedSince();
  if (found.waiting.length > 0 && !leaveWaiting) throw messagesWaiting(found.waiting);
  await director.apply(definition, found.restarts, {
    by,
    // only once everything is ready: a failed apply must leave the credentials unchanged
    ready: () => credentials.replace(definition.credentials),
  });
  await applied?.(definition, { by, reason, origin, warnings: problems.length });
  return found;
}

function sameProduction(
  { definition, problems }: ReadProduction,
  running: Definition,
): Required<ReadProduction> {
  if (definition === undefined) throw new ConfigError(problems.map(describeProblem));
  if (definition.name !== running.name) throw renamed(running.name, definition.name);
  return { definition, problems };
}

/** A difference does not include every file, such as a module imported by code. */
const runsAlready = (running: Definition, found: Reloaded): boolean =>
  isUnchanged(found) && found.version === versionOf(running);

/** What waits in queues that the next definition no longer has, or gives to a host of another kind. */
async function waitingFor(
  broker: Broker,
  director: Pick<Director, 'definition' | 'isHeld'>,
  next: Definition,
): Promise<LeftQueue[]> {
  const hosts = queued(next);
  const stay = new Set(hosts.map(({ name }) => name));
  const gone = queued(director.definition).filter(({ name }) => !stay.has(name));
  const streams = await queueStreams(broker);
  // what is held stays held
  const changed = [...(await changedKinds(broker, hosts, streams)).values()]
    .map(({ left }) => left)
    .filter(({ host }) => !director.isHeld(host));
  if (gone.length === 0) return changed;
  const [states, waiting] = await Promise.all([queueStates(broker), waitingCounts(broker)]);
  const left = gone.flatMap(
    ({ name }) => leftQueue(name, states.get(name), waiting.get(name)?.count) ?? [],
  );
  return [...left, ...changed];
}

const renamed = (name: string, next: string): EngineError =>
  new EngineError(
    'CONFIG_INVALID',
    `the files name the production ${next}, but ${name} runs: its queues, its trace and its people are stored under this name, so it cannot change while it runs. Write production: ${name} again; what people read is title. How to give it another name is in docs/operations.md, under Moving`,
  );

const changedSince = (): EngineError =>
  new EngineError(
    'CONFIG_CHANGED',
    'the files have changed since they were shown: review the difference again, then apply',
    { retryable: true },
  );
