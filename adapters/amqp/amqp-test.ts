import type { Channel } from 'amqplib';
import { explained, type Lent, type Step, StepFailure, type setting } from 'waybill/adapter';
import { probe } from 'waybill/peer/basics';
import { type AmqpLent, connectAmqp } from './connect.ts';

type TestLent = AmqpLent & Pick<Lent<setting.Settings>, 'signal'>;

/** Name, TCP, TLS, sign-in, and what `look` looks at on a channel; undefined where there is nothing. Moves no message. */
export async function tryAmqp(
  lent: TestLent,
  step: Step,
  look: (channel: Channel) => Promise<string | undefined>,
): Promise<void> {
  const [address] = lent.settings.connect;
  if (address === undefined) throw new StepFailure('connect is empty', 'Name a broker');
  await probe(lent, step, { address, tls: lent.settings.tls });
  const { connection } = await step('sign-in', (detail) =>
    explained(async () => {
      const session = await connectAmqp(lent, lent.signal);
      detail(session.facts);
      return session;
    }),
  );
  try {
    await step('permission', async (detail) => {
      const channel = await connection.createChannel();
      channel.on('error', () => undefined);
      try {
        const seen = await look(channel);
        if (seen === undefined) detail('the default exchange is always there');
        else detail(seen);
      } catch (error) {
        throw new StepFailure(
          (error as { code?: unknown }).code === 404
            ? 'the broker has no queue or exchange of that name'
            : 'the broker does not let us look at it',
          'Correct the name and vhost, have it made, or the account permitted',
          { cause: error },
        );
      }
    });
  } finally {
    // a connection that is gone is closed already
    await connection.close().catch(() => undefined);
  }
}
