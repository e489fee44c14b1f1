import { promisify } from 'node:util';
import { gunzipSync, gzip } from 'node:zlib';
import {
  headers,
  type Msg,
  NoRespondersError,
  type QueuedIterator,
  TimeoutError,
} from '@nats-io/transport-node';
import { isAway } from '../broker/away.ts';
import type { Broker } from '../broker/broker.ts';
import { isGone, processIdentity } from '../broker/process-identity.ts';
import { subscribeSteadily } from '../broker/steady-subscription.ts';
import { background } from '../error/background.ts';
import { describeError, EngineError, isEngineError, toldError } from '../error/engine-error.ts';
import { describeSize } from '../time/size.ts';
import { after, type Timer } from '../time/timer.ts';
import { type ControlServer, firstToAnswer, hasNobody, serveShared } from './first-to-answer.ts';
import { ENGINE, type Verb, type Verbs } from './verbs.ts';

/* Requests between the command line, the operator plane and the engines, as JSON over NATS. */

/** One function for each verb, so that every verb is answered. */
export type Answers<Of extends Verbs> = {
  readonly [Name in keyof Of]: Of[Name] extends Verb<infer Request, infer Result>
    ? (request: Request, body: Uint8Array) => Result | Promise<Result>
    : never;
};

type Failure = ReturnType<typeof describeError>;

/** Answers every one of these verbs. */
export function serveControl<Of extends Verbs>(
  broker: Broker,
  verbs: Of,
  answers: Answers<Of>,
): ControlServer {
  const servers = Object.entries(verbs).map(([name, verb]) =>
    // `Answers` has a function for each name; the sender's types say what a request holds
    serveVerb(broker, verb, answers[name] as (request: unknown, body: Uint8Array) => unknown),
  );
  return {
    close() {
      for (const server of servers) server.close();
    },
  };
}

function serveVerb(
  { connection, names }: Broker,
  verb: Verb<never, unknown>,
  answer: (request: unknown, body: Uint8Array) => unknown,
): ControlServer {
  const subject = subjectOf(names, verb);
  const serve = async (message: Msg): Promise<void> => {
    using _ = message.headers?.has(SIGNS) === true ? signsOfLife(message) : undefined;
    try {
      const { request, body } = unpack(message.data);
      const result = await answer(request, body);
      message.respond(await answerBytes({ connection }, { result }));
    } catch (error) {
      message.respond(JSON.stringify({ failure: describeError(error) satisfies Failure }));
    }
  };
  const begin = (message: Msg): void => background(serve(message), `answering ${subject}`, isAway);
  if (verb.shared) return serveShared(connection, subject, begin);
  const subscription = subscribeSteadily(connection, subject, { hear: begin });
  return { close: () => subscription.unsubscribe() };
}

/** Listens to requests that others answer; each goes to only one of the listeners with the same name. */
export function hearControl<Request>(
  { connection, names }: Broker,
  verb: Verb<Request, unknown>,
  shared: string,
  hear: (request: Request) => void,
): ControlServer {
  const subscription = subscribeSteadily(connection, subjectOf(names, verb), {
    queue: shared,
    hear: (message) => hear(unpack(message.data).request as Request),
  });
  return { close: () => subscription.unsubscribe() };
}

/**
 * Asks the first server that answers and returns its result; throws an EngineError if it failed or
 * nobody is there.
 */
export async function askControl<Request, Result>(
  { connection, names }: Broker,
  verb: Verb<Request, Result>,
  request: Request,
  { body, timeout = 10_000 }: { body?: Uint8Array | undefined; timeout?: number } = {},
): Promise<Result> {
  const subject = subjectOf(names, verb);
  const bytes = packed({ connection }, request, body);
  const limit = performance.now() + timeout;
  const ask = (of: string): Promise<Msg> =>
    connection.request(of, bytes, { timeout: Math.max(limit - performance.now(), 1) });
  try {
    const first = await firstToAnswer(connection, subject, timeout);
    const answer = await ask(first).catch((error: unknown) => {
      if (hasNobody(error) && first !== subject) return ask(subject);
      if (error instanceof TimeoutError) throw mayBeDone(subject, timeout / 1_000);
      throw error;
    });
    return resultOf(verb, answer);
  } catch (error) {
    if (isEngineError(error)) throw error;
    throw nobodyAnswers(subject, describeError(error).code);
  }
}

const nobodyAnswers = (subject: string, why: string): EngineError =>
  new EngineError(
    'BROKER_UNAVAILABLE',
    `nobody answers ${subject}: is the production running? (${why})`,
    { retryable: true },
  );

