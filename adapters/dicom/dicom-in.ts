import { inbound } from 'waybill/adapter';
import { tryListening } from 'waybill/peer/basics';
import { listenTcp } from 'waybill/peer/tcp';
import { dicomInSettings } from './dicom-in-settings.ts';
import { ReceivingAssociation } from './receiving-association.ts';

export default inbound({
  type: 'dicom-in',
  title: 'DICOM, receiving (C-STORE, C-FIND, C-ECHO)',
  summary:
    'Takes images, reports and other objects that modalities and archives send over DICOM, each as a DICOM file, and answers queries for a worklist.',
  settings: dicomInSettings,
  open: (lent) =>
    listenTcp(
      lent,
      (socket, sender, isNews) => new ReceivingAssociation(socket, { lent, sender, isNews }),
    ),
  test: (lent, step) => tryListening(lent, step, lent.settings),
});
