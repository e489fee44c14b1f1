import type { OpenOutbound } from '../adapter/adapter.ts';
import { TemporaryError } from '../error/adapter-error.ts';
import { describeError, EngineError, isEngineError } from '../error/engine-error.ts';
import type { Message, Reply } from '../message/message.ts';
import type { RecordedError } from '../message/record.ts';
import { type RetryPolicy, retryDelay } from '../time/back-off.ts';
import { type Clock, steadyOf } from '../time/clock.ts';
import { describeDuration } from '../time/duration.ts';
import { pause } from '../time/pause.ts';
import { after as runAfter, timeLimit } from '../time/timer.ts';
import type { ReplyAction, ReplyRules, Verdict } from './reply-rules.ts';

export interface Sending {
  /** The adapter while it is open. */
  opened(): OpenOutbound | undefined;
  /** The open adapter, as soon as there is one; rejects when the signal aborts. */
  adapter(signal: AbortSignal): Promise<OpenOutbound>;
  /** Why it is not open. */
  readonly whyNotOpen: () => unknown;
  /** Asks for the adapter to be closed and opened again. */
  reopen(adapter: OpenOutbound, reason: Error): void;
  readonly replies: ReplyRules;
  readonly retry: RetryPolicy;
  /** Milliseconds one send may take. */
  readonly timeout: number;
  readonly clock: Clock;
  /** Aborts when a person asks to try again now. */
  wake(): AbortSignal;
  /** Whether this engine may still send it. */
  readonly isOurs: () => boolean;
  /** Called when a try was interrupted: the peer may have the message. */
  onCut(): void;
  /** Called for every failed try that will be repeated. */
  onRetry(failure: { attempt: number; next: number; error: RecordedError }): void;
}

/** How sending ended. `stop` leaves the message at the head of its queue. */
export interface Sent {
  readonly action: Exclude<ReplyAction, 'retry' | 'warn'>;
  readonly attempts: number;
  readonly reply?: Reply | undefined;
  readonly error?: RecordedError | undefined;
  readonly warning?: string | undefined;
}

/** `cut` ends everything at once; `stopping` only ends waits: a transmission may finish. */
export interface SendingSignals {
  readonly cut: AbortSignal;
  readonly stopping: AbortSignal;
}

/**
 * Sends one message until it has an outcome: tries, judges reply or error by the reply rules and
 * the kind of error, waits, tries again until the policy's `for` is over. Time without a connection
 * does not count, nor does time in which no token can be had for the peer: a message waits for either for up to `disconnected`. A clock that is set meanwhile neither
 * ends the tries nor makes them last longer. Rejects only when a signal
 * aborts or another engine has the line; the message then stays in its queue.
 */
export async function send(
  message: Message,
  parts: Sending,
  { cut, stopping }: SendingSignals,
): Promise<Sent> {
  const { clock, retry } = parts;
  const steady = steadyOf(clock);
  let until = steady.now() + retry.for;
  let losses = 0;
  let withoutToken = 0;
  // up to here it is known what time counts
  let at = steady.now();
  for (let attempt = 1; ; ) {
    const { adapter, waited } = await connected(parts, stopping);
    if (adapter === undefined) return neverOpen(parts, attempt - 1);
    until += waited;
    at += waited;
    const tried = await tryOnce(message, adapter, parts, cut);
    if (cut.aborted) parts.onCut();
    cut.throwIfAborted();
    if (tried.lost !== undefined) parts.reopen(adapter, tried.lost);
    const { verdict, reply } = tried;
    const result = { attempts: attempt, reply, error: tried.error };
    if (verdict.action !== 'retry') return sent(verdict, verdict.action, result);
    const delay = delayAfter(tried, attempt, retry);
    // how much of the time since then does not count
    const spared = (upTo: number): number =>
      tried.noToken ? Math.min(upTo - at, retry.disconnected - withoutToken) : 0;
    const then = steady.now() + delay;
    // an idle connection may turn out to be dead: that does not count as a try
    if (then > until + spared(then) && !(tried.uncounted && losses === 0)) {
      const error = tried.error ?? gaveUp(reply);
      return sent(verdict, verdict.atLast, { ...result, error });
    }
    const next = clock.now() + delay;
    parts.onRetry({ attempt, next, error: tried.error ?? refusedTry(reply, verdict) });
    await wait(delay, parts, stopping);
    // as long as it was: a busy machine waits for longer than it was told to
    const now = steady.now();
    const without = spared(now);
    withoutToken += without;
    until += without;
    at = now;
    if (tried.uncounted) losses++;
    else attempt++;
  }
}

