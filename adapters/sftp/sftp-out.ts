import { outbound, setting } from 'waybill/adapter';
import { dropService, dropSettings, dropSteps, fileMode } from 'waybill/peer';
import { SftpLine } from './sftp-line.ts';
import { sftpSettings } from './sftp-settings.ts';
import { testSftp } from './sftp-test.ts';

export default outbound({
  type: 'sftp-out',
  title: 'Files to an SFTP server',
  summary: 'Puts each message as a file into a folder of an SFTP server.',
  settings: {
    ...sftpSettings,
    ...dropSettings('peer'),
    mode: setting.optional(fileMode),
    sync: setting.flag({
      help: 'Asks the server to bring each file to its disk before it gets its name, where it can (OpenSSH).',
      default: true,
      advanced: true,
    }),
  },
  open: (lent) => dropService(new SftpLine(lent, { writing: lent.settings }), lent),
  test: (lent, step) =>
    testSftp(lent, step, (store, told) => dropSteps(store, told, lent.settings)),
});
