import { inbound, setting } from 'waybill/adapter';
import { placeOf } from 'waybill/peer/basics';
import { pickupService, pickupSettings, pickupSteps } from 'waybill/peer/folder';
import { FtpsPool } from './ftps-pool.ts';
import { ftpsSettings } from './ftps-settings.ts';
import { testFtps } from './ftps-test.ts';

export default inbound({
  type: 'ftps-in',
  title: 'Files from an FTPS server',
  summary:
    'Delivers each file of a folder on an FTP server, with TLS, and archives or deletes it once it is stored.',
  polling: true,
  settings: { ...ftpsSettings, ...pickupSettings(setting.text) },
  open(lent) {
    const scheme = lent.settings.security === 'none' ? 'ftp' : 'ftps';
    const origin = `${scheme}://${placeOf(lent.settings.connect)}`;
    return pickupService(new FtpsPool(lent), lent, origin);
  },
  test: (lent, step) =>
    testFtps(lent, step, (store, told) => pickupSteps(store, told, lent.settings)),
});
