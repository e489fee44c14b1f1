import { setting } from 'waybill/adapter';
import { peerAddress, sendingTimes, tlsClient } from 'waybill/peer';
import { aeTitle } from './ae-title.ts';

export const dicomOutSettings = {
  connect: peerAddress('archive.example:11112'),
  title: aeTitle({ help: 'The AE title of the peer, which we call.', example: 'ARCHIVE' }),
  ownTitle: aeTitle({ help: 'Our own AE title.', default: 'WAYBILL' }),
  tls: tlsClient(),
  credential: setting.optional(
    setting.credential({
      help: 'Name and password for the peer (user identity of the association). They go over the network as they are: use tls.',
      kinds: ['basic'],
    }),
  ),
  replyTimeout: setting.duration({
    help: 'How long the peer may take to answer, once it has an object.',
    default: '60s',
  }),
  ...sendingTimes,
  stayConnected: setting.duration({
    help: 'How long an association is kept without an object. 0s opens a new one for each.',
    default: '30s',
    advanced: true,
  }),
};
