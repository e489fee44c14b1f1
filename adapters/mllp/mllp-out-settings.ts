import { setting } from 'waybill/adapter';
import { tlsClient } from 'waybill/peer';
import { framingSetting } from './framing.ts';

export const mllpOutSettings = {
  connect: setting.address({
    help: 'Address and port of the peer.',
    example: 'ward.example:2575',
  }),
  tls: tlsClient(),
  reply: setting.choice(
    {
      wait: 'The first acknowledgement is waited for and judged',
      application: 'After a commit acknowledgement (CA) that of the application is waited for too',
      none: 'None is waited for: a message is done once it is written',
    },
    { help: 'Which acknowledgement of the peer a message waits for.', default: 'wait' },
  ),
  ackTimeout: setting.duration({
    help: 'How long an acknowledgement is waited for. After it the connection is closed, so that a late one is never taken for that of the next message.',
    default: '30s',
  }),
  connectTimeout: setting.duration({
    help: 'How long connecting may take, TLS included.',
    default: '5s',
    advanced: true,
  }),
  writeTimeout: setting.duration({
    help: 'How long the peer may take to accept the bytes of a message.',
    default: '30s',
    advanced: true,
  }),
  stayConnected: setting.duration({
    help: 'How long a connection is kept without a message. 0s opens a new one for each message.',
    default: 'forever',
    advanced: true,
  }),
  throttle: setting.optional(
    setting.integer({
      help: 'At most so many messages are sent in a second.',
      minimum: 1,
      maximum: 100_000,
      advanced: true,
    }),
  ),
  framing: framingSetting('mllp'),
  replyLimit: setting.size({
    help: 'The largest acknowledgement that is read.',
    default: '10MB',
    advanced: true,
  }),
};

export type MllpOutSettings = setting.ValuesOf<typeof mllpOutSettings>;
