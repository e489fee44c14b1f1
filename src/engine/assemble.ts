import type { Credential } from '../adapter/credential.ts';
import type { TokenVerifier } from '../adapter/token-verifier.ts';
import { isAway } from '../broker/away.ts';
import type { Broker } from '../broker/broker.ts';
import { records } from '../broker/records.ts';
import type { NamedJwtKeys } from '../credential/jwt/token-keys.ts';
import { isPassword } from '../credential/password.ts';
import type { Definition, HostDefinition, ServiceDefinition } from '../definition/definition.ts';
import { type ProcessRuntime, processOf } from '../definition/process-of.ts';
import { isLine, queueLines, wiring } from '../definition/wiring.ts';
import { background } from '../error/background.ts';
import type { Accepting } from '../flow/accept.ts';
import { durableParts } from '../flow/collect.ts';
import { duplicateMemory } from '../flow/duplicate-memory.ts';
import type { Storing } from '../flow/enqueue.ts';
import { COPIES, type Routing } from '../flow/route.ts';
import type { Process, Wiring } from '../flow/wiring.ts';
import type { WorkMarks } from '../flow/work-marks.ts';
import { grants } from '../grant/grants.ts';
import { BusinessOperation } from '../host/business-operation.ts';
import { BusinessProcess } from '../host/business-process.ts';
import { BusinessService } from '../host/business-service.ts';
import type { Host, Runtime } from '../host/host.ts';
import type { PeerCertificates } from '../host/peer-certificates.ts';
import type { Events } from '../log/events.ts';
import type { HostLogs } from '../log/logger.ts';
import type { LoadedTables } from '../lookup/loaded-tables.ts';
import { systemClock } from '../time/clock.ts';
import type { Engine } from './engine.ts';
import type { Queued, QueuePlan, Queues } from './queues.ts';

/** What this engine provides to any production. */
export interface Works {
  readonly engine: Engine;
  readonly events: Events;
  readonly logs: HostLogs;
  /** The rows of code tables that are loaded from outside the files. */
  readonly loaded: LoadedTables;
  readonly credential: (name: string) => Promise<Credential>;
  readonly verifier: (name: string) => Promise<TokenVerifier>;
  readonly jwt: NamedJwtKeys;
  /** Called for each certificate that a peer presents to a host. */
  readonly peerCertificate: PeerCertificates['see'];
  /** Milliseconds that settled messages stay in their queue. */
  readonly margin?: number | undefined;
  /** Tells a watchdog what the production's code is working on; left out if there is no watchdog. */
  readonly marks?: WorkMarks | undefined;
  /** See `Accepting`. */
  readonly refusal?: Accepting['refusal'];
  /** Whether the disk of NATS has no room now. */
  readonly isFull?: (() => boolean) | undefined;
}

/** What the director knows about its hosts; it is kept when the production changes. */
interface Directed {
  readonly queues: Queues;
  /** Set while a host is in test mode: nothing is sent. */
  readonly testing: (host: string) => { readonly by: string; readonly reason: string } | undefined;
  /** Switches a host off durably because it stopped itself. */
  readonly disable: (host: string, reason: string) => Promise<void>;
  /** The wiring and the processes of the running definition, which may have changed since. */
  readonly wiring: () => Wiring;
  readonly process: (name: string) => Process;
}

/** The running definition, as the flow sees it: replaced as a whole when the production changes. */
export interface Assembly {
  readonly wiring: Wiring;
  routing(): Routing;
  /** What is needed to store the legs of a message. */
  readonly storing: Storing;
  process(name: string): Process;
  host(definition: HostDefinition): Host;
}

