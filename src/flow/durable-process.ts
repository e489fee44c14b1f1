import { createHash } from 'node:crypto';
import type { Answers } from '../broker/answers.ts';
import { isAway } from '../broker/away.ts';
import type { Keyed } from '../broker/keyed.ts';
import type { Steps } from '../broker/steps.ts';
import type { NamedJwtKeys } from '../credential/jwt/token-keys.ts';
import { EngineError, isEngineError } from '../error/engine-error.ts';
import type { TokenClaims, TokenKeys } from '../expression/token-keys.ts';
import { sentOn } from '../message/envelope.ts';
import { wait } from '../time/timer.ts';
import { bytesOf, codeFailed, messageOf, outputOf } from './code-message.ts';
import { replyOf } from './code-reply.ts';
import { codeTime } from './code-time.ts';
import { DurableWaits } from './durable-waits.ts';
import { enqueue, type Storing } from './enqueue.ts';
import type { Mail } from './mail.ts';
import { markedCode } from './marked-context.ts';
import type { CallAnswer, ProcessBody, ProcessCode, ProcessContext } from './process-code.ts';
import { type Receipts, receive } from './receive.ts';
import { isRejection } from './reply-rules.ts';
import { directAnswer, type Routing, route } from './route.ts';
import { sharedState } from './shared-state.ts';
import { storedAnswer } from './stored-answer.ts';
import { onLeg, type Subject } from './subject.ts';
import { type DurableRun, type Process, type ProcessResult, Waits } from './wiring.ts';

export interface DurableOptions extends Storing {
  readonly name: string;
  readonly code: () => Promise<ProcessCode>;
  readonly steps: Steps;
  readonly keyed: Keyed;
  /** Undefined if its messages are not received by others. */
  readonly mail: Mail | undefined;
  readonly answers: Answers;
  readonly routing: () => Routing;
  readonly lookup: ProcessContext['lookup'];
  readonly jwt: NamedJwtKeys;
  readonly log: (text: string) => void;
}

const CALL_TIMEOUT = 60_000;

/** A code process whose effects happen once, even across crashes (architecture.md §6). Runs from a queue. */
export function durableProcess(parts: DurableOptions): Process {
  const runOrWait = async (subject: Subject, run: DurableRun): Promise<ProcessResult | Waits> => {
    const code = await parts.code();
    const offered = await parts.mail?.offer(subject);
    if (offered !== undefined) return offered;
    const waits = new DurableWaits(run);
    const states = new Set<string>();
    const receipts: Receipts = { ids: new Set(), open: new Map() };
    const over = new AbortController();
    const context = contextOf(parts, subject, {
      waits,
      states,
      receipts,
      signal: AbortSignal.any([run.cut, over.signal]),
    });
    try {
      const end = async (): Promise<ProcessResult> => {
        const returned = await markedCode(code, run.mark)(messageOf(subject), context);
        const reply = replyOf(parts.name, returned);
        return {
          status: !waits.hasActed && isRejection(reply) ? 'discarded' : 'completed',
          sends: [],
          explain: undefined,
          reply,
          states: [...states],
          receivedIds: [...receipts.ids],
        };
      };
      const result = await Promise.race([end(), waits.left]);
      if (!(result instanceof Waits)) await noLonger(parts, receipts);
      return result;
    } catch (error) {
      const stopped = run.cut.aborted || error === run.stopping.reason;
      // what could not be stored or reached is not the code's fault: the message goes back to its
      // queue
      if (stopped || isAway(error)) throw error;
      throw isEngineError(error) ? error : codeFailed(parts.name, error);
    } finally {
      waits.end();
      over.abort();
    }
  };
  const { mail } = parts;
  return {
    readsBody: true,
    runOrWait,
    ...(mail === undefined ? {} : { ended: (id: number) => mail.ended(id) }),
    async run(subject, signal = new AbortController().signal, mark?) {
      const run = { cut: signal, stopping: signal, inPlace: true, onWait: () => undefined, mark };
      // a run in place only ends with a result
      return (await runOrWait(subject, run)) as ProcessResult;
    },
  };
}

