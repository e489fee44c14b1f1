import type { DeliverOptions } from '../../src/adapter/adapter.ts';
import {
  type InboundAdapter,
  inbound,
  type OutboundAdapter,
  outbound,
} from '../../src/adapter/adapter.ts';
import type { Message, NewMessage, Receipt, Reply } from '../../src/message/message.ts';

/** An inbound adapter whose peer is the test itself. */
export function testInbound(): InboundAdapter & {
  deliver(message: NewMessage, options?: DeliverOptions): Promise<Receipt>;
} {
  let current: ((message: NewMessage, options?: DeliverOptions) => Promise<Receipt>) | undefined;
  return {
    ...inbound({
      type: 'test-in',
      title: 'Test',
      summary: 'Delivers what the test gives it.',
      settings: {},
      async open({ deliver, connection }) {
        current = deliver;
        connection('listening');
        return {
          async close() {
            current = undefined;
          },
        };
      },
    }),
    deliver(message, options) {
      if (current === undefined) throw new Error('the service is closed');
      return current(message, options);
    },
  };
}

/** An outbound adapter whose peer is the test itself: `answer` decides each send. */
export function testOutbound(
  answer: (
    message: Message,
    signal: AbortSignal,
  ) => Promise<Reply | undefined> | Reply | undefined = () => undefined,
): OutboundAdapter & { readonly sent: Message[] } {
  const sent: Message[] = [];
  return {
    ...outbound({
      type: 'test-out',
      title: 'Test',
      summary: 'Keeps what it is given.',
      settings: {},
      async open({ connection }) {
        connection('connected');
        return {
          async send(message, signal) {
            const reply = await answer(message, signal);
            sent.push(message);
            return reply;
          },
          async close() {
            // nothing is held open
          },
        };
      },
    }),
    sent,
  };
}
