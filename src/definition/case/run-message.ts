import { EngineError } from '../../error/engine-error.ts';
import { outputOf } from '../../flow/code-message.ts';
import type { CallAnswer } from '../../flow/process-code.ts';
import { type Leg, route } from '../../flow/route.ts';
import { type Subject, subject } from '../../flow/subject.ts';
import type { Process } from '../../flow/wiring.ts';
import { inlineBody } from '../../message/body.ts';
import { idSource } from '../../message/id.ts';
import type { Envelope, NewMessage, Reply } from '../../message/message.ts';
import type { Explanation, RecordedError } from '../../message/record.ts';
import type { Clock } from '../../time/clock.ts';
import type { Definition } from '../definition.ts';
import { processOf } from '../process-of.ts';
import { wiring } from '../wiring.ts';

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
}

/**
 * Sends a message through a production with the engine's own routing, but stores and sends nothing:
 * queued processes run as if they were inline. Of the production tests, only this file knows how
 * messages flow.
 */
export async function runMessage(
  { definition, clock, answer }: DryRun,
  service: string,
  given: NewMessage & { readonly body: Uint8Array },
): Promise<MessageRun> {
  const ids = idSource({ value: 0 }, clock);
  const called: SentMessage[] = [];
  let reply: Reply | undefined;

  const watched = (name: string): Process => {
    let at: Subject | undefined;
    const process = processOf(definition, name, {
      now: () => clock.now(),
      log: () => undefined,
      sleep: () => Promise.resolve(),
      async call(target, body) {
        if (at === undefined) throw new Error('a call outside of a message');
        const output = body === undefined ? undefined : outputOf(body, at);
        called.push(
          sent(target, { ...at.message, ...output }, output?.body ?? (await at.body.bytes())),
        );
        const scripted = answer(target);
        if (scripted !== undefined) return scripted;
        throw new EngineError(
          'REPLY_TIMEOUT',
          `the case has no answer from ${target} for this call`,
        );
      },
    });
    return {
      readsBody: process.readsBody,
      async run(arrived, signal) {
        at = arrived;
        const result = await process.run(arrived, signal);
        reply ??= result.reply;
        return result;
      },
    };
  };

  const legs = await route(
    {
      wiring: wiring({ ...definition, processes: allInline(definition) }, watched),
      ids,
      clock,
      store: () => Promise.resolve(undefined),
      drop: () => undefined,
    },
    firstSubject(given, { service, id: ids.next(), now: clock.now() }),
    { to: targetsOf(definition, service).map((to) => ({ to })), key: 'test' },
  );
  const queued = await Promise.all(
    legs
      .filter(({ settled }) => settled === undefined)
      .map(async ({ message, body }) => sent(message.target, message, await body.bytes())),
  );
  return { sent: [...called, ...queued], processes: legs.flatMap(processRun), reply };
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

function processRun({ message, settled }: Leg): ProcessRun[] {
  if (settled === undefined) return [];
  const { status, explain, error } = settled;
  return [{ process: message.target, status, explain, error }];
}
