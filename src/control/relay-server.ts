import { createInbox, type Msg, type Subscription } from '@nats-io/transport-node';
import { isAway } from '../broker/away.ts';
import type { Broker } from '../broker/broker.ts';
import { background } from '../error/background.ts';
import { EngineError } from '../error/engine-error.ts';
import { unpack } from './control.ts';
import { type ControlServer, serveShared } from './first-to-answer.ts';
import {
  type AnswerHead,
  type AskerNews,
  asJson,
  FRAME,
  type FrameKind,
  failure,
  frame,
  type RelayedRequest,
} from './relay-frames.ts';

export interface RelayedAnswer extends AnswerHead {
  readonly body: AsyncIterable<Uint8Array>;
}

/** `signal` is aborted once the asker no longer wants the answer, or is gone. */
export type AnswerRelayed = (
  request: RelayedRequest,
  body: Uint8Array,
  signal: AbortSignal,
) => Promise<RelayedAnswer>;

/** Bytes of an answer that may be under way. */
const WINDOW = 1024 * 1024;
const LARGEST = 128 * 1024;
/** Milliseconds between two signs of life, and after which an asker without any is given up. */
const ALIVE_EVERY = 4_000;
const GONE_AFTER = 20_000;
/** The most requests at once. */
const MOST = 200;

/** Answers what other consoles hand on. Only one of several operator planes answers each request. */
export function serveRelayed(broker: Broker, answer: AnswerRelayed): ControlServer {
  const open = new Set<Asker>();
  const serve = async (message: Msg): Promise<void> => {
    const asker = hearAsker(broker, message.reply ?? '');
    open.add(asker);
    try {
      if (open.size > MOST)
        throw new EngineError('BROKER_UNAVAILABLE', 'too many requests of other consoles run', {
          retryable: true,
        });
      const { request, body } = unpack(message.data);
      await asker.answer(await answer(request as RelayedRequest, body, asker.signal));
    } catch (error) {
      asker.send(FRAME.failed, failure(error));
    } finally {
      open.delete(asker);
      asker.close();
    }
  };
  const server = serveShared(broker.connection, broker.names.ask('api'), (message) =>
    background(serve(message), 'answering another console', isAway),
  );
  return {
    close() {
      server.close();
      for (const asker of open) asker.end();
    },
  };
}

interface Asker {
  readonly signal: AbortSignal;
  send(kind: FrameKind, payload: Uint8Array): void;
  answer(answer: RelayedAnswer): Promise<void>;
  readonly end: () => void;
  close(): void;
}

/** Tells the asker where to answer, and listens to it. */
function hearAsker({ connection }: Broker, to: string): Asker {
  const gone = new AbortController();
  let number = 0;
  let taken = 0;
  let more = Promise.withResolvers<void>();
  let heard = performance.now();
  const send = (kind: FrameKind, payload: Uint8Array): void => {
    if (!connection.isClosed()) connection.publish(to, frame(kind, number++, payload));
  };
  const end = (): void => {
    gone.abort();
    more.resolve();
  };
  const inbox = createInbox();
  const listening: Subscription = connection.subscribe(inbox, {
    callback: (error, message) => {
      if (error !== null) return;
      const news = message.json<AskerNews>();
      heard = performance.now();
      taken = Math.max(taken, news.taken);
      if (news.end === true) end();
      more.resolve();
    },
  });
  const timer = setTimeout(() => {
    if (performance.now() - heard > GONE_AFTER) end();
    else send(FRAME.alive, new Uint8Array(0));
    timer.refresh();
  }, ALIVE_EVERY);
  send(FRAME.begun, Buffer.from(inbox));
  let sent = 0;
  const sendPart = async (part: Uint8Array): Promise<void> => {
    while (sent - taken > WINDOW && !gone.signal.aborted) {
      more = Promise.withResolvers<void>();
      await more.promise;
    }
    if (gone.signal.aborted) return;
    send(FRAME.data, part);
    sent += part.byteLength;
  };
  return {
    signal: gone.signal,
    send,
    end,
    async answer({ status, headers, body }) {
      send(FRAME.head, asJson({ status, headers } satisfies AnswerHead));
      for await (const chunk of body) {
        for (let at = 0; at < chunk.byteLength; at += LARGEST)
          await sendPart(chunk.subarray(at, at + LARGEST));
        if (gone.signal.aborted) return;
      }
      send(FRAME.end, new Uint8Array(0));
    },
    close() {
      clearTimeout(timer);
      listening.unsubscribe();
    },
  };
}