function delayAfter({ uncounted, after }: Tried, attempt: number, retry: RetryPolicy): number {
  return uncounted
    ? Math.min(retryDelay(retry, 1), LOSS_DELAY)
    : (after ?? retryDelay(retry, attempt));
}

/** The longest wait, in milliseconds, before sending over the connection that replaces a lost one. */
const LOSS_DELAY = 1_000;

/** Undefined adapter: the message has waited for one for as long as it may. */
async function connected(
  parts: Sending,
  stopping: AbortSignal,
): Promise<{ readonly adapter: OpenOutbound | undefined; readonly waited: number }> {
  const adapter = parts.opened();
  if (adapter !== undefined) return { adapter, waited: 0 };
  const { retry } = parts;
  const clock = steadyOf(parts.clock);
  const since = clock.now();
  const late =
    retry.disconnected === Number.POSITIVE_INFINITY ? undefined : timeLimit(retry.disconnected);
  try {
    const until = late === undefined ? stopping : AbortSignal.any([stopping, late.signal]);
    return { adapter: await parts.adapter(until), waited: clock.now() - since };
  } catch (error) {
    if (stopping.aborted || late?.signal.aborted !== true) throw error;
    return { adapter: undefined, waited: clock.now() - since };
  } finally {
    late?.stop();
  }
}

function neverOpen({ retry, replies, whyNotOpen }: Sending, attempts: number): Sent {
  const error = new EngineError(
    'ADAPTER_NOT_CONNECTED',
    `no connection for ${retry.disconnected / 1_000} s (retry.disconnected): ${describeError(whyNotOpen()).text}`,
    { retryable: true },
  );
  const verdict = replies.onError(error) ?? byKind(error);
  return sent(verdict, verdict.atLast, {
    attempts,
    reply: undefined,
    error: recordedError(error, saidOf(whyNotOpen())),
  });
}

/** Longer texts of a peer are cut off: a hostile one could send megabytes. */
const WORDS = 2_000;

/** The body of the reply has the full text. */
const shortened = (reply: Reply | undefined): Reply | undefined =>
  reply?.text !== undefined && reply.text.length > 2 * WORDS
    ? { ...reply, text: `${reply.text.slice(0, 2 * WORDS)}…` }
    : reply;

const said = (words: string | undefined): Pick<RecordedError, 'said'> =>
  words === undefined || words === '' ? {} : { said: words.slice(0, WORDS) };

const saidOf = (error: unknown): string | undefined =>
  isEngineError(error) ? error.detail : undefined;

/** An error for the trace, which may contain the peer's text. */
const recordedError = (error: unknown, words = saidOf(error)): RecordedError => ({
  ...describeError(error),
  ...said(words),
});

/** Rejects when the host stops; ends early if a person asks for it. */
async function wait(delay: number, parts: Sending, stopping: AbortSignal): Promise<void> {
  const either = AbortSignal.any([stopping, parts.wake()]);
  await pause(delay, either);
  stopping.throwIfAborted();
}

interface Tried {
  readonly verdict: Verdict;
  readonly reply?: Reply | undefined;
  readonly error?: RecordedError | undefined;
  /** Milliseconds the peer asked to wait. */
  readonly after?: number | undefined;
  /** Why the connection was lost before or while sending. */
  readonly lost?: Error | undefined;
  /** Does not count as a try: a lost connection is not the message's fault, unless a rule says so. */
  readonly uncounted: boolean;
  /** Who gives tokens for the peer is away, unless a rule says what that means: nothing was sent. */
  readonly noToken: boolean;
}

