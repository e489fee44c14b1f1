import mllpOut from '../../../adapters/mllp/mllp-out.ts';
import { describeCutInbound, describeCutOutbound } from '../../contract/cut-connections.ts';
import { mllpPeer } from '../../support/mllp-peer.ts';
import { inMllp } from '../../support/mllp-sender.ts';
import { adt, listening } from './listening.ts';

const message = adt('M1');

describeCutOutbound(mllpOut, { peer: mllpPeer, message, places: 20 });

describeCutInbound('mllp-in', {
  open: listening,
  message,
  framed: inMllp(message),
  acknowledged: (heard) => heard.includes('MSA|AA|M1') && heard.endsWith('\u001c\r'),
  dedupeKey: 'M1',
});
