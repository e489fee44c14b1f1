import type { Credential } from '../adapter/credential.ts';
import type { TokenVerifier } from '../adapter/token-verifier.ts';
import { isAway } from '../broker/away.ts';
import type {
  Definition,
  OperationDefinition,
  ProcessDefinition,
  ServiceDefinition,
} from '../definition/definition.ts';
import { type ProcessParts, processOf } from '../definition/process-of.ts';
import { isLine, queueLines, wiring } from '../definition/wiring.ts';
import { background } from '../error/background.ts';
import type { Doubts } from '../flow/doubts.ts';
import { duplicateMemory } from '../flow/duplicate-memory.ts';
import type { Storing } from '../flow/enqueue.ts';
import type { Routing } from '../flow/route.ts';
import type { SettledMemory } from '../flow/settled-memory.ts';
import type { Process, Wiring } from '../flow/wiring.ts';
import type { WorkMarks } from '../flow/work-marks.ts';
import { BusinessOperation } from '../host/business-operation.ts';
import { BusinessProcess } from '../host/business-process.ts';
import { BusinessService } from '../host/business-service.ts';
import type { Host, Runtime } from '../host/host.ts';
import type { OtherLines } from '../host/other-lines.ts';
import type { PeerCertificates } from '../host/peer-certificates.ts';
import type { Events } from '../log/events.ts';
import type { HostLogs } from '../log/host-logs.ts';
import { type Clock, systemClock } from '../time/clock.ts';
import type { Engine } from './engine.ts';
import type { QueuePlan } from './queues.ts';

/** What hosts need that outlives a change of the production. */
export interface AssemblyParts {
  readonly engine: Engine;
  readonly events: Events;
  readonly logs: HostLogs;
  readonly clock?: Clock;
  readonly credential: (name: string) => Promise<Credential>;
  readonly verifier: (name: string) => Promise<TokenVerifier>;
  /** Told of each certificate that a peer shows to a host. */
  readonly peerCertificate: PeerCertificates['see'];
  /** Tells a watchdog what the production's code is at work on; left out where there is none. */
  readonly marks?: WorkMarks | undefined;
  /** Switches a host off durably because it stopped itself. */
  readonly disable: (host: string, reason: string) => Promise<void>;
  /** Which messages may have been sent before a crash; kept over a change of the production. */
  readonly doubts: Doubts;
  /** Reads what all engines settled lately into `settled`. */
  readonly recall: () => Promise<void>;
  /** What each queue has settled lately; kept over a change of the production. */
  readonly settled: (host: string) => SettledMemory;
  /** Which streams hold the queue of a host, and which it has beside them. */
  readonly plan: QueuePlan;
  readonly otherLines: (host: string) => OtherLines;
  /** Set while a host is in test mode: nothing goes out. */
  readonly testing: (host: string) => { readonly by: string; readonly reason: string } | undefined;
}

/** Where the flow finds the definition of the moment: swapped whole when the production changes. */
export interface Assembly {
  readonly wiring: Wiring;
  routing(): Routing;
  /** What storing the legs of a message needs. */
  readonly storing: Storing;
  process(name: string): Process;
  host(definition: ServiceDefinition | ProcessDefinition | OperationDefinition): Host;
}

/** Reads as the wiring diagram: which parts of the program each kind of host is made of. */
export function assemble(
  parts: AssemblyParts,
  definition: Definition,
  current: () => Assembly,
): Assembly {
  const clock = parts.clock ?? systemClock;
  const processes = new Map<string, Process>();
  const runtime = runtimeOf(parts, definition, () => current().wiring, clock);
  const routing = (): Routing => ({ ...runtime.accepting.routing, wiring: current().wiring });
  const processParts: ProcessParts = {
    now: () => clock.now(),
    marks: parts.marks,
    log: (name, text) => parts.events.told(name, 'info', 'process-log', text),
    durable: { ...runtime.accepting, steps: parts.engine.steps, routing },
  };
  const processNamed = (name: string): Process => {
    const process = processes.get(name) ?? processOf(definition, name, processParts);
    processes.set(name, process);
    return process;
  };
  return {
    wiring: wiring(definition, processNamed, (host) => parts.plan.generations.get(host) ?? 0),
    routing,
    storing: runtime.accepting,
    process: processNamed,
    host(of) {
      if (of.kind === 'service') return service(runtime, definition, of);
      if (of.kind === 'operation') return operation(runtime, parts, of);
      return new BusinessProcess(runtime, {
        name: of.name,
        process: () => current().process(of.name),
        streams: streamsOf(parts, of),
        others: parts.otherLines(of.name),
        pool: typeof of.order === 'string' ? of.pool : 1,
        settled: parts.settled(of.name),
        whileWaiting: of.whileWaiting,
        waiting: parts.engine.waiting,
        steps: parts.engine.steps,
      });
    },
  };
}

function runtimeOf(
  { engine, events, logs, credential, verifier, peerCertificate }: AssemblyParts,
  { name, settings }: Definition,
  current: () => Wiring,
  clock: Clock,
): Runtime {
  const { broker, sending, bodies, journal, outcomes, answers, ids, leases, state } = engine;
  const { halfStored } = engine;
  const { inlineLimit } = settings;
  // what cannot be removed now is swept later
  const drop = (bodyRef: string): void =>
    background(bodies.remove(bodyRef), 'removing a large body of no use', isAway);
  return {
    production: name,
    broker: sending,
    outcomes,
    events,
    logs,
    leases,
    clock,
    credential,
    verifier,
    peerCertificate,
    memory: (host) => state.memory(host),
    accepting: {
      broker,
      journal,
      halfStored,
      drop,
      events,
      bodies,
      answers,
      inlineLimit,
      routing: {
        wiring: current,
        ids,
        clock,
        async store(id, body) {
          if (body.byteLength <= inlineLimit) return undefined;
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

function operation(runtime: Runtime, parts: AssemblyParts, of: OperationDefinition): Host {
  return new BusinessOperation(runtime, {
    name: of.name,
    adapter: of.adapter,
    settings: of.settings,
    streams: streamsOf(parts, of),
    others: parts.otherLines(of.name),
    settled: parts.settled(of.name),
    pool: typeof of.order === 'string' ? of.pool : 1,
    line: isLine(of),
    retry: of.retry,
    timeout: of.timeout,
    replies: of.replies,
    answersTo: of.answersTo,
    doubts: parts.doubts,
    recall: parts.recall,
    disable: (reason) => parts.disable(of.name, reason),
    testing: () => parts.testing(of.name),
  });
}

function streamsOf(
  { engine, plan }: AssemblyParts,
  { name, order, pool }: ProcessDefinition | OperationDefinition,
): string[] {
  const generation = plan.generations.get(name);
  return queueLines(order, pool).map(
    ({ partition }) => engine.broker.names.queue(name, partition, generation).stream,
  );
}