async function tryOnce(
  message: Message,
  adapter: OpenOutbound,
  parts: Sending,
  signal: AbortSignal,
): Promise<Tried> {
  if (!parts.isOurs()) {
    throw new EngineError('BROKER_UNAVAILABLE', 'another engine sends it', { retryable: true });
  }
  // by hand, since composing signals for each message costs as much as sending it
  const attempt = new AbortController();
  const stop = (): void => attempt.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  let late = false;
  const timer = runAfter(parts.timeout, () => {
    late = true;
    attempt.abort(new DOMException('sending took too long', 'TimeoutError'));
  });
  try {
    if (signal.aborted) stop();
    const reply = shortened(await adapter.send(message, attempt.signal));
    const verdict = parts.replies.onReply(reply);
    return { verdict, reply, after: reply?.retryAfter, uncounted: false, noToken: false };
  } catch (caught) {
    return judgeError(late && !signal.aborted ? timedOut(parts.timeout) : caught, parts.replies);
  } finally {
    timer.stop();
    signal.removeEventListener('abort', stop);
  }
}

function judgeError(error: unknown, replies: ReplyRules): Tried {
  const ruled = replies.onError(error);
  const lost = isEngineError(error) && error.code === 'ADAPTER_NOT_CONNECTED' ? error : undefined;
  return {
    verdict: ruled ?? byKind(error),
    error: recordedError(error),
    after: error instanceof TemporaryError ? error.retryAfter : undefined,
    lost,
    uncounted: lost !== undefined && ruled === undefined,
    noToken: ruled === undefined && isEngineError(error) && error.code === 'CREDENTIAL_UNAVAILABLE',
  };
}

const KINDS: Readonly<Record<string, ReplyAction>> = {
  ADAPTER_REJECTED: 'fail',
  ADAPTER_SUSPEND: 'suspend',
  ADAPTER_DISABLED: 'stop',
  // this affects every message, and none should fail because of a wrong secret
  CREDENTIAL_REFUSED: 'stop',
  CREDENTIAL_MISSING: 'stop',
};

/** The decision table of the adapter contract: anything unknown is retried. */
function byKind(error: unknown): Verdict {
  const kind = isEngineError(error) ? KINDS[error.code] : undefined;
  const action = kind ?? (isEngineError(error) && !error.retryable ? 'fail' : 'retry');
  return { action, atLast: 'fail', warnings: [], rule: undefined };
}

function timedOut(timeout: number): EngineError {
  const text = `sending took longer than ${describeDuration(timeout)} (timeout of the operation). The peer may have the message: if that is sent again, it may get it twice. Raise timeout if messages are large or the peer is slow`;
  return new EngineError('REPLY_TIMEOUT', text, { retryable: true });
}

function sent(
  { warnings, rule }: Verdict,
  action: Exclude<ReplyAction, 'retry'>,
  {
    attempts,
    reply,
    error,
  }: { attempts: number; reply: Reply | undefined; error: RecordedError | undefined },
): Sent {
  const completed = action === 'complete' || action === 'warn';
  return {
    action: action === 'warn' ? 'complete' : action,
    attempts,
    reply,
    error: completed ? undefined : (error ?? refusedBy(reply, { rule })),
    warning: warnings.length > 0 ? warnings.join(', ') : undefined,
  };
}

function refusedBy(reply: Reply | undefined, { rule }: Pick<Verdict, 'rule'>): RecordedError {
  const code = reply?.code ?? 'without a code';
  return {
    code: 'REPLY_UNEXPECTED',
    text: `the peer answered ${code}${rule === undefined ? '' : ` (rule ${rule})`}`,
    retryable: true,
  };
}

/** For a try, no reply is recorded besides the error. */
const refusedTry = (reply: Reply | undefined, verdict: Verdict): RecordedError => ({
  ...refusedBy(reply, verdict),
  ...said(reply?.text),
});

const gaveUp = (reply: Reply | undefined): RecordedError => ({
  ...refusedBy(reply, { rule: undefined }),
  retryable: false,
});
