import { outbound } from 'waybill/adapter';
import { dropService, dropSettings, dropSteps } from 'waybill/peer/folder';
import { FtpsPool } from './ftps-pool.ts';
import { ftpsSettings } from './ftps-settings.ts';
import { testFtps } from './ftps-test.ts';

export default outbound({
  type: 'ftps-out',
  title: 'Files to an FTPS server',
  summary: 'Writes each message as a file into a folder on an FTP server, with TLS.',
  settings: { ...ftpsSettings, ...dropSettings('peer') },
  open: (lent) => dropService(new FtpsPool(lent), lent),
  test: (lent, step) =>
    testFtps(lent, step, (store, told) => dropSteps(store, told, lent.settings)),
});
