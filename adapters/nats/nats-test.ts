import { jetstreamManager } from '@nats-io/jetstream';
import { explained, type Lent, type Step, StepFailure, type setting } from 'waybill/adapter';
import { probe } from 'waybill/peer/basics';
import { connectNats, type NatsLent, type NatsSession } from './connect.ts';

type TestLent = NatsLent &
  Pick<Lent<setting.Settings>, 'signal'> & {
    readonly settings: { readonly stream?: string | undefined };
  };

/** Name, TCP, sign-in and, where one is named, the stream. Sends and takes nothing. */
export async function tryNats(lent: TestLent, step: Step): Promise<void> {
  const { settings } = lent;
  const [address] = settings.connect;
  if (address === undefined) throw new StepFailure('connect is empty', 'Name a server');
  await probe(lent, step, {
    address,
    ...(settings.tlsFirst && settings.tls !== undefined && { tls: settings.tls }),
  });
  const session = await step('sign-in', (detail) =>
    explained(async () => {
      const opened = await connectNats(lent, lent.signal);
      detail(opened.facts);
      return opened;
    }),
  );
  try {
    const { stream } = settings;
    if (stream !== undefined) {
      await step('stream', async (detail) => detail(await lookAt(session, stream)));
    }
  } finally {
    await session.connection.close();
  }
}

async function lookAt({ connection, place }: NatsSession, stream: string): Promise<string> {
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    const { state, config } = await manager.streams.info(stream);
    return `${stream} (${config.subjects.join(', ')}) holds ${state.messages} messages`;
  } catch (error) {
    throw new StepFailure(
      `the stream ${stream} of ${place} cannot be looked at`,
      'Correct the name; the account needs JetStream and $JS.API.STREAM.INFO of the stream',
      { cause: error },
    );
  }
}
