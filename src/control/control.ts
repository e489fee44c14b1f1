import type { Msg } from '@nats-io/transport-node';
import { isAway } from '../broker/away.ts';
import type { Broker } from '../broker/broker.ts';
import { background } from '../error/background.ts';
import { ERROR_CODES, type ErrorCode } from '../error/codes.ts';
import { describeError, EngineError } from '../error/engine-error.ts';

/** Requests between the command line, the operator plane and the engines, as JSON over NATS. */

/** Says in a request that it came from the command line, not from the operator plane. */
export const COMMAND_LINE = 'command line';

export interface ControlServer {
  close(): void;
}

interface Failure {
  readonly code: string;
  readonly text: string;
  readonly retryable: boolean;
}

/**
 * Answers requests on a subject. `shared` lets one of all engines answer (a resend); otherwise each
 * answers for itself (a status, a switch).
 */
export function serveControl(
  { connection }: Broker,
  subject: string,
  answer: (request: unknown, body: Uint8Array) => unknown,
  shared = false,
): ControlServer {
  const serve = async (message: Msg): Promise<void> => {
    try {
      const { request, body } = unpack(message.data);
      message.respond(JSON.stringify({ result: (await answer(request, body)) ?? null }));
    } catch (error) {
      message.respond(JSON.stringify({ failure: describeError(error) satisfies Failure }));
    }
  };
  const subscription = connection.subscribe(subject, {
    ...(shared ? { queue: 'engine' } : {}),
    callback: (error, message) => {
      if (error === null) background(serve(message), `answering ${subject}`, isAway);
    },
  });
  return { close: () => subscription.unsubscribe() };
}

/** Hears requests that others answer; of several listeners that share a name one hears each. */
export function hearControl(
  { connection }: Broker,
  subject: string,
  shared: string,
  hear: (request: unknown) => void,
): ControlServer {
  const subscription = connection.subscribe(subject, {
    queue: shared,
    callback: (error, message) => {
      if (error === null) hear(unpack(message.data).request);
    },
  });
  return { close: () => subscription.unsubscribe() };
}

/** Asks one server and returns its result; an EngineError if it failed or nobody is there. */
export async function askControl<Result>(
  { connection }: Broker,
  subject: string,
  request: unknown,
  { body, timeout = 10_000 }: { body?: Uint8Array; timeout?: number } = {},
): Promise<Result> {
  const answer = await connection
    .request(subject, pack(request, body), { timeout })
    .catch((error: unknown) => {
      throw new EngineError(
        'BROKER_UNAVAILABLE',
        `nobody answers ${subject}: is the production running? (${describeError(error).code})`,
        { retryable: true },
      );
    });
  return resultOf(answer) as Result;
}

/** Asks every engine and returns what came: until none answers for `wait` milliseconds, or so many as are known to live have answered. */
export async function askAll<Result>(
  { connection }: Broker,
  subject: string,
  request: unknown,
  wait: number | { readonly count: number; readonly atMost: number } = 400,
): Promise<Result[]> {
  const results: Result[] = [];
  const until =
    typeof wait === 'number'
      ? ({ strategy: 'stall', maxWait: Math.max(wait, 5_000), stall: wait } as const)
      : ({ strategy: 'count', maxWait: wait.atMost, maxMessages: wait.count } as const);
  const answers = await connection.requestMany(subject, pack(request), until);
  for await (const answer of answers) results.push(resultOf(answer) as Result);
  return results;
}

/** Milliseconds that a switch may take: a host that stops finishes what is in flight. */
export const SWITCH_LIMIT = 150_000;

/**
 * Orders something of every engine that lives and waits for all of them, at most `atMost` milliseconds.
 * Throws BROKER_UNAVAILABLE where no engine answers.
 *
 * @param count how many engines live, where the caller knows
 */
export async function orderAll<Result>(
  broker: Broker,
  verb: string,
  request: unknown,
  { atMost = SWITCH_LIMIT, count }: { readonly atMost?: number; readonly count?: number } = {},
): Promise<[Result, ...Result[]]> {
  const { names } = broker;
  const living = count ?? (await askAll(broker, names.control('status'), null)).length;
  const [first, ...others] =
    living === 0
      ? []
      : await askAll<Result>(broker, names.control(verb), request, { count: living, atMost });
  if (first !== undefined) return [first, ...others];
  throw new EngineError('BROKER_UNAVAILABLE', 'no engine answers: is the production running?', {
    retryable: true,
  });
}

function resultOf(message: Msg): unknown {
  const answer = message.json<{ result?: unknown; failure?: Failure }>();
  if (answer.failure === undefined) return answer.result;
  const { code, text, retryable } = answer.failure;
  throw new EngineError(isCode(code) ? code : 'BROKER_UNAVAILABLE', text, { retryable });
}

const isCode = (code: string): code is ErrorCode => Object.hasOwn(ERROR_CODES, code);

/** A request is its JSON's length, the JSON and a body, so that a message can be handed on without encoding it. */
function pack(request: unknown, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  const json = Buffer.from(JSON.stringify(request ?? null));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(json.byteLength);
  return Buffer.concat([head, json, body]);
}

function unpack(data: Uint8Array): { request: unknown; body: Uint8Array } {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const size = bytes.readUInt32BE(0);
  return {
    request: JSON.parse(bytes.toString('utf8', 4, 4 + size)) as unknown,
    body: bytes.subarray(4 + size),
  };
}
