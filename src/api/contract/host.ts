import { OVERRIDE_KINDS } from '../../broker/overrides.ts';
import { closed, Id, Json, list, maybe, Reason, record, Time, word } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';
import { FoundMessage } from './message.ts';

export const Kind = word('service', 'process', 'operation');

export const Place = Type.Object({
  file: Type.String(),
  line: Type.Integer(),
  column: Type.Integer(),
});

export const HealthWord = word('running', 'retrying', 'disconnected', 'stopped', 'off', 'inline');

const Connection = word('listening', 'connected', 'waiting', 'disconnected');

const LogLevel = word('debug', 'info', 'warn', 'error');

const LastError = Type.Object({ code: Type.String(), text: Type.String(), at: Time });

/** The state of a host on one engine. */
export const HostOnEngine = Type.Object({
  engine: Type.Integer(),
  state: word('running', 'stopped'),
  connection: maybe(Connection),
  detail: maybe(Type.String()),
  reconnect: maybe(Time),
  inFlight: Type.Integer(),
  retrying: maybe(Type.Object({ messageId: Id, attempt: Type.Integer(), next: Time })),
  lastError: maybe(LastError),
  lastActivity: maybe(Time),
  messages: Type.Integer({ description: 'Counted since the engine started.' }),
});

/** A setting made by a person for a limited time, overriding the file. */
export const Override = Type.Object({
  kind: word(...OVERRIDE_KINDS),
  level: maybe(LogLevel),
  by: Type.String(),
  at: Time,
  until: Time,
  reason: Type.String(),
});
export type Override = Static<typeof Override>;

export const OverrideRequest = closed({
  level: maybe(LogLevel),
  for: Type.Integer({
    minimum: 1_000,
    maximum: 30 * 86_400_000,
    description: 'Milliseconds, after which it ends by itself.',
  }),
  reason: Reason,
});
export type OverrideRequest = Static<typeof OverrideRequest>;

export const OverrideParameters = closed({
  host: Type.String({ minLength: 1, maxLength: 200 }),
  kind: word(...OVERRIDE_KINDS),
});

/** A host over all engines. */
export const Host = Type.Object({
  name: Type.String(),
  kind: Kind,
  title: maybe(Type.String()),
  tags: list(Type.String()),
  adapter: maybe(Type.String()),
  /** One word, the worst over all engines; `off` means switched off by a person or by the host itself. */
  health: HealthWord,
  queue: maybe(
    Type.Object({
      depth: Type.Integer(),
      oldest: maybe(Time),
    }),
  ),
  waiting: maybe(
    Type.Object(
      { count: Type.Integer(), next: maybe(Time) },
      {
        description:
          'Messages that wait outside the queue for a time or an answer, and when the next one continues at the latest.',
      },
    ),
  ),
  switchedOff: maybe(Type.Object({ by: Type.String(), at: Time, reason: Type.String() })),
  overrides: list(Override),
  lastError: maybe(LastError),
  lastActivity: maybe(Time),
  engines: list(HostOnEngine),
});
export type Host = Static<typeof Host>;

export const Hosts = Type.Object({ at: Time, hosts: list(Host) });
export type Hosts = Static<typeof Hosts>;

export const FindHostsQuery = closed({ text: Type.String({ minLength: 2, maxLength: 200 }) });

export const FoundHost = Type.Object({
  host: Type.String(),
  kind: Kind,
  found: list(Type.Object({ path: Type.String(), value: Type.String() }), {
    description: 'What contains the text: `connect`, `tls.trust`, `comment`.',
  }),
});
export type FoundHost = Static<typeof FoundHost>;
export const FoundHosts = Type.Object({ hosts: list(FoundHost) });
export type FoundHosts = Static<typeof FoundHosts>;

export const Setting = Type.Object({
  path: Type.String(),
  of: word('adapter', 'host'),
  value: Json,
  written: Type.Boolean({ description: 'false: not in the file, this is the default.' }),
  place: maybe(Place),
  help: maybe(Type.String()),
  advanced: Type.Boolean(),
});

export const Rule = Type.Object({
  set: Type.String(),
  name: Type.String(),
  when: maybe(Type.String()),
  send: list(Type.Object({ to: Type.String(), transforms: list(Type.String()) })),
  disabled: Type.Boolean(),
});

export const HostAlert = Type.Object({
  queue: maybe(Type.Number()),
  wait: maybe(Type.Number()),
  silent: maybe(Type.Number()),
  failed: maybe(Type.Number()),
  fewer: maybe(Type.Integer()),
  quiet: maybe(Type.String()),
});

