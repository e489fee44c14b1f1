import type { Answers } from '../broker/answers.ts';
import type { Steps } from '../broker/steps.ts';
import { EngineError } from '../error/engine-error.ts';
import { messageOf } from './code-message.ts';
import { codeTime } from './code-time.ts';
import type { DurableWaits } from './durable-waits.ts';
import { type Mail, receivedOf, receiveStep, refuseReceive } from './mail.ts';
import type { CodeTime, ProcessMessage, ReceiveOptions } from './process-code.ts';
import { storedAnswer } from './stored-answer.ts';

export interface ReceivingRun {
  readonly name: string;
  /** The message whose process receives. */
  readonly id: number;
  /** Undefined if the process does not say which messages may be received. */
  readonly mail: Mail | undefined;
  readonly steps: Steps;
  readonly answers: Pick<Answers, 'read'>;
  readonly waits: DurableWaits;
  readonly signal: AbortSignal;
  /** Does a step once; `before` says that an earlier run did it. */
  readonly once: (
    what: string,
    run: (step: string) => Promise<void>,
  ) => Promise<{ readonly key: string; readonly at: number; readonly before: boolean }>;
}

/** The ids of what was received, and what is still waited for, in this run. */
export interface Receipts {
  readonly ids: Set<number>;
  readonly open: Map<string, string>;
}

const LONGEST_KEY = 256;
/** Milliseconds after which a message that was given, and whose engine never stored it, is no longer waited for. */
const LOST = 15 * 60_000;

/** The next message for a key, or undefined if none came in time. */
export async function receive(
  run: ReceivingRun,
  receipts: Receipts,
  { key, when, timeout: given }: ReceiveOptions,
): Promise<ProcessMessage | undefined> {
  const { name, id, mail, answers, waits } = run;
  if (mail === undefined) throw refuseReceive(name);
  const timeout = check(key, given);
  if (when !== undefined) mail.check(when);
  const done = await run.once(receiveStep(key, when), (step) =>
    mail.wait(key, { message: id, step, when, until: Date.now() + timeout }),
  );
  const { key: step, at, before } = done;
  receipts.open.set(step, key);
  const stored = await storedMessage(run, { mail, key, step, before, when, until: at + timeout });
  receipts.open.delete(step);
  if (stored === undefined) return undefined;
  const received = await waits.step(async () => receivedOf(await answers.read(stored)));
  if (received === undefined) return undefined;
  receipts.ids.add(received.message.id);
  return messageOf(received);
}

/** Milliseconds to wait. */
function check(key: string, timeout: CodeTime): number {
  if (typeof key !== 'string' || key === '' || key.length > LONGEST_KEY) {
    const text = `the key of context.receive must be a text of 1 to ${LONGEST_KEY} characters`;
    throw new EngineError('PROCESS_FAILED', text);
  }
  const time = codeTime('timeout of context.receive', timeout);
  if (time > 0) return time;
  throw new EngineError('PROCESS_FAILED', 'timeout of context.receive must be above 0');
}

interface Awaited {
  readonly mail: Mail;
  /** What it waits under. */
  readonly key: string;
  readonly when: string | undefined;
  readonly step: string;
  readonly until: number;
  /** An earlier run began to wait. */
  readonly before: boolean;
}

/** What an earlier run saw remains valid: a message that came too late stays unseen. */
async function storedMessage(
  { id, steps, waits, signal }: ReceivingRun,
  { mail, key, step, until, before, when }: Awaited,
): Promise<Uint8Array | undefined> {
  const late = `${step}.late`;
  const address = steps.answerAddress(`${step}.answer`);
  const kept = (): Promise<Uint8Array | undefined> => waits.step(() => steps.kept(address));
  const come = (end: number): Promise<Uint8Array | undefined> =>
    waits.wait({ until: end, answer: address }, () =>
      storedAnswer(steps, `${step}.answer`, { signal, left: end - Date.now() }),
    );
  if (before) {
    if ((await waits.step(() => steps.read(late))) !== undefined) return undefined;
    const there = await kept();
    if (there !== undefined) return there;
    // a person's order that ended it may have failed in the middle
    if (Date.now() < until) {
      await waits.step(() => mail.wait(key, { message: id, step, when, until }));
    }
  }
  const inTime = await come(until);
  if (inTime !== undefined) return inTime;
  const isGiven = await waits.step(() => mail.withdraw(key, step));
  const atLast = (isGiven ? await come(Date.now() + LOST) : undefined) ?? (await kept());
  if (atLast !== undefined) return atLast;
  await waits.step(() => steps.write(late, { fingerprint: '', at: Date.now() }));
  return undefined;
}
