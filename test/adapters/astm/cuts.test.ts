import astmOut from '../../../adapters/astm/astm-out.ts';
import { describeCutInbound, describeCutOutbound } from '../../contract/cut-connections.ts';
import { astmServer, frames } from '../../support/astm-device.ts';
import { receiving } from './receiving.ts';

const message = 'H|\\^&|||HUB\rP|1||4711\rO|1|S1||^^^GLU|R\rL|1|N\r';

describeCutOutbound(astmOut, {
  peer: astmServer,
  message,
  places: 20,
  // behind the last frame, and before the EOT that follows its acknowledgement
  unclear: 'toServer',
});

describeCutInbound('astm-in', {
  open: receiving,
  message,
  // a device that does not wait for each acknowledgement is understood as well
  framed: Buffer.from(`\x05${frames(message).join('')}\x04`, 'latin1'),
  acknowledged: (heard) => heard === '\x06'.repeat(5),
  dedupeKey: 'its bytes',
});
