import { setting } from 'waybill/adapter';
import { peerAddress, replyLimit, sendingTimes, tlsClient } from 'waybill/peer';
import { framingSetting } from './framing.ts';

export const mllpOutSettings = {
  connect: peerAddress('ward.example:2575'),
  tls: tlsClient(),
  reply: setting.choice(
    {
      wait: 'Waits for the first acknowledgement, which is judged',
      application: 'After a commit acknowledgement (CA), also waits for that of the application',
      none: 'Waits for none: a message is done once it is written',
    },
    { help: 'Which acknowledgement of the peer a message waits for.', default: 'wait' },
  ),
  ackTimeout: setting.duration({
    help: 'How long to wait for an acknowledgement. After that the connection is closed, so that a late one is never taken for that of the next message.',
    default: '30s',
  }),
  ...sendingTimes,
  framing: framingSetting('mllp'),
  replyLimit,
};

export type MllpOutSettings = setting.ValuesOf<typeof mllpOutSettings>;
