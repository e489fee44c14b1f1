import type { PassThrough } from 'node:stream';
import {
  type Credential,
  EngineError,
  type InboundAdapter,
  type Lent,
  type Logger,
  type LookupAdapter,
  type Message,
  type Open,
  type OutboundAdapter,
  type Reply,
  type StepDetail,
  StepFailure,
  type TestStep,
  type TokenVerifier,
  toldElsewhere,
} from '../../src/adapter/index.ts';
import { type ReadContext, readFields, type Settings } from '../../src/adapter/setting.ts';
import { concealed } from '../../src/credential/concealed.ts';
import type { ProductionNames } from '../../src/definition/names.ts';
import { readContext } from '../../src/definition/read-context.ts';
import type { EdifactProfile } from '../../src/document/edi/profile/edifact-profile.ts';
import { ConfigError } from '../../src/error/adapter-error.ts';
import { describeError } from '../../src/error/engine-error.ts';
import { expressionEnvironment } from '../../src/expression/environment.ts';
import { rootLogger } from '../../src/log/logger.ts';
import { type Body, inlineBody } from '../../src/message/body.ts';
import { type Answered, type Delivered, ObedientStore } from './obedient-store.ts';

export interface OpenOptions {
  /** The credentials, by the names in the settings. */
  readonly credentials?: Readonly<Record<string, Credential>>;
  /** The verifiers of callers' tokens, by the names of `jwt-key` credentials. */
  readonly verifiers?: Readonly<Record<string, TokenVerifier>>;
  /** The production's folder: relative paths start from it. */
  readonly folder?: string;
  /** Names that `target` and `lookup` settings may use. */
  readonly names?: readonly string[];
  /** The profiles that settings may name. */
  readonly profiles?: Readonly<Record<string, EdifactProfile>>;
  /** What the service remembers from an earlier run. */
  readonly memory?: string;
  /** The production's own `replies`. */
  readonly ruled?: readonly string[];
  /** What adapters keep, on a real NATS. */
  readonly records?: Lent<Settings>['records'];
}

interface SeenEvent {
  readonly level: string;
  readonly name: string;
  readonly text: string;
}

/** What an engine would have received from an adapter. */
export interface Seen {
  readonly events: SeenEvent[];
  /** The connection states it reported, in order. */
  readonly states: { readonly state: string; readonly detail: string | undefined }[];
  /** The owners of the certificates it saw. */
  readonly peers: { readonly name: string; readonly subject: string }[];
  /** Every line logged, at any level. */
  readonly log: string[];
}

/** An open inbound adapter, with a store that does what it is told. */
export interface OpenedInbound extends AsyncDisposable, Seen {
  readonly delivered: Delivered[];
  /** Deliveries that wait because of `hold`. */
  readonly waiting: number;
  /** How many deliveries were refused because of `refuse`. */
  readonly refused: number;
  readonly lost: Error[];
  memory: string | undefined;
  /** From now on each delivery is refused with this error: the store is down. */
  refuse(error?: Error): void;
  /** From now on deliveries are stored again. */
  accept(): void;
  /** From now on deliveries wait until `release`. */
  hold(): void;
  release(): void;
  /** From now on the store pauses after the first piece of a streamed body. */
  dawdle(over: () => Promise<void>): void;
  /** The reply to a delivery that requests one. */
  answer(reply: (message: Delivered) => Answered | Promise<Answered>): void;
  /** Aborts the host's signal, like a forced stop. */
  abort(): void;
  close(): Promise<void>;
}

export interface OpenedOutbound extends AsyncDisposable, Seen {
  send(
    body: Uint8Array | Body,
    message?: Partial<Message>,
    signal?: AbortSignal,
  ): Promise<Reply | undefined>;
  /** The same message at each try, as an engine sends it. */
  sendMessage(message: Message): Promise<Reply | undefined>;
  abort(): void;
  close(): Promise<void>;
}

/** Reads settings like the engine. Throws ConfigError with every problem. */
export function readGiven<S extends Settings>(
  declared: S,
  given: Readonly<Record<string, unknown>>,
  options: OpenOptions = {},
): Lent<S>['settings'] {
  const read = readFields(declared, given, contextOf(options));
  if (read.ok) return read.value;
  throw new ConfigError(
    read.problems.map(({ path, problem }) => `${['settings', ...path].join('.')}: ${problem}`),
  );
}

