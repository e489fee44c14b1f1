import { credentials } from '../../credential/credentials.ts';
import { type NamedJwtKeys, namedJwtKeys } from '../../credential/jwt/token-keys.ts';
import { EngineError } from '../../error/engine-error.ts';
import { messageOf, outputOf } from '../../flow/code-message.ts';
import { codeTime } from '../../flow/code-time.ts';
import { refuseReceive } from '../../flow/mail.ts';
import type { CallAnswer, ProcessMessage, ReceiveOptions } from '../../flow/process-code.ts';
import { type Leg, route } from '../../flow/route.ts';
import { heldState } from '../../flow/shared-state.ts';
import { type Subject, subject } from '../../flow/subject.ts';
import type { Process, ProcessSend } from '../../flow/wiring.ts';
import { silentLogger } from '../../log/logger.ts';
import { inlineBody } from '../../message/body.ts';
import type { Envelope, NewMessage, Reply } from '../../message/message.ts';
import type { Explanation, RecordedError } from '../../message/record.ts';
import type { Clock } from '../../time/clock.ts';
import type { Definition } from '../definition.ts';
import { conditionsOf, processOf } from '../process-of.ts';
import { wiring } from '../wiring.ts';
import { CaseMemory } from './case-memory.ts';

/** A message that got to an operation. */
export interface SentMessage {
  readonly to: string;
  readonly type: string;
  readonly name: string | undefined;
  readonly charset: string | undefined;
  readonly body: Uint8Array;
}

/** What a process did with the message. */
export interface ProcessRun {
  readonly process: string;
  readonly status: 'completed' | 'discarded' | 'suspended';
  readonly explain: Explanation | undefined;
  readonly error: RecordedError | undefined;
  /** What code threw, in its own words, which `error` withholds since they may quote a message: of a case it is made up. */
  readonly thrown: string | undefined;
}

/** What happened to one message. */
export interface MessageRun {
  readonly sent: readonly SentMessage[];
  readonly processes: readonly ProcessRun[];
  /** What a code process answered. */
  readonly reply: Reply | undefined;
}

interface DryRun {
  readonly definition: Definition;
  readonly clock: Clock;
  /** The next scripted answer of a target; undefined if there is none. */
  readonly answer: (target: string) => CallAnswer | undefined;
  /** The next message that a process receives; undefined if none comes in time. */
  readonly receive?: () => (NewMessage & { readonly body: Uint8Array }) | undefined;
  /** What came before; by default nothing. */
  readonly memory?: CaseMemory;
}

/**
 * Sends a message through a production with the engine's own routing, but stores and sends nothing:
 * queued processes run as if they were inline. Of the production tests, only this file knows how
 * messages flow.
 */
export async function runMessage(
  dry: DryRun,
  service: string,
  given: NewMessage & { readonly body: Uint8Array },
): Promise<MessageRun> {
  const { definition, clock } = dry;
  const memory = dry.memory ?? new CaseMemory(clock);
  const first = firstSubject(given, { service, id: memory.ids.next(), now: clock.now() });
  const to = targetsOf(definition, service).map((target) => ({ to: target }));
  return routed({ ...dry, memory }, first, { to });
}

/** What becomes of the messages that are still collected when their time comes. */
export async function runLeft(
  dry: DryRun & { readonly memory: CaseMemory },
): Promise<MessageRun[]> {
  const runs: MessageRun[] = [];
  for (const { process, first } of dry.memory.expired()) {
    const firstId = first.message.id;
    runs.push(await routed(dry, first, { to: [{ to: process }], firstId }));
  }
  return runs;
}

/** What checks a token sees the time of the test. */
function keysOf({ folder, credentials: entries }: Definition, clock: Clock): NamedJwtKeys {
  return namedJwtKeys(credentials(entries, { folder, clock, log: silentLogger }));
}

