import { DisableError, EngineError, NotConnectedError } from 'waybill/adapter';
import { firstBytes, notConnected, placeOf } from 'waybill/peer/basics';
import type { Account, KafkaLent } from './account.ts';
import type { BrokerAt } from './broker.ts';

/** The error codes of the protocol on which something depends: https://kafka.apache.org/protocol#protocol_error_codes */
export const CODE = {
  OFFSET_OUT_OF_RANGE: 1,
  UNKNOWN_TOPIC: 3,
  NO_LEADER: 5,
  NOT_LEADER: 6,
  TIMED_OUT: 7,
  NO_REPLICA: 9,
  TOO_LARGE: 10,
  NETWORK: 13,
  COORDINATOR_LOADS: 14,
  NO_COORDINATOR: 15,
  NOT_COORDINATOR: 16,
  BATCH_TOO_LARGE: 18,
  FEW_REPLICAS: 19,
  FEW_REPLICAS_AFTER: 20,
  ILLEGAL_GENERATION: 22,
  OTHER_PROTOCOL: 23,
  UNKNOWN_MEMBER: 25,
  BAD_SESSION_TIMEOUT: 26,
  REBALANCING: 27,
  TOPIC_DENIED: 29,
  GROUP_DENIED: 30,
  CLUSTER_DENIED: 31,
  OUT_OF_ORDER: 45,
  DUPLICATE_SEQUENCE: 46,
  BAD_EPOCH: 47,
  STORAGE: 56,
  SASL_FAILED: 58,
  UNKNOWN_PRODUCER: 59,
  FENCED_EPOCH: 74,
  UNKNOWN_EPOCH: 75,
  NOT_AVAILABLE: 78,
  MEMBER_ID_REQUIRED: 79,
  GROUP_FULL: 81,
  FENCED_PRODUCER: 90,
  UNKNOWN_TOPIC_ID: 100,
} as const;

/** Another broker leads the partition now, or will soon. */
const MOVED: ReadonlySet<number> = new Set([
  CODE.NO_LEADER,
  CODE.NOT_LEADER,
  CODE.NO_REPLICA,
  CODE.NETWORK,
  CODE.STORAGE,
  CODE.FENCED_EPOCH,
  CODE.UNKNOWN_EPOCH,
  CODE.NOT_AVAILABLE,
]);

export const isMoved = (code: number): boolean => MOVED.has(code);

interface Failed {
  readonly at: BrokerAt;
  readonly account: Account;
  /** Undefined if it took too long. */
  readonly error: unknown;
}

/** Why a broker was not reached: DisableError if the sign-in was refused. */
export async function connectFailure(
  lent: KafkaLent,
  { at, account, error }: Failed,
  signal: AbortSignal,
): Promise<Error> {
  const place = placeOf(at.address);
  const chain = chainOf(error);
  const told = chain.find((one) => one instanceof EngineError);
  if (told !== undefined) return told;
  const refused = chain.find(({ code }) => code === 'PLT_KFK_AUTHENTICATION');
  if (refused !== undefined) return refusal(place, account, chain);
  const failure = await notReached(lent, { at, account, error }, signal);
  return at.toldBy === undefined ? failure : advertised(at.toldBy, place, failure);
}

/** The classic trap: brokers name addresses that only they can reach. */
function advertised(toldBy: string, place: string, failure: Error): NotConnectedError {
  const cause = failure.message.replace(/^Not connected: /, '').replace(/\.$/, '');
  return new NotConnectedError(
    `Not connected: ${toldBy} names ${place} as the address of a broker, and it is not reached from here: ${cause}. Have advertised.listeners of the broker corrected to an address that we reach, or say under addresses where it is reached.`,
    { cause: failure },
  );
}

async function notReached(
  lent: KafkaLent,
  { at, account, error }: Failed,
  signal: AbortSignal,
): Promise<Error> {
  const place = placeOf(at.address);
  const { tls, connectTimeout } = lent.settings;
  const chain = chainOf(error);
  const coded = chain.find(({ code }) => typeof code === 'string' && /^[EC]/.test(code));
  if (coded !== undefined) return notConnected(coded, place);
  const told = (what: string): Error => new NotConnectedError(`Not connected: ${place} ${what}.`);
  if (chain.some(({ message }) => /requires TLS/.test(message))) {
    return told('wants TLS. Add a tls block to the settings, or use its port without TLS');
  }
  if (error !== undefined) {
    const first = await firstBytes(
      lent,
      { address: at.address, tls, timeout: Math.min(connectTimeout, 2_000) },
      signal,
    );
    if (first instanceof Error) return first;
    if (first.length > 0) {
      return told(
        'does not speak Kafka. Correct the host or the port: mostly 9092, with TLS often 9093',
      );
    }
    return told(
      `broke off while we connected (${account.who}). Is it a port of Kafka, and the one with${tls === undefined ? 'out' : ''} TLS? ${account.remedy}; look at the log of the broker`,
    );
  }
  return told(
    `did not finish connecting and the sign-in within ${connectTimeout / 1_000} s. Check that a Kafka broker listens on this port, and whether it wants TLS`,
  );
}

function refusal(place: string, account: Account, chain: readonly Linked[]): DisableError {
  const offered = chain
    .map(({ response }) => response?.mechanisms)
    .find((mechanisms) => mechanisms !== undefined);
  if (offered !== undefined && chain.some(({ message }) => /suitable SASL/.test(message))) {
    const names = offered.filter((name) => /^[\w-]{1,30}$/.test(name)).join(', ');
    return new DisableError(
      `${place} refused the way to sign in (${account.who}): it offers ${names || 'none'}. Correct mechanism, or the kind of the credential.`,
    );
  }
  return new DisableError(`${place} refused the sign-in (${account.who}). ${account.remedy}.`);
}

interface Linked {
  readonly message: string;
  readonly code?: unknown;
  readonly response?: { readonly mechanisms?: readonly string[] };
}

/** An error with its causes, and those of several at once. */
function chainOf(error: unknown, depth = 0): readonly Linked[] {
  if (!(error instanceof Error) || depth > 8) return [];
  const { errors = [] } = error as { readonly errors?: readonly unknown[] };
  return [
    error,
    ...chainOf(error.cause, depth + 1),
    ...errors.flatMap((one) => chainOf(one, depth + 1)),
  ];
}
