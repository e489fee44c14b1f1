import {
  AckPolicy,
  type Consumer,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  JetStreamApiError,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { NotConnectedError } from 'waybill/adapter';
import type { NatsSession } from './connect.ts';
import type { NatsInLent } from './nats-in.ts';

const CONSUMER_NOT_FOUND = 10_014;
const STREAM_NOT_FOUND = 10_059;

const consumerName = ({
  production,
  host,
  settings,
}: Pick<NatsInLent, 'production' | 'host' | 'settings'>): string =>
  settings.consumer ?? `${production}-${host}`.replaceAll(/[^\w-]/g, '_');

/** Says in a consumer's metadata that it is of a service, which may change it. */
const MADE_BY = 'waybill';
/** Milliseconds after which what a killed engine had in hand comes again. */
const ACK_WAIT = 10_000;
/** What the server allows if nothing is said. */
const MOST_IN_HAND = 1_000;

interface Found {
  readonly consumer: Consumer;
  readonly name: string;
  /** What a person should know of it; may be empty. */
  readonly told: string;
}

/** The durable consumer of a service, created if it is missing. Throws NotConnectedError with what to do. */
export async function consumerOf(
  lent: NatsInLent,
  { connection, place }: NatsSession,
  stream: string,
): Promise<Found> {
  const name = consumerName(lent);
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    const known = await found(() => manager.consumers.info(stream, name));
    const info =
      known === undefined
        ? await manager.consumers.add(stream, created(lent, name))
        : await asWanted(lent, manager, known);
    checkConsumer(info, name);
    const consumer = await jetstream(connection).consumers.get(stream, name);
    return { consumer, name, told: toldOf(lent, info) };
  } catch (error) {
    if (error instanceof NotConnectedError) throw error;
    throw explainedStream(error, { place, stream, name });
  }
}

/**
 * Messages that are stored one at a time are also handed out one at a time, over all engines: what
 * a killed one had in hand would otherwise come again behind what came meanwhile.
 */
const pace = ({ settings }: Pick<NatsInLent, 'settings'>) => ({
  ack_wait: nanos(ACK_WAIT),
  max_ack_pending: settings.parallel === 1 ? 1 : MOST_IN_HAND,
});

function created(lent: NatsInLent, name: string): Partial<ConsumerConfig> {
  const { subject, begin } = lent.settings;
  return {
    durable_name: name,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: begin === 'all' ? DeliverPolicy.All : DeliverPolicy.New,
    ...(subject !== undefined && { filter_subject: subject }),
    ...pace(lent),
    metadata: { [MADE_BY]: lent.host },
  };
}

/** A consumer that a service has made follows `parallel`; one of somebody else stays as it is. */
async function asWanted(
  lent: NatsInLent,
  manager: JetStreamManager,
  info: ConsumerInfo,
): Promise<ConsumerInfo> {
  const { config, stream_name, name } = info;
  const wanted = pace(lent);
  // an earlier version wrote no metadata; only it makes this name
  const isOurs = config.metadata?.[MADE_BY] !== undefined || lent.settings.consumer === undefined;
  const isSame =
    config.max_ack_pending === wanted.max_ack_pending && config.ack_wait === wanted.ack_wait;
  if (!isOurs || isSame) return info;
  try {
    return await manager.consumers.update(stream_name, name, wanted);
  } catch (error) {
    // without the right to change it, it is used as it is, and `toldOf` says so
    if (error instanceof JetStreamApiError || isRefused(error)) return info;
    throw error;
  }
}

const isRefused = (error: unknown): boolean =>
  error instanceof Error && /permission|no responders/i.test(error.message);

const toldOf = ({ settings }: Pick<NatsInLent, 'settings'>, { config }: ConsumerInfo): string =>
  settings.parallel === 1 && config.max_ack_pending !== 1
    ? '; its max_ack_pending is not 1, so messages in hand at a crash come again behind later ones'
    : '';

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