const NO_NAMES: ProductionNames = {
  targets: new Set(),
  credentials: new Map(),
  lookups: new Set(),
  profiles: new Set(),
  transforms: new Set(),
  used: {
    credential: new Set(),
    lookup: new Set(),
    target: new Set(),
    profile: new Set(),
    transform: new Set(),
  },
};

const LANGUAGE = expressionEnvironment({
  lookups: { names: [], lookup: () => '' },
});

/** The engine's own paths, templates and expressions; only the names a setting may use come from the test. */
function contextOf({
  credentials = {},
  verifiers = {},
  folder = '/',
  names = [],
  profiles = {},
}: OpenOptions): ReadContext {
  return {
    ...readContext(folder, NO_NAMES, LANGUAGE),
    edifact: (name) => profiles[name] ?? `there is no profile named ${name}`,
    unknown: (kind, name) =>
      names.includes(name) ? undefined : `there is no ${kind} named ${name}`,
    unfit: (name, kinds) => {
      if (name in verifiers && kinds?.includes('jwt-key') === true) return undefined;
      const found = credentials[name];
      if (found === undefined) return `there is no credential named ${name}`;
      return kinds === undefined || kinds.includes(found.kind)
        ? undefined
        : `${name} is of kind ${found.kind}; ${kinds.join(' or ')} is needed`;
    },
  };
}

const SECRETS = new Set(['password', 'privateKey', 'passphrase', 'key']);

/** Secrets hidden like in the engine: spreading or serializing a credential loses them here as well. */
function asLent(credential: Credential): Credential {
  const names = Object.getOwnPropertyNames(credential) as (keyof Credential)[];
  const entries = names.map((name) => [name, credential[name]] as const);
  return concealed(
    Object.fromEntries(entries.filter(([name]) => !SECRETS.has(name))),
    Object.fromEntries(entries.filter(([name]) => SECRETS.has(name))),
  ) as Credential;
}

interface LentParts<S extends Settings> {
  readonly lent: Lent<S>;
  readonly seen: Seen;
  readonly abort: () => void;
}

/** What an engine provides to an adapter, and a record of what it then receives from it. */
export function lend<S extends Settings>(
  declared: S,
  given: Readonly<Record<string, unknown>>,
  options: OpenOptions,
): LentParts<S> {
  const seen: Seen = { events: [], states: [], log: [], peers: [] };
  const log: Logger = rootLogger('trace', { write: (line) => seen.log.push(line) });
  const controller = new AbortController();
  const lent: Lent<S> = {
    host: 'under-test',
    production: 'test',
    settings: readGiven(declared, given, options),
    log,
    signal: controller.signal,
    async credential(name) {
      const found = options.credentials?.[name];
      if (found === undefined) throw new EngineError('CREDENTIAL_MISSING', `no credential ${name}`);
      return asLent(found);
    },
    async verifier(name) {
      const found = options.verifiers?.[name];
      if (found === undefined) throw new EngineError('CREDENTIAL_MISSING', `no credential ${name}`);
      return found;
    },
    peerCertificate: (name, { subject }) => seen.peers.push({ name, subject }),
    connection: (state, detail) => seen.states.push({ state, detail }),
    event: (level, name, text) => seen.events.push({ level, name, text }),
    isRuled: (key) => options.ruled?.includes(key) ?? false,
    records: options.records,
  };
  return { lent, seen, abort: () => controller.abort(new Error('host stopped')) };
}

/** Opens an inbound adapter outside the engine. By default every delivery is stored. */
export async function openInbound<S extends Settings>(
  adapter: InboundAdapter<S>,
  given: Readonly<Record<string, unknown>>,
  options: OpenOptions = {},
): Promise<OpenedInbound> {
  const { lent, seen, abort } = lend(adapter.settings, given, options);
  const store = new ObedientStore(options.memory);
  const open = await adapter.open({
    ...lent,
    deliver: (message, wanted) => store.deliver(message, wanted),
    lost: (reason) => store.lost.push(reason),
    memory: {
      read: async () => store.memory,
      write: async (value) => {
        store.memory = value;
      },
    },
  });
  return Object.assign(store, seen, opened(open, abort));
}

