import {
  AckPolicy,
  type Consumer,
  type ConsumerInfo,
  DeliverPolicy,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import { NotConnectedError } from 'waybill/adapter';
import type { NatsSession } from './connect.ts';
import type { NatsInLent } from './nats-in.ts';

const CONSUMER_NOT_FOUND = 10_014;
const STREAM_NOT_FOUND = 10_059;

export const consumerName = ({
  production,
  host,
  settings,
}: Pick<NatsInLent, 'production' | 'host' | 'settings'>): string =>
  settings.consumer ?? `${production}-${host}`.replaceAll(/[^\w-]/g, '_');

/** The durable consumer of a service, made if it is missing. Throws NotConnectedError with what to do. */
export async function consumerOf(
  lent: NatsInLent,
  { connection, place }: NatsSession,
  stream: string,
): Promise<{ readonly consumer: Consumer; readonly name: string }> {
  const name = consumerName(lent);
  const { subject, begin } = lent.settings;
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    let info = await found(() => manager.consumers.info(stream, name));
    info ??= await manager.consumers.add(stream, {
      durable_name: name,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: begin === 'all' ? DeliverPolicy.All : DeliverPolicy.New,
      ...(subject !== undefined && { filter_subject: subject }),
    });
    checkConsumer(info, name);
    return { consumer: await jetstream(connection).consumers.get(stream, name), name };
  } catch (error) {
    if (error instanceof NotConnectedError) throw error;
    throw explainedStream(error, { place, stream, name });
  }
}

async function found(ask: () => Promise<ConsumerInfo>): Promise<ConsumerInfo | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === CONSUMER_NOT_FOUND) return undefined;
    throw error;
  }
}

/** A consumer that does not wait for acknowledgements would lose what we could not store. */
function checkConsumer({ config }: ConsumerInfo, name: string): void {
  if (config.ack_policy !== AckPolicy.Explicit) {
    throw new NotConnectedError(
      `The consumer ${name} does not wait for an acknowledgement of each message, so that some could be lost. Have it made with AckPolicy explicit, or name another.`,
    );
  }
  if (config.deliver_subject !== undefined) {
    throw new NotConnectedError(
      `The consumer ${name} pushes to a subject. Have it made as a pull consumer, or name another.`,
    );
  }
}

function explainedStream(
  error: unknown,
  {
    place,
    stream,
    name,
  }: { readonly place: string; readonly stream: string; readonly name: string },
): NotConnectedError {
  const code = error instanceof JetStreamApiError ? error.code : undefined;
  if (code === STREAM_NOT_FOUND) {
    return new NotConnectedError(
      `There is no stream ${stream} on ${place}. Correct the name, or have it made; is it the right account?`,
    );
  }
  const text = error instanceof Error ? error.message : '';
  if (/permission|no responders|jetstream not enabled/i.test(text) || code === 10_039) {
    return new NotConnectedError(
      `${place} has no JetStream for this account, or does not let it be asked about. Ask its owner: the account needs $JS.API.CONSUMER.> of the stream ${stream}.`,
      { cause: error },
    );
  }
  return new NotConnectedError(
    `${place} did not give the consumer ${name} of the stream ${stream}${code === undefined ? '' : ` (error ${code})`}. Look at the stream and at the rights of the account.`,
    { cause: error },
  );
}
