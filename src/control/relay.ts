import { Readable } from 'node:stream';
import { createInbox, type Msg, type Subscription } from '@nats-io/transport-node';
import type { Broker } from '../broker/broker.ts';
import { names } from '../broker/names.ts';
import { background } from '../error/background.ts';
import { EngineError } from '../error/engine-error.ts';
import { packed } from './control.ts';
import { firstToAnswer } from './first-to-answer.ts';
import {
  type AnswerHead,
  type AskerNews,
  begunBy,
  FRAME,
  failed,
  headOf,
  type RelayedRequest,
  type RelayFrame,
  readFrame,
} from './relay-frames.ts';

export interface Relayed extends AnswerHead {
  /** To be read, or destroyed. */
  readonly body: Readable;
}

/** Milliseconds without a sign of life after which the other side is given up, and between our own. */
const SILENCE = 15_000;
const NEWS_EVERY = 5_000;
/** Bytes after which the other side is told how much was read. */
const TOLD_EVERY = 256 * 1024;

/**
 * Asks the operator plane of another production on the same NATS, and returns its answer as it
 * comes. Throws BROKER_UNAVAILABLE if none is there, it falls silent, or nobody wants it any more.
 */
export async function askRelayed(
  { connection }: Broker,
  production: string,
  request: RelayedRequest,
  { body, signal }: { readonly body?: Uint8Array | undefined; readonly signal: AbortSignal },
): Promise<Relayed> {
  // it tells its listeners nothing more
  if (signal.aborted) throw away(production);
  const inbox = createInbox();
  const bytes = packed({ connection }, request, body);
  const asked = followed({ connection }, inbox, production);
  signal.addEventListener('abort', asked.end, { once: true });
  try {
    const shared = names(production).ask('api');
    const first = await firstToAnswer(connection, shared, SILENCE).catch(() => {
      // none of them answered in time
      throw away(production);
    });
    if (signal.aborted) throw away(production);
    connection.publish(first, bytes, { reply: inbox });
    for (;;) {
      const { kind, payload } = await asked.next();
      if (kind === FRAME.failed) throw failed(payload);
      if (kind !== FRAME.head) continue;
      const answer = read(asked, () => signal.removeEventListener('abort', asked.end));
      return { ...headOf(payload), body: answer };
    }
  } catch (error) {
    asked.end();
    throw error;
  }
}

/** Destroying it ends the answer at once, also while nothing comes. */
function read(asked: Followed, onClosed: () => void): Readable {
  const rest = asked.rest();
  const pull = async (): Promise<void> => {
    try {
      const { value, done } = await rest.next();
      body.push(done === true ? null : value);
    } catch (error) {
      body.destroy(error instanceof Error ? error : undefined);
    }
  };
  const body = new Readable({
    read: () => background(pull(), 'reading an answer of another production'),
    destroy(error, done) {
      onClosed();
      asked.end();
      done(error);
    },
  });
  return body;
}

interface Followed {
  /** Throws BROKER_UNAVAILABLE once the other side is silent, or this one has ended it. */
  next(): Promise<RelayFrame>;
  rest(): AsyncGenerator<Uint8Array>;
  readonly end: () => void;
}

function followed(
  { connection }: Pick<Broker, 'connection'>,
  inbox: string,
  production: string,
): Followed {
  const subscription = connection.subscribe(inbox);
  const frames = subscription[Symbol.asyncIterator]();
  let to: string | undefined;
  let number = 0;
  let taken = 0;
  let told = 0;
  let ended = false;
  const tell = (news: Omit<AskerNews, 'taken'> = {}): void => {
    if (to !== undefined && !connection.isClosed())
      connection.publish(to, JSON.stringify({ taken, ...news }));
  };
  const news = setTimeout(() => {
    tell();
    news.refresh();
  }, NEWS_EVERY);
  const beginning = hearBegun({ connection }, inbox, (begun) => {
    to = begun;
    if (ended) tell({ end: true });
  });
  const end = (): void => {
    if (ended) return;
    ended = true;
    tell({ end: true });
    clearTimeout(news);
    subscription.unsubscribe();
    setTimeout(() => beginning.unsubscribe(), SILENCE).unref();
  };
  const next = async (): Promise<RelayFrame> => {
    // only while somebody waits: who reads slowly is not to blame the other side
    const silence = setTimeout(() => subscription.unsubscribe(), SILENCE);
    const { value: message, done } = await frames.next().finally(() => clearTimeout(silence));
    if (done === true || isNobody(message)) throw away(production);
    return readFrame(message.data, number++);
  };
  return {
    next,
    async *rest() {
      for (;;) {
        const { kind, payload } = await next();
        if (kind === FRAME.end) return;
        if (kind === FRAME.failed) throw failed(payload);
        if (kind !== FRAME.data) continue;
        yield payload;
        taken += payload.byteLength;
        if (taken - told >= TOLD_EVERY) {
          told = taken;
          tell();
        }
      }
    },
    end,
  };
}

/** Hears who answers, also once nobody wants the answer any more. */
function hearBegun(
  { connection }: Pick<Broker, 'connection'>,
  inbox: string,
  hear: (begun: string) => void,
): Subscription {
  return connection.subscribe(inbox, {
    max: 1,
    callback(error, { data }) {
      const begun = error === null ? begunBy(data) : undefined;
      if (begun !== undefined) hear(begun);
    },
  });
}

/** NATS itself answers so if nobody listens. */
const isNobody = ({ headers, data }: Msg): boolean =>
  headers?.code === 503 && data.byteLength === 0;

const away = (production: string): EngineError =>
  new EngineError(
    'BROKER_UNAVAILABLE',
    `no console of ${production} answers: its operator plane does not run, has no console, or is of a version without this`,
    { retryable: true },
  );
