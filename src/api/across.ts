import type { FastifyRequest } from 'fastify';
import { principalOf } from '../access/rights/require-permission.ts';
import type { RelayedCaller, RelayedRequest } from '../control/relay-frames.ts';
import type { AnswerRelayed, RelayedAnswer } from '../control/relay-server.ts';
import { describeError, EngineError } from '../error/engine-error.ts';
import { isTold } from '../error/foreseen.ts';
import { describeDuration } from '../time/duration.ts';
import { orAbort } from '../time/or-abort.ts';
import { describeSize } from '../time/size.ts';
import { timerTime } from '../time/timer.ts';
import type { ApiContext } from './context.ts';
import type { Part } from './contract/across.ts';
import { callerOf, grantedIn } from './granted-in.ts';

/** The same question to several productions. */
export interface AskedAcross extends Pick<RelayedRequest, 'method' | 'path'> {
  /** For each of them; undefined if it is not asked. */
  readonly bodyFor?: (production: string) => object | undefined;
  /** The list that an answer has. */
  readonly list: string;
  /** Milliseconds. */
  readonly wait?: number | undefined;
}

export interface Asker {
  readonly context: Pick<ApiContext, 'production' | 'others'>;
  /** Answers for the production of this console. */
  readonly answerOwn: AnswerRelayed;
  readonly request: FastifyRequest;
}

const WAIT = 5_000;
/** Bytes of one answer. */
const MOST = 16 * 1024 * 1024;

/**
 * Asks the production of this console and all others in which somebody has a role, side by side and
 * by their own routes, which decide what may be seen. One that is away, slow, of another version or
 * refuses is a part that says so, and holds up no other.
 */
export async function askAcross(
  { context: { production: own, others }, answerOwn, request }: Asker,
  asked: AskedAcross,
  signal: AbortSignal,
): Promise<readonly Part[]> {
  const principal = principalOf(request);
  const named = [own, ...(await others.all())];
  const shown = named.filter((one) => grantedIn(principal, own, one).size > 0);
  const { bodyFor, wait = WAIT } = asked;
  return Promise.all(
    shown.flatMap((production) => {
      const body = bodyFor?.(production);
      if (bodyFor !== undefined && body === undefined) return [];
      const ending = AbortSignal.any([signal, AbortSignal.timeout(timerTime(wait))]);
      const ask: Ask = (how, bytes) =>
        production === own
          ? answerOwn({ ...how, caller: callerHere(request) }, bytes, ending)
          : others.ask(
              production,
              { ...how, caller: callerOf(request, own, production) },
              { body: bytes, signal: ending },
            );
      return [partOf(production, asked, { ask, body, ending, wait })];
    }),
  );
}

type Ask = (how: Omit<RelayedRequest, 'caller'>, body: Uint8Array) => Promise<RelayedAnswer>;

interface Asking {
  readonly ask: Ask;
  readonly body: object | undefined;
  readonly ending: AbortSignal;
  readonly wait: number;
}

async function partOf(
  production: string,
  { method, path, list }: AskedAcross,
  { ask, body, ending, wait }: Asking,
): Promise<Part> {
  const headers = body === undefined ? {} : JSON_BODY;
  const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body));
  try {
    const asking = ask({ method, path, headers }, bytes);
    const told = await orAbort(asking.then(read), ending);
    return { production, ...answerIn(production, list, told) };
  } catch (error) {
    const late = ending.aborted ? silent(production, wait) : error;
    if (!isTold(late)) throw late;
    return { production, missing: describeError(late) };
  }
}

const JSON_BODY = { 'content-type': 'application/json' };

interface Told {
  readonly status: number;
  readonly json: unknown;
}

async function read({ status, body }: RelayedAnswer): Promise<Told> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MOST)
      throw new EngineError(
        'MESSAGE_TOO_LARGE',
        `the answer has more than ${describeSize(MOST)}: ask for less, or this production alone`,
      );
    chunks.push(chunk);
  }
  return { status, json: jsonIn(Buffer.concat(chunks).toString()) };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The answer, if it is one that this version knows. */
function answerIn(
  production: string,
  list: string,
  { status, json }: Told,
): Pick<Part, 'answer' | 'missing'> {
  const told = typeof json === 'object' && json !== null ? { ...json } : {};
  const answer: Readonly<Record<string, unknown>> = told;
  if (status === 200 && Array.isArray(answer[list])) return { answer };
  const { code, detail, retryable } = answer;
  const isProblem = status >= 400 && typeof code === 'string' && typeof detail === 'string';
  if (isProblem) return { missing: { code, text: detail, retryable: retryable === true } };
  const text = `${production} is of a version whose answer (status ${status}) is not understood here`;
  return { missing: { code: 'BROKER_UNAVAILABLE', text, retryable: false } };
}

const silent = (production: string, wait: number): EngineError =>
  new EngineError(
    'BROKER_UNAVAILABLE',
    `${production} has not answered within ${describeDuration(wait)}`,
    { retryable: true },
  );

/** Who asks, for the production of this console: with the rights that they have in it. */
function callerHere(request: FastifyRequest): RelayedCaller {
  const { name, via, roles, permissions, visibleHosts, token } = principalOf(request);
  const scope = visibleHosts === undefined ? ['*'] : visibleHosts.map((host) => `host:${host}`);
  return { name, via, roles, permissions: [...permissions], scope, token, ip: request.ip };
}
