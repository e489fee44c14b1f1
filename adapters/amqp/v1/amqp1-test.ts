import { explained, type Lent, type Step, StepFailure, type setting } from 'waybill/adapter';
import { probe } from 'waybill/peer/basics';
import { type Amqp1Lent, connectAmqp1 } from './connect.ts';
import { attached, NoSession } from './link.ts';

type TestLent = Amqp1Lent &
  Pick<Lent<setting.Settings>, 'signal'> & {
    readonly settings: { readonly address: string; readonly session?: unknown };
  };

/** Name, TCP, TLS, sign-in, and a link to the address on which nothing is asked for. Moves no message. */
export async function tryAmqp1(
  lent: TestLent,
  step: Step,
  kind: 'receiver' | 'sender',
): Promise<void> {
  const { connect, tls, address, session: wanted } = lent.settings;
  const [first] = connect;
  if (first === undefined) throw new StepFailure('connect is empty', 'Name a broker');
  await probe(lent, step, { address: first, tls });
  const session = await step('sign-in', (detail) =>
    explained(async () => {
      const made = await connectAmqp1(lent, lent.signal);
      detail(made.facts);
      return made;
    }),
  );
  try {
    await step('permission', (detail) =>
      explained(async () => {
        await session.authorize(address, lent.signal);
        if (kind === 'receiver' && wanted !== undefined) {
          detail('a session is only taken by the service itself', 'untried');
          return;
        }
        const { connection, place } = session;
        const link =
          kind === 'receiver'
            ? connection.open_receiver({ source: { address }, credit_window: 0 })
            : connection.open_sender({ target: { address } });
        await attached(link, {
          place,
          address,
          signal: lent.signal,
          within: lent.settings.connectTimeout,
          lost: () => undefined,
        });
        detail(`${address} is there`);
      }),
    );
  } catch (error) {
    if (!(error instanceof NoSession)) throw error;
  } finally {
    await session.close();
  }
}