/** It had been asked: one that is slow or stands still does what it was asked once nobody waits for it. */
const mayBeDone = (subject: string, seconds: number | undefined): EngineError =>
  new EngineError(
    'BROKER_UNAVAILABLE',
    seconds === undefined
      ? `the engine that was asked ${subject} is gone: it may be done all the same. Look before you order it again`
      : `no engine answered ${subject} within ${seconds} s: it may be done all the same. Look before you order it again`,
    { retryable: true },
  );

/**
 * Whether anybody serves a verb. NATS knows it at once: one that is slow or stands still is there.
 *
 * @param verb one that changes nothing: it is asked
 */
export async function isServed<Result>(
  { connection, names }: Pick<Broker, 'connection' | 'names'>,
  verb: Verb<null, Result>,
): Promise<boolean> {
  try {
    await connection.request(subjectOf(names, verb), pack(null));
    return true;
  } catch (error) {
    if (hasNobody(error)) return false;
    if (error instanceof TimeoutError) return true;
    throw error;
  }
}

/** The header of a request whose server shows that it is at it. */
const SIGNS = 'Wb-Signs';
/** Milliseconds between two signs of life, and without one after which the server counts as gone. */
const SIGN_EVERY = 500;
const SILENT = 3_000;
/** Milliseconds between two looks at whether the server's process, if it is on this machine, is gone. */
const LOOK_EVERY = 250;

interface Sign {
  /** Who is at it: `processIdentity`. */
  readonly alive: string | undefined;
}

function signsOfLife(message: Msg): Disposable {
  const sign = JSON.stringify({ alive: processIdentity() } satisfies Sign);
  const tell = (): void => void message.respond(sign);
  tell();
  return every(SIGN_EVERY, tell);
}

