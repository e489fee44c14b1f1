import { inbound, setting } from 'waybill/adapter';
import { placeOf } from 'waybill/peer/basics';
import { linkSettings, pickupService, pickupSettings, pickupSteps } from 'waybill/peer/folder';
import { SftpLine } from './sftp-line.ts';
import { sftpSettings } from './sftp-settings.ts';
import { testSftp } from './sftp-test.ts';

export default inbound({
  type: 'sftp-in',
  title: 'Files from an SFTP server',
  summary:
    'Delivers each file of a folder on an SFTP server, and archives or deletes it once it is stored.',
  polling: true,
  settings: { ...sftpSettings, ...pickupSettings(setting.text), ...linkSettings },
  open: (lent) =>
    pickupService(
      new SftpLine(lent, { followLinks: lent.settings.followLinks }),
      lent,
      `sftp://${placeOf(lent.settings.connect)}`,
    ),
  test: (lent, step) =>
    testSftp(lent, step, (store, told) => pickupSteps(store, told, lent.settings)),
});
