import { expect, vi } from 'vitest';
import type { DeliverOptions } from '../../src/adapter/adapter.ts';
import type { NatsAccess } from '../../src/broker/embedded/nats-server.ts';
import { outcomeTail } from '../../src/broker/outcome-tail.ts';
import type {
  Definition,
  OperationDefinition,
  ProcessDefinition,
} from '../../src/definition/definition.ts';
import type { HostStatus } from '../../src/host/host.ts';
import type { Logger } from '../../src/log/logger.ts';
import type { Message, NewMessage, Receipt, Reply } from '../../src/message/message.ts';
import type { OutcomeRecord } from '../../src/message/record.ts';
import {
  definition,
  operationDefinition,
  processDefinition,
  serviceDefinition,
} from './definition.ts';
import { testInbound, testOutbound } from './loopback-adapter.ts';
import { startNats } from './nats.ts';
import { type Running, run } from './running.ts';

/** An operation of the production, and its peer's answer: by default none. */
export interface GivenOperation extends Partial<OperationDefinition> {
  readonly answer?: (
    message: Message,
    signal: AbortSignal,
  ) => Promise<Reply | undefined> | Reply | undefined;
}

export interface Given {
  /** The targets of the one service, `in`; by default the first operation. */
  readonly to?: readonly string[];
  readonly processes?: Readonly<Record<string, Partial<ProcessDefinition>>>;
  /** By name; by default one, `out`. */
  readonly operations?: Readonly<Record<string, GivenOperation>>;
  readonly settings?: Partial<Definition['settings']>;
  readonly log?: Logger;
  /** An existing server; by default one is started, and ended with the production. */
  readonly nats?: NatsAccess;
}

/** A production that runs on a real NATS between a sender and receivers that are the test itself. */
export interface GivenProduction extends Running {
  /** Resolves once the message is accepted; a string is a message of plain text. */
  comes(message: string | NewMessage, options?: DeliverOptions): Promise<Receipt>;
  /** The same for several, one after another. */
  come(...messages: readonly (string | NewMessage)[]): Promise<void>;
  /** What an operation's peer has received, in order. */
  sent(operation?: string): readonly Message[];
  /** The same as texts; empty for a large body, which is not in the message. */
  arrived(operation?: string): readonly string[];
  /** Waits until exactly these, in this order, have arrived. */
  arrive(texts: readonly string[], operation?: string): Promise<void>;
  status(host?: string): HostStatus | undefined;
  /** The outcome of each message, from the journal. */
  outcomes(): Promise<readonly OutcomeRecord[]>;
}

const plain = (message: string | NewMessage): NewMessage =>
  typeof message === 'string' ? { body: Buffer.from(message), type: 'text/plain' } : message;

/** The text of a body in the message itself. */
export const textOf = ({ body }: Pick<Message, 'body'>): string =>
  Buffer.from(body.inline ?? []).toString();

/** The peer that answers nothing until its operation is stopped. */
export const silent = (_message: Message, signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true });
  });

/** Given this production, when messages come in, then … arrive: see `GivenProduction`. */
export async function given({
  operations = { out: {} },
  to = Object.keys(operations).slice(0, 1),
  processes = {},
  settings = {},
  log,
  nats,
}: Given = {}): Promise<GivenProduction> {
  await using stack = new AsyncDisposableStack();
  const server = nats ?? stack.use(await startNats());
  const from = testInbound();
  const peers = new Map(
    Object.entries(operations).map(([name, { answer }]) => [name, testOutbound(answer)]),
  );
  const made = definition({
    services: [serviceDefinition('in', from, { to })],
    processes: Object.entries(processes).map(([name, rest]) => processDefinition(name, rest)),
    operations: [...peers].map(([name, peer]) => {
      const { answer: _, ...rest } = operations[name] ?? {};
      return operationDefinition(name, peer, rest);
    }),
  });
  const running = stack.use(
    await run(server, { ...made, settings: { ...made.settings, ...settings } }, log),
  );
  const { director, engine } = running;
  const status = (host = 'out') => director.statuses().find((one) => one.host === host);
  await vi.waitFor(() => expect(status('in')?.connection).toBe('listening'));
  const sent = (operation = 'out') => peers.get(operation)?.sent ?? [];
  const arrived = (operation?: string) => sent(operation).map(textOf);
  const comes = (message: string | NewMessage, options?: DeliverOptions) =>
    from.deliver(plain(message), options);
  const all = stack.move();
  return {
    ...running,
    comes,
    async come(...messages) {
      for (const message of messages) await comes(message);
    },
    sent,
    arrived,
    arrive: (texts, operation) =>
      vi.waitFor(() => expect(arrived(operation)).toEqual(texts), { timeout: 15_000 }),
    status,
    async outcomes() {
      await engine.outcomes.flush();
      const found: OutcomeRecord[] = [];
      for await (const { record } of outcomeTail(engine.broker, 60_000)) {
        if (record.kind === 'outcome') found.push(record);
      }
      return found;
    },
    stop: () => all.disposeAsync(),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** How many messages wait for a time or an answer, outside of their queue. */
export const waitingIn = async ({ engine }: GivenProduction): Promise<number> =>
  (await engine.broker.manager.streams.info(engine.broker.names.waiting.stream)).state.messages;