/** A message that has ended waits for nothing any more. */
async function noLonger({ mail }: DurableOptions, { open }: Receipts): Promise<void> {
  for (const [step, key] of open) await mail?.withdraw(key, step);
}

/** Does a step unless it was done before a crash; its record is written afterwards. */
type Once = (
  what: string,
  run: (key: string, fingerprint: string) => Promise<unknown>,
) => Promise<Done>;

/** A completed step. */
interface Done {
  readonly key: string;
  readonly at: number;
  /** It was done by an earlier run. */
  readonly before: boolean;
  readonly result: unknown;
}

interface Put {
  readonly key: string;
  /** The target was sent another new message before. */
  readonly isFurther: boolean;
  readonly replyTo?: string;
}

interface Running {
  readonly waits: DurableWaits;
  /** The keys of the shared state that it changed. */
  readonly states: Set<string>;
  readonly receipts: Receipts;
  readonly signal: AbortSignal;
}

// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
function contextOf(parts: DurableOptions, subject: Subject, running: Running): ProcessContext {
  const { steps } = parts;
  const { waits, signal } = running;
  const { id } = subject.message;
  let count = 0;
  /** Targets that were sent a new message. */
  const sent = new Set<string>();

  const once: Once = (what, run) => {
    const key = `${id}.${count++}`;
    const step = count;
    return waits.step(async () => {
      signal.throwIfAborted();
      const fingerprint = createHash('sha1').update(what).digest('base64url');
      const done = await steps.read(`${key}.done`);
      if (done !== undefined) {
        if (done.fingerprint !== fingerprint) throw diverged(parts.name, step);
        return { key, at: done.at, before: true, result: done.result };
      }
      const result = await run(key, fingerprint);
      const at = Date.now();
      await steps.write(`${key}.done`, { fingerprint, at, result });
      return { key, at, before: false, result };
    });
  };

  const put = async (
    target: string,
    body: ProcessBody | undefined,
    { key, isFurther, replyTo }: Put,
  ): Promise<void> => {
    const from = onLeg(subject, { ...sentOn(subject.message, parts.name), replyTo });
    const output = body === undefined ? undefined : outputOf(body, subject);
    const legs = await route(parts.routing(), from, {
      to: [{ to: target, output, isFurther }],
      key: `p${key}`,
    });
    await enqueue(parts, legs);
    const direct = directAnswer(legs);
    if (replyTo !== undefined && direct !== undefined) await parts.answers.send(replyTo, direct);
  };

  const isFurtherTo = (target: string, body: ProcessBody | undefined): boolean => {
    if (body === undefined) return false;
    const isFurther = sent.has(target);
    sent.add(target);
    return isFurther;
  };

  return {
    async send(target, body) {
      const isFurther = isFurtherTo(target, body);
      await once(`send ${target} ${digest(body)}`, (key) => put(target, body, { key, isFurther }));
    },
    async call(target, body, { timeout: given = CALL_TIMEOUT } = {}) {
      const timeout = codeTime('timeout of context.call', given);
      const isFurther = isFurtherTo(target, body);
      const done = await once(`call ${target} ${digest(body)}`, (key) =>
        put(target, body, { key, isFurther, replyTo: steps.answerAddress(`${key}.answer`) }),
      );
      return answerOf(parts, done, { ...running, target, timeout });
    },
    receive: (options) => receive({ ...parts, id, waits, signal, once }, running.receipts, options),
    async sleep(given) {
      const time = codeTime('the time of context.sleep', given);
      const { at } = await once(`sleep ${time}`, () => Promise.resolve());
      const until = at + time;
      if (until <= Date.now()) return;
      await waits.wait({ until, answer: undefined }, () => wait(until - Date.now(), { signal }));
    },
    async now() {
      return (await once('now', () => Promise.resolve())).at;
    },
    state<Value>(key: string) {
      return sharedState<Value>(
        {
          keyed: parts.keyed,
          steps,
          signal,
          by: { host: parts.name, message: id },
          step: async (what, run) =>
            (await once(what, (step, fingerprint) => run({ key: step, fingerprint }))).result,
          changed: (changed) => running.states.add(changed),
        },
        key,
      );
    },
    jwt: durableTokens(parts.jwt, once),
    lookup: parts.lookup,
    log(text) {
      if (!waits.isLeft) parts.log(text);
    },
  };
}

