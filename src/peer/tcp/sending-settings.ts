import {
  type Address,
  address,
  duration,
  integer,
  optional,
  type Setting,
  size,
  type ValuesOf,
} from '../../adapter/setting.ts';

/** The peer that messages are sent to. `example` is its address in the reference. */
export function peerAddress(example: string): Setting<Address, string> {
  return address({ help: 'Address and port of the peer.', example });
}

/** How long connecting may take, and how long a connection is kept. */
export const sendingTimes = {
  connectTimeout: duration({
    help: 'How long connecting may take, TLS included.',
    default: '5s',
    advanced: true,
  }),
  writeTimeout: duration({
    help: 'How long the peer may take to accept the bytes of a message.',
    default: '30s',
    advanced: true,
  }),
  stayConnected: duration({
    help: 'How long a connection is kept without a message. 0s opens a new one for each message.',
    default: 'forever',
    advanced: true,
  }),
  throttle: optional(
    integer({
      help: 'The most messages to send in a second.',
      minimum: 1,
      maximum: 100_000,
      advanced: true,
    }),
  ),
};

/** The largest answer that is read. */
export const replyLimit = size({
  help: 'The largest acknowledgement that is read.',
  default: '10MB',
  advanced: true,
});

export type SendingTimes = ValuesOf<typeof sendingTimes>;
