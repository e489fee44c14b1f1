import { JetStreamApiCodes, JetStreamApiError, JetStreamError } from '@nats-io/jetstream';
import {
  ClosedConnectionError,
  ConnectionError,
  DrainingConnectionError,
  NoRespondersError,
  PermissionViolationError,
  RequestError,
  TimeoutError,
} from '@nats-io/transport-node';
import { isEngineError } from '../error/engine-error.ts';

const KINDS = [
  ClosedConnectionError,
  ConnectionError,
  DrainingConnectionError,
  NoRespondersError,
  PermissionViolationError,
  RequestError,
  TimeoutError,
  JetStreamApiError,
  JetStreamError,
];
const CODES: ReadonlySet<string> = new Set([
  'BROKER_UNAVAILABLE',
  'QUEUE_UNAVAILABLE',
  'QUEUE_FULL',
]);

/**
 * Whether the server is unreachable, restarting, electing a leader, out of space, does not permit it at the moment, or
 * lacks the stream or consumer, so that a retry may work later. Anything else is not an outage.
 */
export function isAway(error: unknown): boolean {
  if (isEngineError(error)) return CODES.has(error.code);
  if (!(error instanceof Error)) return false;
  return KINDS.some((kind) => error instanceof kind) || isWithoutJetStream(error);
}

/** Whether the server has no such stream, or not any more. */
export const isStreamMissing = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;

/** The server's codes for no room: of the account, and of the server, whatever it calls it. */
const NO_ROOM: ReadonlySet<number> = new Set([10_002, 10_023, 10_047]);

/** Whether NATS takes nothing more at all, because what it may store is full. */
export const isWithoutRoom = (error: unknown): boolean =>
  error instanceof JetStreamApiError && NO_ROOM.has(error.code);

/** Whether nobody answers for JetStream, or not for this account. The client does not export the class of this error. */
export const isWithoutJetStream = (error: unknown): boolean =>
  error instanceof Error && error.name === 'JetStreamNotEnabled';