/** The answer to a call: the stored one, or the next to arrive. What an earlier run saw remains valid. */
async function answerOf(
  parts: DurableOptions,
  { key, at, before }: Done,
  { waits, signal, target, timeout }: Running & { target: string; timeout: number },
): Promise<CallAnswer> {
  const { steps, name } = parts;
  const late = `${key}.late`;
  const address = steps.answerAddress(`${key}.answer`);
  const until = at + timeout;
  const wasLate = before && (await waits.step(() => steps.read(late))) !== undefined;
  const kept = before && !wasLate ? await waits.step(() => steps.kept(address)) : undefined;
  const answer = (): Promise<Uint8Array | undefined> =>
    waits.wait({ until, answer: address }, () =>
      storedAnswer(steps, `${key}.answer`, { signal, left: until - Date.now() }),
    );
  const stored = wasLate ? undefined : (kept ?? (await answer()));
  if (stored === undefined) {
    // an answer that arrives now must not change the path of a later run
    await waits.step(() => steps.write(late, { fingerprint: '', at: Date.now() }));
    const text = `${target} did not answer ${name} in time`;
    throw new EngineError('REPLY_TIMEOUT', text, { retryable: true });
  }
  return waits.step(() => callAnswer(parts, stored));
}

async function callAnswer({ answers }: DurableOptions, stored: Uint8Array): Promise<CallAnswer> {
  const { reply, outcome } = await answers.read(stored);
  return {
    status: outcome?.status ?? 'completed',
    code: reply?.code,
    error: outcome?.error,
    text: reply?.text ?? outcome?.text,
    type: reply?.type,
    body: reply?.body,
  };
}

function diverged(name: string, step: number): EngineError {
  return new EngineError(
    'PROCESS_DIVERGED',
    `${name} took a different path when it ran again: step ${step} is not what it was. Use context.now() and calls instead of clocks, random numbers and outside state.`,
  );
}

function digest(body: ProcessBody | undefined): string {
  if (body === undefined) return 'as it came';
  return createHash('sha1').update(bytesOf(body)).digest('base64url');
}

type Verdict = { readonly claims: TokenClaims } | { readonly refused: string };

/**
 * Tokens of a durable process. A signed one is not stored: a replay makes it again, with the time and
 * id of the first. Of a verified one the claims are stored, or why it was refused.
 */
function durableTokens(keys: NamedJwtKeys, once: Once): TokenKeys {
  return {
    async sign(key, claims, options = {}) {
      const what = `jwt.sign ${key} ${hashed(JSON.stringify([claims, options]))}`;
      const { at, key: step } = await once(what, () => Promise.resolve());
      return keys.sign(key, claims, { ...options, at, id: hashed(`${step} ${at}`) });
    },
    async verify(key, token, options = {}) {
      const what = `jwt.verify ${key} ${hashed(JSON.stringify([token, options]))}`;
      const { result } = await once(what, () => verdictOf(keys.verify(key, token, options)));
      const verdict = result as Verdict;
      if ('claims' in verdict) return verdict.claims;
      throw new EngineError('CREDENTIAL_REFUSED', verdict.refused);
    },
  };
}

async function verdictOf(verifying: Promise<TokenClaims>): Promise<Verdict> {
  try {
    return { claims: await verifying };
  } catch (error) {
    if (isEngineError(error) && error.code === 'CREDENTIAL_REFUSED') {
      return { refused: error.message };
    }
    throw error;
  }
}

const hashed = (text: string): string => createHash('sha256').update(text).digest('base64url');
