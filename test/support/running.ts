import { isAway } from '../../src/broker/away.ts';
import { type Broker, connectBroker } from '../../src/broker/broker.ts';
import type { NatsAccess } from '../../src/broker/embedded/nats-server.ts';
import { serveControl } from '../../src/control/control.ts';
import { ENGINE } from '../../src/control/verbs.ts';
import { credentials } from '../../src/credential/credentials.ts';
import { namedJwtKeys } from '../../src/credential/jwt/token-keys.ts';
import type { Definition } from '../../src/definition/definition.ts';
import { Director } from '../../src/engine/director.ts';
import { type Engine, startEngine } from '../../src/engine/engine.ts';
import { background } from '../../src/error/background.ts';
import { hearUnexpected } from '../../src/error/unexpected.ts';
import { events } from '../../src/log/events.ts';
import { hostLogs, type Logger, silentLogger } from '../../src/log/logger.ts';
import { type Metrics, metrics } from '../../src/log/metrics.ts';
import { LoadedTables } from '../../src/lookup/loaded-tables.ts';

export interface Running extends AsyncDisposable {
  readonly director: Director;
  readonly engine: Engine;
  readonly metrics: Metrics;
  stop(): Promise<void>;
}

/** Runs a definition on a real NATS, without the operator plane. */
export async function run(
  nats: NatsAccess,
  definition: Definition,
  log: Logger = silentLogger,
  /** Milliseconds that settled messages stay in their queue. */
  margin?: number,
): Promise<Running> {
  const broker = await connectBroker({ ...nats, production: definition.name, role: 'engine' });
  return runOn(broker, definition, log, margin);
}

/** The same on an existing connection, which is closed with it. */
export async function runOn(
  broker: Broker,
  definition: Definition,
  log: Logger = silentLogger,
  margin?: number,
): Promise<Running> {
  const engine = await startEngine(broker, definition.settings);
  const figures = metrics();
  const logs = hostLogs(log);
  const told = events({
    production: definition.name,
    log,
    hosts: logs,
    metrics: figures,
    record: (record) => background(engine.outcomes.append({ record }), 'storing an event', isAway),
  });
  const unhear = hearUnexpected((one) => told.unexpected(one));
  const known = credentials(definition.credentials, { log, folder: definition.folder });
  const director = new Director(
    {
      engine,
      events: told,
      logs,
      loaded: new LoadedTables(),
      credential: (name) => known.get(name),
      verifier: (name) => known.verifier(name),
      jwt: namedJwtKeys(known),
      peerCertificate: () => undefined,
      margin,
    },
    definition,
  );
  await director.start();
  const queues = serveControl(
    broker,
    { queues: ENGINE.queues },
    { queues: () => director.queueStreams() },
  );
  const stop = async (): Promise<void> => {
    queues.close();
    await director.stop();
    await known.close();
    await engine.close();
    await broker.close();
    unhear();
  };
  return { director, engine, metrics: figures, stop, [Symbol.asyncDispose]: stop };
}
