import { address, duration, integer, size, type ValuesOf } from '../../adapter/setting.ts';
import { tlsServer } from '../tls/tls-settings.ts';

/** Where a web service listens. */
export const listenerPlace = {
  listen: address({
    help: 'Address and port to listen on; 0.0.0.0 listens on every address of this machine. Several services may share a port if their paths differ.',
    example: '0.0.0.0:8080',
  }),
  tls: tlsServer(),
};

/** How much load a web service accepts. */
export const listenerLimits = {
  limit: size({
    help: 'The largest accepted body; a larger one is answered with 413.',
    default: '50MB',
    advanced: true,
  }),
  requestTimeout: duration({
    help: 'How long a request may take from its first byte to its last, and how long a caller may leave its answer unread.',
    default: '60s',
    advanced: true,
  }),
  maxConnections: integer({
    help: 'How many connections may be open at once. If services share a port, the first one decides.',
    default: 1_000,
    minimum: 1,
    advanced: true,
  }),
  connectionsPerAddress: integer({
    help: 'How many connections one address may have open at once, so that none locks out the others. A proxy in front of this port counts as one.',
    default: 500,
    minimum: 1,
    advanced: true,
  }),
};

export type ListenerValues = ValuesOf<typeof listenerPlace & typeof listenerLimits>;
