import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answers } from '../broker/answers.ts';
import type { Steps } from '../broker/steps.ts';
import { EngineError, isEngineError } from '../error/engine-error.ts';
import { bytesOf, codeFailed, messageOf, outputOf } from './code-message.ts';
import { directAnswer } from './direct-answer.ts';
import { enqueue, type Storing } from './enqueue.ts';
import type { CallAnswer, ProcessBody, ProcessCode, ProcessContext } from './process-code.ts';
import { type Routing, route } from './route.ts';
import { onLeg, type Subject } from './subject.ts';
import type { Process } from './wiring.ts';

export interface DurableParts extends Storing {
  readonly name: string;
  readonly code: () => Promise<ProcessCode>;
  readonly steps: Steps;
  readonly answers: Answers;
  readonly routing: () => Routing;
  readonly lookup: ProcessContext['lookup'];
  readonly log: (text: string) => void;
}

const CALL_TIMEOUT = 60_000;

/** A code process whose effects are done once, over crashes (architecture.md §6). Runs from a queue. */
export function durableProcess(parts: DurableParts): Process {
  return {
    readsBody: true,
    async run(subject, signal = new AbortController().signal) {
      const code = await parts.code();
      try {
        const reply = await code(messageOf(subject), contextOf(parts, subject, signal));
        return { status: 'completed', sends: [], explain: undefined, reply };
      } catch (error) {
        if (signal.aborted || isOutage(error)) throw error;
        throw isEngineError(error) ? error : codeFailed(parts.name, error);
      }
    },
  };
}

/** What could not be stored or reached is no fault of the code: the message goes back to its queue. */
export function isOutage(error: unknown): boolean {
  return (
    isEngineError(error) && (error.code === 'QUEUE_UNAVAILABLE' || error.code === 'QUEUE_FULL')
  );
}

function contextOf(parts: DurableParts, subject: Subject, signal: AbortSignal): ProcessContext {
  const { steps } = parts;
  const { id } = subject.message;
  let count = 0;

  /** Does a step unless it was done before the crash; its record is written after it. */
  const once = async (
    what: string,
    run: (key: string) => Promise<void>,
  ): Promise<{ key: string; at: number }> => {
    signal.throwIfAborted();
    const key = `${id}.${count++}`;
    const fingerprint = createHash('sha1').update(what).digest('base64url');
    const done = await steps.read(`${key}.done`);
    if (done !== undefined) {
      if (done.fingerprint !== fingerprint) throw diverged(parts.name, count);
      return { key, at: done.at };
    }
    await run(key);
    const at = Date.now();
    await steps.write(`${key}.done`, { fingerprint, at });
    return { key, at };
  };

  const put = async (
    target: string,
    body: ProcessBody | undefined,
    key: string,
    replyTo?: string,
  ): Promise<void> => {
    const from = onLeg(subject, {
      ...subject.message,
      source: parts.name,
      parentId: id,
      replyTo,
    });
    const output = body === undefined ? undefined : outputOf(body, subject);
    const legs = await route(parts.routing(), from, {
      to: [{ to: target, output }],
      key: `p${key}`,
    });
    await enqueue(parts, legs);
    const direct = directAnswer(legs);
    if (replyTo !== undefined && direct !== undefined) await parts.answers.send(replyTo, direct);
  };

  return {
    async send(target, body) {
      await once(`send ${target} ${digest(body)}`, (key) => put(target, body, key));
    },
    async call(target, body, { timeout = CALL_TIMEOUT } = {}) {
      const { key, at } = await once(`call ${target} ${digest(body)}`, (step) =>
        put(target, body, step, steps.answerAddress(`${step}.answer`)),
      );
      return answerOf(parts, key, { signal, target, left: at + timeout - Date.now() });
    },
    async sleep(time) {
      const { at } = await once(`sleep ${time}`, () => Promise.resolve());
      await sleep(Math.max(0, at + time - Date.now()), undefined, { signal });
    },
    async now() {
      return (await once('now', () => Promise.resolve())).at;
    },
    lookup: parts.lookup,
    log: parts.log,
  };
}

async function answerOf(
  { steps, answers, name }: DurableParts,
  key: string,
  { signal, target, left }: { signal: AbortSignal; target: string; left: number },
): Promise<CallAnswer> {
  const late = AbortSignal.timeout(Math.max(1, left));
  try {
    const stored = await steps.answer(`${key}.answer`, AbortSignal.any([signal, late]));
    const { reply, outcome } = await answers.read(stored.body);
    return {
      status: outcome?.status ?? 'completed',
      code: reply?.code,
      text: reply?.text ?? outcome?.text,
      type: reply?.type,
      body: reply?.body,
    };
  } catch (error) {
    if (!late.aborted || signal.aborted) throw error;
    throw new EngineError('REPLY_TIMEOUT', `${target} did not answer ${name} in time`, {
      retryable: true,
    });
  }
}

function diverged(name: string, step: number): EngineError {
  return new EngineError(
    'PROCESS_DIVERGED',
    `${name} took another path when it ran again: step ${step} is not what it was. Use context.now() and calls instead of clocks, random numbers and outside state.`,
  );
}

function digest(body: ProcessBody | undefined): string {
  if (body === undefined) return 'as it came';
  return createHash('sha1').update(bytesOf(body)).digest('base64url');
}
