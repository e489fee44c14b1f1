import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import natsIn from '../../adapters/nats/nats-in.ts';
import natsOut from '../../adapters/nats/nats-out.ts';
import { natsPeer } from '../../test/support/nats-peer.ts';
import { message } from '../messages.ts';
import { kept, type Subjects, sender, Taken, taking, timed } from './subject.ts';

const nobody = { kind: 'basic', user: '', password: '' } as const;

/** How a service that stores one message at a time makes its consumer. */
const AS_MADE = { ack_policy: 'explicit', max_ack_pending: 1 } as const;

/** Streams of another NATS beside the bare client: each message confirmed, each acknowledged. */
export async function natsSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const peer = undo.use(await natsPeer());
  const client = await peer.client();
  const manager = await jetstreamManager(client);
  const stream = jetstream(client);
  for (const name of ['in', 'out']) await manager.streams.add({ name, subjects: [`${name}.>`] });
  const body = message(1).bytes;
  const at = { connect: `127.0.0.1:${peer.port}` };
  let turn = 0;
  const prepare = async (messages: number): Promise<void> => {
    turn += 1;
    await Promise.all(['in', 'out'].map((name) => manager.streams.purge(name)));
    await timed(messages, () => stream.publish('in.a', body));
  };
  const out = await sender(natsOut, { ...at, subject: 'out.a' }, nobody);
  undo.defer(() => out.close());
  let id = 0;
  const opened = undo.move();
  return {
    subjects: [
      {
        what: 'nats-out, to a stream',
        prepare,
        bare: (messages) =>
          timed(messages, () => stream.publish('out.a', body, { msgID: `bare-${++id}` })),
        adapter: (messages) => timed(messages, () => out.send(body)),
      },
      {
        what: 'nats-in, of a stream',
        prepare,
        async bare(messages) {
          const taken = new Taken(messages);
          const durable_name = `bare-${turn}`;
          await manager.consumers.add('in', { durable_name, ...AS_MADE });
          const consumer = await stream.consumers.get('in', durable_name);
          const found = await consumer.consume({ max_messages: 10 });
          const reading = (async () => {
            for await (const one of found) {
              taken.one();
              await kept();
              one.ack();
            }
          })();
          const took = await taken.spent;
          await found.close();
          await reading;
          return took;
        },
        adapter: (messages) =>
          taking(
            natsIn,
            { ...at, stream: 'in', consumer: `adapter-${turn}`, begin: 'all' },
            { credential: nobody, messages },
          ),
      },
    ],
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