/** Runs something again and again, until it is disposed. */
function every(time: number, run: () => void): Disposable {
  const timer = setTimeout(() => {
    run();
    timer.refresh();
  }, time);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/**
 * Like `askControl`, for work that may take long and can be given again: a server that is killed is
 * noticed at once on this machine, and elsewhere after it was silent for some seconds. One of an
 * older version shows no sign: it is waited for until `timeout`, the limit of all.
 */
export async function askSigned<Request, Result>(
  { connection, names }: Broker,
  verb: Verb<Request, Result>,
  request: Request,
  { body, timeout }: { readonly body: Uint8Array; readonly timeout: number },
): Promise<Result> {
  const subject = subjectOf(names, verb);
  const bytes = packed({ connection }, request, body);
  const marked = headers();
  marked.set(SIGNS, '1');
  const limit = performance.now() + timeout;
  const first = await firstToAnswer(connection, subject, timeout).catch((error: unknown) => {
    throw nobodyAnswers(subject, describeError(error).code);
  });
  const asked = connection.requestMany(first, bytes, {
    strategy: 'stall',
    maxWait: timeout,
    stall: SILENT,
    headers: marked,
  });
  // its type does not say that it can be stopped
  const answers = (await asked) as QueuedIterator<Msg>;
  let by: string | undefined;
  using _ = every(LOOK_EVERY, () => {
    if (isGone(by) || performance.now() > limit) answers.stop();
  });
  try {
    for await (const answer of answers) {
      const told = readAnswer(answer.data) as Partial<Sign>;
      if (!('alive' in told)) return resultOf(verb, answer);
      by = told.alive;
    }
  } catch (error) {
    if (isEngineError(error)) throw error;
    throw nobodyAnswers(subject, describeError(error).code);
  }
  throw mayBeDone(subject, undefined);
}

/** How long `askAll` waits. */
type Patience =
  | { readonly count: number; readonly atMost: number }
  | { readonly silence: number; readonly expected?: number };

/** Milliseconds for others after all that were expected have answered. */
const MORE = 25;

/**
 * Asks every engine and returns the answers, until none has arrived for `silence` milliseconds (or
 * some after as many as `expected`), or `count` that are known to be alive have answered.
 */
export async function askAll<Request, Result>(
  { connection, names }: Broker,
  verb: Verb<Request, Result>,
  request: Request,
  wait: Patience = { silence: 400 },
): Promise<Result[]> {
  const results: Result[] = [];
  const until =
    'count' in wait
      ? ({ strategy: 'count', maxWait: wait.atMost, maxMessages: wait.count } as const)
      : ({ strategy: 'stall', maxWait: 5_000, stall: wait.silence } as const);
  const enough = 'count' in wait ? undefined : wait.expected;
  const subject = subjectOf(names, verb);
  // its type does not say that it can be stopped
  const asked = await connection.requestMany(subject, pack(request), until);
  const answers = asked as QueuedIterator<Msg>;
  let others: Timer | undefined;
  try {
    for await (const answer of answers) {
      results.push(resultOf(verb, answer));
      others?.stop();
      if (enough !== undefined && results.length >= enough)
        others = after(MORE, () => answers.stop());
    }
  } catch (error) {
    // NATS knows that nobody listens
    if (!(error instanceof NoRespondersError)) throw error;
  } finally {
    others?.stop();
  }
  return results;
}

/** Milliseconds that switching may take: a stopping host finishes what is in flight. */
const SWITCH_LIMIT = 150_000;

/**
 * Sends an order to every living engine and waits for all of them, at most `atMost` milliseconds. Throws
 * BROKER_UNAVAILABLE if no engine answers.
 */
export async function orderAll<Request, Result>(
  broker: Broker,
  verb: Verb<Request, Result>,
  request: Request,
  { atMost = SWITCH_LIMIT }: { readonly atMost?: number } = {},
): Promise<[Result, ...Result[]]> {
  const living = (await askAll(broker, ENGINE.status, null)).length;
  const results =
    living === 0 ? [] : await askAll(broker, verb, request, { count: living, atMost });
  if (isAny(results)) return results;
  throw new EngineError('BROKER_UNAVAILABLE', 'no engine answers: is the production running?', {
    retryable: true,
  });
}

/** Whether there is a result: a verb may have none. */
const isAny = <Result>(results: Result[]): results is [Result, ...Result[]] => results.length > 0;

const subjectOf = (
  names: Broker['names'],
  { of, name }: Pick<Verb<never, unknown>, 'of' | 'name'>,
): string => (of === 'engine' ? names.control(name) : names.ask(name));

function resultOf<Result>(_verb: Verb<never, Result>, message: Msg): Result {
  const answer = readAnswer(message.data) as {
    readonly result: Result;
    readonly failure?: Failure;
  };
  if (answer.failure === undefined) return answer.result;
  throw toldError(answer.failure, 'BROKER_UNAVAILABLE');
}

/** A request for NATS. Throws MESSAGE_TOO_LARGE. */
export function packed(
  { connection }: Pick<Broker, 'connection'>,
  request: unknown,
  body?: Uint8Array,
): Uint8Array {
  const bytes = pack(request, body);
  const most = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
  if (bytes.byteLength <= most) return bytes;
  throw new EngineError(
    'MESSAGE_TOO_LARGE',
    `the request has ${describeSize(bytes.byteLength)} with its body, and NATS accepts ${describeSize(most)} at once`,
  );
}

/** A request is its JSON's length, the JSON and a body, so that a message can be passed on without encoding it. */
function pack(request: unknown, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  const json = Buffer.from(JSON.stringify(request ?? null));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(json.byteLength);
  return Buffer.concat([head, json, body]);
}

export function unpack(data: Uint8Array): { request: unknown; body: Uint8Array } {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const size = bytes.readUInt32BE(0);
  return {
    request: JSON.parse(bytes.toString('utf8', 4, 4 + size)) as unknown,
    body: bytes.subarray(4 + size),
  };
}

const compress = promisify(gzip);
/** The first byte of what is compressed; JSON begins with a brace. */
const COMPRESSED = 0x1f;
/** Bytes of an answer that is read, at most. */
const MOST = 512 * 1024 * 1024;

/**
 * An answer for NATS. What is large is compressed, beside this thread: a description of thousands of hosts would be more
 * than NATS takes at once. Throws MESSAGE_TOO_LARGE.
 */
async function answerBytes(
  { connection }: Pick<Broker, 'connection'>,
  answer: object,
): Promise<Uint8Array> {
  const json = Buffer.from(JSON.stringify(answer));
  const most = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
  if (json.byteLength <= most / 4) return json;
  const bytes = await compress(json, { level: 1 });
  if (bytes.byteLength <= most) return bytes;
  throw new EngineError(
    'MESSAGE_TOO_LARGE',
    `the answer has ${describeSize(bytes.byteLength)}, compressed, and NATS accepts ${describeSize(most)} at once: ask for less`,
  );
}

/** What `answerBytes` has written, or an older version. */
function readAnswer(data: Uint8Array): unknown {
  const bytes = data[0] === COMPRESSED ? gunzipSync(data, { maxOutputLength: MOST }) : data;
  return JSON.parse(Buffer.from(bytes).toString()) as unknown;
}