export async function openOutbound<S extends Settings>(
  adapter: OutboundAdapter<S>,
  given: Readonly<Record<string, unknown>>,
  options: OpenOptions = {},
): Promise<OpenedOutbound> {
  const { lent, seen, abort } = lend(adapter.settings, given, options);
  const open = await adapter.open(lent);
  return {
    ...seen,
    ...opened(open, abort),
    send: (body, overrides = {}, signal = new AbortController().signal) =>
      open.send(messageOf(body, overrides), signal),
    sendMessage: (message) => open.send(message, new AbortController().signal),
  };
}

function opened(
  open: Open,
  abort: () => void,
): Pick<OpenedInbound, 'abort' | 'close' | typeof Symbol.asyncDispose> {
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= open.close());
  return { abort, close, [Symbol.asyncDispose]: close };
}

/** A message for an operation. */
export function messageOf(body: Uint8Array | Body, overrides: Partial<Message> = {}): Message {
  const held = body instanceof Uint8Array ? inlineBody(body) : body;
  return {
    id: 7_000_001,
    sessionId: 7_000_001,
    source: 'adt-in',
    target: 'under-test',
    type: 'HL7v2:ADT_A01:2.5.1',
    created: Date.UTC(2026, 0, 1),
    received: Date.UTC(2026, 0, 1),
    size: held.size,
    body: held,
    ...overrides,
  };
}

/** A body that is not in memory, as from the object store: in chunks of 64 KB. */
export function streamedBody(bytes: Uint8Array): Body {
  return {
    size: bytes.length,
    inline: undefined,
    bytes: () => Promise.resolve(bytes),
    async *stream() {
      for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
    },
  };
}

/**
 * A body whose chunks come when a test writes them. Its reader gets the error that destroys the
 * stream, even if that happens before it reads.
 */
export function slowBody(chunks: PassThrough): Body {
  chunks.on('error', toldElsewhere);
  return {
    size: 0,
    inline: undefined,
    bytes: () => Promise.reject(new Error('read as a whole')),
    stream: () => chunks,
  };
}

/** Runs an adapter's connection test and returns its steps; if any failed, it is the last one. */
export async function testSteps<S extends Settings>(
  adapter: InboundAdapter<S> | OutboundAdapter<S> | LookupAdapter<S>,
  given: Readonly<Record<string, unknown>>,
  options: OpenOptions = {},
): Promise<TestStep[]> {
  const { lent, abort } = lend(adapter.settings, given, options);
  const steps: TestStep[] = [];
  const step = async <Value>(
    name: string,
    run: (detail: StepDetail) => Promise<Value> | Value,
  ): Promise<Value> => {
    let detail: string | undefined;
    let result: TestStep['result'] = 'passed';
    try {
      const value = await run((text, untried) => {
        detail = text;
        if (untried !== undefined) result = 'skipped';
      });
      steps.push({ name, result, detail, took: 0 });
      return value;
    } catch (error) {
      const known = error instanceof StepFailure;
      const cause = known ? error.message : describeError(error).text;
      steps.push({
        name,
        result: 'failed',
        detail,
        cause,
        remedy: known ? error.remedy : undefined,
        took: 0,
      });
      throw error;
    }
  };
  await adapter.test?.(lent, step).catch(() => undefined);
  abort();
  return steps;
}

/** What a sending failed with. */
export const failureOf = (sending: Promise<unknown>): Promise<Error & { code?: string }> =>
  sending.then(
    () => new Error('it was sent'),
    (error: unknown) => error as Error,
  );

/** What operators were told. */
export const texts = ({ events }: OpenedInbound): string =>
  events.map(({ text }) => text).join('\n');

/** The steps up to the failed one: their names, and what the last one says. */
export const failedStep = (steps: readonly TestStep[]): [string[], TestStep | undefined] => [
  steps.map(({ name }) => name),
  steps.find(({ result }) => result === 'failed'),
];
