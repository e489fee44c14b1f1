import { setting } from 'waybill/adapter';
import { sshSettings } from '../ssh-settings.ts';

/** How to reach an SFTP server: the same for both directions. */
export const sftpSettings = {
  ...sshSettings,
  connect: setting.address({
    help: 'The SFTP server and its port, mostly 22. Not FTPS: that is another protocol with its own adapters.',
    example: 'sftp.example:22',
  }),
  timeout: setting.duration({
    help: 'How long the server may leave a request unanswered before the connection counts as lost.',
    default: '30s',
    advanced: true,
  }),
};

export type SftpConnectionSettings = setting.ValuesOf<typeof sftpSettings>;