async function routed(
  dry: DryRun & { readonly memory: CaseMemory },
  first: Subject,
  { to, firstId }: { readonly to: readonly ProcessSend[]; readonly firstId?: number },
): Promise<MessageRun> {
  const { definition, clock, answer, memory } = dry;
  const called: SentMessage[] = [];
  const thrown = new Map<string, string>();
  let reply: Reply | undefined;

  const watched = (name: string): Process => {
    let at: Subject | undefined;
    const process = processOf(definition, name, {
      now: () => clock.now(),
      log: () => undefined,
      jwt: keysOf(definition, clock),
      sleep: async (time) => void codeTime('the time of context.sleep', time),
      receive: async (options) => received(dry, name, options),
      state: (key) => heldState(memory.states, key),
      parts: (of) => memory.parts(of),
      async call(target, body, { timeout = 0 } = {}) {
        codeTime('timeout of context.call', timeout);
        if (at === undefined) throw new Error('a call outside of a message');
        const output = body === undefined ? undefined : outputOf(body, at);
        called.push(
          sent(target, { ...at.message, ...output }, output?.body ?? (await at.body.bytes())),
        );
        return answer(target) ?? noAnswer(target);
      },
    });
    return {
      readsBody: process.readsBody,
      async run(arrived, signal) {
        at = arrived;
        memory.comes(arrived);
        const result = await process.run(arrived, signal);
        reply ??= result.reply;
        return result;
      },
    };
  };

  const legs = await route(
    {
      wiring: wiring({ ...definition, processes: allInline(definition) }, (name) =>
        telling(watched(name), (words) => thrown.set(name, words)),
      ),
      ids: memory.ids,
      clock,
      store: () => Promise.resolve(undefined),
      drop: () => undefined,
    },
    first,
    { to, key: 'test', firstId },
  );
  const processes = legs.flatMap((leg) => processRun(leg, thrown));
  return { sent: [...called, ...(await queuedOf(legs))], processes, reply };
}

function noAnswer(target: string): never {
  throw new EngineError('REPLY_TIMEOUT', `the case has no answer from ${target} for this call`);
}

/** The next message that comes to a process while it waits. */
function received(
  { definition, clock, receive, memory }: DryRun & { readonly memory: CaseMemory },
  process: string,
  options: ReceiveOptions,
): ProcessMessage | undefined {
  codeTime('timeout of context.receive', options.timeout);
  const next = receive?.();
  const arrived =
    next && firstSubject(next, { service: process, id: memory.ids.next(), now: clock.now() });
  assertReceivable(definition, process, { arrived, options });
  return arrived && messageOf(arrived);
}

function allInline({ processes }: Definition): Definition['processes'] {
  return new Map([...processes].map(([name, of]) => [name, { ...of, run: 'inline' as const }]));
}

function targetsOf({ services }: Definition, service: string): readonly string[] {
  return services.get(service)?.to ?? [];
}

function firstSubject(
  { type, charset, name, body }: NewMessage & { readonly body: Uint8Array },
  { service, id, now }: { readonly service: string; readonly id: number; readonly now: number },
): Subject {
  const envelope: Envelope = {
    id,
    sessionId: id,
    source: service,
    target: '',
    type,
    created: now,
    received: now,
    size: body.byteLength,
    charset,
    name,
  };
  return subject(envelope, inlineBody(body));
}

function sent(
  to: string,
  { type, name, charset }: Pick<Envelope, 'type' | 'name' | 'charset'>,
  body: Uint8Array,
): SentMessage {
  return { to, type, name, charset, body };
}

/** What got to the operations. */
const queuedOf = (legs: readonly Leg[]): Promise<SentMessage[]> =>
  Promise.all(
    legs
      .filter(({ settled }) => settled === undefined)
      .map(async ({ message, body }) => sent(message.target, message, await body.bytes())),
  );

/** The same process, with a listener to what its code throws. */
const telling = (process: Process, onThrown: (words: string) => void): Process => ({
  ...process,
  async run(arrived, signal) {
    try {
      return await process.run(arrived, signal);
    } catch (error) {
      const cause = error instanceof EngineError ? error.cause : undefined;
      if (cause instanceof Error) onThrown(cause.message);
      throw error;
    }
  },
});

function processRun(
  { message: { target }, settled }: Leg,
  thrown: ReadonlyMap<string, string>,
): ProcessRun[] {
  if (settled === undefined) return [];
  const { status, explain, error } = settled;
  return [{ process: target, status, explain, error, thrown: error && thrown.get(target) }];
}

/**
 * Throws PROCESS_FAILED if an engine would not give this message to the code that waits: a case
 * would pass with a key that no message ever has.
 */
function assertReceivable(
  definition: Definition,
  process: string,
  { arrived, options: { key, when } }: Receiving,
): void {
  const receives = definition.processes.get(process)?.receives;
  if (receives?.key === undefined) throw refuseReceive(process);
  if (arrived === undefined) return;
  const found = String(receives.key.evaluate(arrived));
  if (found !== key) {
    const has = found === '' ? 'an empty key' : `the key "${found}"`;
    throw refused(`by the key of receives the next message has ${has}, and "${key}" is waited for`);
  }
  if (when !== undefined && !conditionsOf(definition, process)(when).evaluate(arrived)) {
    throw refused(`the next message does not fit ${when}`);
  }
}

interface Receiving {
  /** The next message of the case; undefined if there is none. */
  readonly arrived: Subject | undefined;
  readonly options: ReceiveOptions;
}

const refused = (why: string): EngineError =>
  new EngineError('PROCESS_FAILED', `the case gives a message that is not received: ${why}`);