/** The wiring diagram: the parts that each kind of host is made of. */
export function assemble(works: Works, plan: QueuePlan, directed: Directed): Assembly {
  const { definition } = plan;
  const { queues } = directed;
  const { waiting, steps, keyed, broker } = works.engine;
  const processes = new Map<string, Process>();
  const runtime = runtimeOf(works, definition, directed.wiring);
  const routing = (): Routing => ({ ...runtime.accepting.routing, wiring: directed.wiring() });
  const processRuntime: ProcessRuntime = {
    now: () => systemClock.now(),
    marks: works.marks,
    jwt: works.jwt,
    log: (name, text) => works.events.told(name, 'info', 'process-log', text),
    parts: (name) => durableParts(name, { keyed, waiting, steps }),
    durable: { ...runtime.accepting, steps, keyed, waiting, routing },
  };
  const processNamed = (name: string): Process => {
    const process = processes.get(name) ?? processOf(definition, name, processRuntime);
    processes.set(name, process);
    return process;
  };
  const queueOf = (of: Queued) => queueFor(of, plan, { queues, broker });
  return {
    wiring: wiring(definition, processNamed, (host) => plan.generations.get(host) ?? 0),
    routing,
    storing: runtime.accepting,
    process: processNamed,
    host(of) {
      if (of.kind === 'service') return service(runtime, definition, of);
      if (of.kind === 'process') {
        const process = (): Process => directed.process(of.name);
        return new BusinessProcess(runtime, {
          ...of,
          ...queueOf(of),
          process,
          waiting,
          steps,
        });
      }
      return new BusinessOperation(runtime, {
        ...of,
        ...queueOf(of),
        line: isLine(of),
        doubts: queues.doubts,
        takeOver: (stream, signal) => queues.takeOver(stream, signal),
        cutOff: (stream) => queues.cutOff(stream),
        recall: () => queues.recall(),
        disable: (reason) => directed.disable(of.name, reason),
        testing: () => directed.testing(of.name),
      });
    },
  };
}

/** Where a host gets its messages from. */
const queueFor = (
  { name, order, pool }: Queued,
  plan: QueuePlan,
  { queues, broker }: { readonly queues: Queues; readonly broker: Broker },
) => ({
  streams: queueLines(order, pool).map(
    ({ partition }) => broker.names.queue(name, partition, plan.generations.get(name)).stream,
  ),
  others: queues.others(name, plan),
  settled: queues.settled(name),
  recollecting: queues.recollecting,
  restore: (stream: string, slots: number) => queues.ensureWorker(stream, slots),
  pool: typeof order === 'string' ? pool : 1,
});

function runtimeOf(
  { engine, events, logs, credential, verifier, jwt, peerCertificate, refusal }: Works,
  { name, settings, lookups }: Definition,
  running: () => Wiring,
): Runtime {
  const { broker, sending, bodies, journal, outcomes, answers, ids, leases, state } = engine;
  const { halfStored, handOffs, keyed } = engine;
  const { inlineLimit } = settings;
  // a body that cannot be removed now is removed by a later sweep
  const drop = (bodyRef: string): void =>
    background(bodies.remove(bodyRef), 'removing an unused large body', isAway);
  return {
    production: name,
    broker: sending,
    outcomes,
    events,
    logs,
    leases,
    clock: systemClock,
    credential,
    verifier,
    peerCertificate,
    memory: (host, isOurs) => state.memory(host, isOurs),
    records: (realm) => records(keyed, realm),
    launches: (realm) => engine.launches.of(realm),
    signIn: {
      keys: jwt,
      isPassword,
      attempts: (realm) => engine.attempts.of(realm),
      lendLaunches: (realm, launches) => engine.launches.lend(realm, launches),
      grants: (realm, limits) => grants({ keyed, realm, limits, clock: systemClock }),
      lookup: (table, key) => lookups.lookup(table, key),
    },
    accepting: {
      broker,
      journal,
      halfStored,
      handOffs,
      drop,
      events,
      bodies,
      answers,
      inlineLimit,
      refusal,
      routing: {
        wiring: running,
        ids,
        clock: systemClock,
        async store(id, body, copies = 1) {
          const most = copies === 1 ? inlineLimit : COPIES * inlineLimit;
          if (body.byteLength * copies <= most) return undefined;
          const { bodyRef, size } = await bodies.put(id, [body]);
          return { bodyRef, body: bodies.open(bodyRef, size) };
        },
        drop,
      },
    },
  };
}

function service(runtime: Runtime, { settings }: Definition, of: ServiceDefinition): Host {
  return new BusinessService(runtime, {
    adapter: of.adapter,
    settings: of.settings,
    accepting: {
      name: of.name,
      to: of.to,
      duplicates: of.duplicates,
      memory: duplicateMemory(settings.duplicateWindow),
    },
  });
}