/** The host's page: its state and its settings, each with its place in the files. */
export const HostPage = Type.Object({
  host: Host,
  comment: maybe(Type.String()),
  place: Place,
  adapter: maybe(
    Type.Object({ type: Type.String(), title: Type.String(), summary: Type.String() }),
  ),
  enabled: Type.Boolean(),
  takesTests: Type.Boolean({ description: 'Whether people may send it test messages.' }),
  schedule: maybe(Type.String()),
  alert: maybe(HostAlert),
  settings: list(Setting),
  rules: list(Rule),
  sendsTo: list(Type.String()),
  receivesFrom: list(Type.String()),
});
export type HostPage = Static<typeof HostPage>;

export const SwitchRequest = closed({ reason: maybe(Reason) });

export const TestReport = Type.Object({
  passed: Type.Boolean(),
  steps: list(
    Type.Object({
      name: Type.String(),
      result: word('passed', 'failed', 'skipped'),
      detail: maybe(Type.String()),
      cause: maybe(Type.String()),
      remedy: maybe(Type.String()),
      took: Type.Number(),
    }),
  ),
});
export type TestReport = Static<typeof TestReport>;

export const Queues = Type.Object({
  at: Time,
  queues: list(
    Type.Object({
      host: Type.String(),
      kind: Kind,
      health: HealthWord,
      depth: Type.Integer(),
      oldest: maybe(Time),
      inFlight: Type.Integer(),
      retrying: maybe(Type.Object({ messageId: Id, attempt: Type.Integer(), next: Time })),
      reconnect: maybe(Time),
    }),
  ),
});
export type Queues = Static<typeof Queues>;

/** Oldest first. */
export const QueuedMessages = Type.Object({
  items: list(FoundMessage),
  next: maybe(Id),
});
export type QueuedMessages = Static<typeof QueuedMessages>;

export const QueuedQuery = closed({
  after: maybe(Id),
  limit: maybe(Type.Integer({ minimum: 1, maximum: 1_000 })),
  fields: maybe(
    Type.String({ maxLength: 4_000, description: 'Search fields to return, separated by commas.' }),
  ),
});

export const Edge = Type.Object({
  from: Type.String(),
  to: Type.String(),
  by: word('to', 'rule', 'code', 'invalid', 'setting'),
  labels: list(Type.String()),
});

/** What waits for a host that the production no longer has. */
const LeftQueue = Type.Object({
  host: Type.String(),
  depth: Type.Integer(),
  waiting: Type.Integer({ description: 'How many of them wait for a time or an answer.' }),
  oldest: maybe(Time),
  becomes: maybe(word('process', 'operation')),
});

/** The data of the map. */
export const ProductionMap = Type.Object({
  name: Type.String(),
  title: Type.String(),
  hosts: list(Host),
  edges: list(Edge),
  settings: record(Json),
  alerts: maybe(Type.Object({ to: list(Type.String()), every: Type.Number() })),
  engines: list(Type.Object({ engine: Type.Integer(), started: Time })),
  left: list(LeftQueue),
});
export type ProductionMap = Static<typeof ProductionMap>;

export const ReloadRequest = closed({
  dryRun: Type.Boolean({ description: 'Only show what would change.' }),
  reason: maybe(Reason),
  version: maybe(
    Type.String({
      maxLength: 100,
      description: 'The `version` that was shown; other files are not applied.',
    }),
  ),
  leaveWaiting: maybe(
    Type.Boolean({
      description:
        'Removes hosts although messages wait for them; these messages stay until the production has the host again.',
    }),
  ),
});
export type ReloadRequest = Static<typeof ReloadRequest>;

/** `before` is missing for additions, `after` for removals. */
const Change = Type.Object({ path: Type.String(), before: maybe(Json), after: maybe(Json) });

/** What `apply` changes or has changed, the same on every engine. */
export const ReloadReport = Type.Object({
  applied: Type.Boolean(),
  hosts: list(
    Type.Object({
      host: Type.String(),
      kind: Kind,
      how: word('added', 'removed', 'changed'),
      changes: list(Change),
      restart: Type.Boolean(),
    }),
  ),
  production: list(Change),
  restarts: list(Type.String()),
  version: Type.String({ description: 'The version of the files that were read.' }),
  waiting: list(LeftQueue),
});
export type ReloadReport = Static<typeof ReloadReport>;
