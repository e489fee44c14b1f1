import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenOutbound } from '../adapter/adapter.ts';
import { TemporaryError } from '../error/adapter-error.ts';
import { describeError, EngineError, isEngineError } from '../error/engine-error.ts';
import type { Message, Reply } from '../message/message.ts';
import type { RecordedError } from '../message/record.ts';
import { type RetryPolicy, retryDelay } from '../time/back-off.ts';
import type { Clock } from '../time/clock.ts';
import type { ReplyAction, ReplyRules, Verdict } from './reply-rules.ts';

export interface Sending {
  /** The open adapter; waits while it is being opened, rejects when the host stops. */
  adapter(signal: AbortSignal): Promise<OpenOutbound>;
  /** Asks for the adapter to be closed and opened anew. */
  reopen(adapter: OpenOutbound, reason: Error): void;
  readonly replies: ReplyRules;
  readonly retry: RetryPolicy;
  /** Milliseconds one send may take. */
  readonly timeout: number;
  readonly clock: Clock;
  /** Aborts when a person asks to try again now. */
  wake(): AbortSignal;
  /** Told of every failed try that will be repeated. */
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

/**
 * Sends one message until it has an outcome: tries, judges reply or error by the reply rules and the
 * kind of error, waits, tries again until the policy's `for` is over. Rejects only when `signal`
 * aborts: the message then stays in its queue.
 */
export async function send(message: Message, parts: Sending, signal: AbortSignal): Promise<Sent> {
  const first = parts.clock.now();
  for (let attempt = 1; ; ) {
    const adapter = await parts.adapter(signal);
    const tried = await tryOnce(message, adapter, parts, signal);
    signal.throwIfAborted();
    if (tried.lost !== undefined) {
      // a lost connection is not the message's fault: no attempt is counted
      parts.reopen(adapter, tried.lost);
      const delay = retryDelay(parts.retry, 1);
      parts.onRetry({ attempt, next: parts.clock.now() + delay, error: describeError(tried.lost) });
      await wait(Math.min(delay, 1_000), parts, signal);
      continue;
    }
    const { verdict, reply, error, after } = tried;
    if (verdict.action !== 'retry')
      return sent(verdict, verdict.action, { attempts: attempt, reply, error });
    const delay = after ?? retryDelay(parts.retry, attempt);
    if (parts.clock.now() + delay - first > parts.retry.for) {
      return sent(verdict, verdict.atLast, {
        attempts: attempt,
        reply,
        error: error ?? gaveUp(reply),
      });
    }
    parts.onRetry({
      attempt,
      next: parts.clock.now() + delay,
      error: error ?? refusedBy(reply, verdict),
    });
    await wait(delay, parts, signal);
    attempt++;
  }
}

/** Rejects when the host stops; ends early when a person asks for it. */
async function wait(delay: number, parts: Sending, signal: AbortSignal): Promise<void> {
  const either = AbortSignal.any([signal, parts.wake()]);
  await sleep(delay, undefined, { signal: either }).catch(() => undefined);
  signal.throwIfAborted();
}

interface Tried {
  readonly verdict: Verdict;
  readonly reply?: Reply | undefined;
  readonly error?: RecordedError | undefined;
  /** Milliseconds the peer asked to wait. */
  readonly after?: number | undefined;
  /** The connection was lost before or while sending. */
  readonly lost?: Error | undefined;
}

async function tryOnce(
  message: Message,
  adapter: OpenOutbound,
  parts: Sending,
  signal: AbortSignal,
): Promise<Tried> {
  // by hand: a signal composed for each message costs as much as sending it
  const attempt = new AbortController();
  const stop = (): void => attempt.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  let late = false;
  const timer = Number.isFinite(parts.timeout)
    ? setTimeout(() => {
        late = true;
        attempt.abort(new DOMException('sending took too long', 'TimeoutError'));
      }, parts.timeout)
    : undefined;
  try {
    if (signal.aborted) stop();
    const reply = await adapter.send(message, attempt.signal);
    return { verdict: parts.replies.onReply(reply), reply, after: reply?.retryAfter };
  } catch (caught) {
    return judgeError(late && !signal.aborted ? timedOut(parts.timeout) : caught, parts.replies);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

function judgeError(error: unknown, replies: ReplyRules): Tried {
  const ruled = replies.onError(error);
  if (ruled === undefined && isEngineError(error) && error.code === 'ADAPTER_NOT_CONNECTED') {
    return { verdict: byKind(error), lost: error };
  }
  return {
    verdict: ruled ?? byKind(error),
    error: describeError(error),
    after: error instanceof TemporaryError ? error.retryAfter : undefined,
  };
}

const KINDS: Readonly<Record<string, ReplyAction>> = {
  ADAPTER_REJECTED: 'fail',
  ADAPTER_SUSPEND: 'suspend',
  ADAPTER_DISABLED: 'stop',
  // every message would meet it, and none is to be failed for a wrong secret
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
  return new EngineError('REPLY_TIMEOUT', `sending took longer than ${timeout} ms`, {
    retryable: true,
  });
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

const gaveUp = (reply: Reply | undefined): RecordedError => ({
  ...refusedBy(reply, { rule: undefined }),
  retryable: false,
});
