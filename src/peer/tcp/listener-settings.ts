import {
  type Address,
  address,
  choice,
  duration,
  integer,
  list,
  type Setting,
  size,
  type ValuesOf,
} from '../../adapter/setting.ts';
import { type TlsServerSettings, tlsServer } from '../tls/tls-settings.ts';
import { type AllowedAddress, allowedAddress } from './allowed-address.ts';

interface ListenSettings {
  readonly listen: Setting<Address, string>;
  readonly tls: ReturnType<typeof tlsServer>;
  readonly allowFrom: Setting<readonly AllowedAddress[], readonly string[] | undefined>;
}

/** Where a listener listens, and who may connect. `port` is for the example. */
export function listenSettings(port: number): ListenSettings {
  return {
    listen: address({
      help: 'Address and port to listen on; 0.0.0.0 listens on every address of this machine.',
      example: `0.0.0.0:${port}`,
    }),
    tls: tlsServer(),
    allowFrom: list(allowedAddress, {
      help: 'From which addresses or networks senders may connect. Empty allows all.',
      example: '["10.1.0.0/16"]',
    }),
  };
}

/** How many connections a listener allows. */
export const connectionCounts = {
  connections: choice(
    {
      parallel: 'Any number of connections from one address',
      replace: 'One; a new one replaces the old',
      refuse: 'One; a new one is refused while the old is open',
    },
    {
      help: 'How many connections a sender (an address) may have. replace helps against peers that lose a connection without closing it.',
      default: 'parallel',
      advanced: true,
    },
  ),
  maxConnections: integer({
    help: 'How many connections may be open at once.',
    default: 500,
    minimum: 1,
    advanced: true,
  }),
  connectionsPerAddress: integer({
    help: 'How many connections one address may have open at once, so that none can lock out the others. A load balancer counts as one address.',
    default: 100,
    minimum: 1,
    advanced: true,
  }),
};

/** What one connection may send, and how long it may be silent. */
export const senderLimits = {
  limit: size({
    help: 'The largest message that is taken; the connection of a larger one is closed.',
    default: '50MB',
    advanced: true,
  }),
  maxJunk: size({
    help: 'How many bytes that belong to no message are skipped before the connection is closed.',
    default: '64KB',
    advanced: true,
  }),
  frameTimeout: duration({
    help: 'How long a message may take from its first byte to its last.',
    default: '60s',
    advanced: true,
  }),
  idleTimeout: duration({
    help: 'How long a connection may be silent before it is closed.',
    default: 'forever',
    advanced: true,
  }),
  writeTimeout: duration({
    help: 'How long a sender may leave its acknowledgements unread before the connection is closed.',
    default: '30s',
    advanced: true,
  }),
};

export type ListenerValues = ValuesOf<typeof connectionCounts> & {
  readonly listen: Address;
  readonly tls: TlsServerSettings | undefined;
  readonly allowFrom: readonly AllowedAddress[];
};
export type SenderLimits = ValuesOf<typeof senderLimits>;
