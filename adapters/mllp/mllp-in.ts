import { inbound } from 'waybill/adapter';
import { listenTcp, SenderConnection, tryListening } from 'waybill/peer';
import { Intake } from './intake.ts';
import { mllpInSettings } from './mllp-in-settings.ts';

export default inbound({
  type: 'mllp-in',
  title: 'HL7 v2 over MLLP, listening',
  summary: 'Accepts HL7 v2 messages on a TCP port and acknowledges each once it is stored.',
  settings: mllpInSettings,
  open(lent) {
    const service = new Intake(lent);
    return listenTcp(
      lent,
      (socket, sender, isNews) => new SenderConnection(socket, { lent, service, sender, isNews }),
    );
  },
  test: (lent, step) => tryListening(lent, step, lent.settings),
});
