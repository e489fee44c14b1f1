import { outbound, setting } from 'waybill/adapter';
import { dropService, dropSettings, dropSteps, fileMode } from 'waybill/peer/folder';
import { SftpLine } from './sftp-line.ts';
import { sftpSettings } from './sftp-settings.ts';
import { testSftp } from './sftp-test.ts';

export default outbound({
  type: 'sftp-out',
  title: 'Files to an SFTP server',
  summary: 'Writes each message as a file into a folder on an SFTP server.',
  settings: {
    ...sftpSettings,
    ...dropSettings('peer'),
    mode: setting.optional(fileMode),
    sync: setting.flag({
      help: 'Asks the server to sync each file to its disk before it gets its name, if it can (OpenSSH).',
      default: true,
      advanced: true,
    }),
  },
  open: (lent) => dropService(new SftpLine(lent, { writing: lent.settings }), lent),
  test: (lent, step) =>
    testSftp(lent, step, (store, told) => dropSteps(store, told, lent.settings)),
});
