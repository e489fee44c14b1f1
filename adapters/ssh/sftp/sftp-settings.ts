import { setting } from 'waybill/adapter';
import { sshSettings } from '../ssh-settings.ts';

/** How to reach an SFTP server: the same for both directions. */
export const sftpSettings = {
  ...sshSettings,
  connect: setting.address({
    help: 'The SFTP server and its port, mostly 22. Not FTPS: that is another protocol with its own adapters.',
    example: 'sftp.example:22',
  }),
  sudo: setting.group(
    {
      user: setting.text({ help: 'Whose files they are.', default: 'root', example: 'laboratory' }),
      command: setting.text({
        help: 'The SFTP server as a command of the machine: /usr/lib/openssh/sftp-server on Debian and Ubuntu, /usr/libexec/openssh/sftp-server on Red Hat.',
        default: '/usr/lib/openssh/sftp-server',
      }),
      credential: setting.optional(
        setting.credential({
          help: 'The password of the account that signs in, if sudo asks for it. Left out, sudoers must let the account do it without one (NOPASSWD).',
          example: 'drop-password',
          kinds: ['basic'],
        }),
      ),
    },
    {
      help: 'Starts the SFTP server by sudo, for folders that the account itself may not read or write. The server must be OpenSSH, or another one on which sudo and an SFTP server are commands.',
      advanced: true,
    },
  ),
  timeout: setting.duration({
    help: 'How long the server may leave a request unanswered before the connection counts as lost.',
    default: '30s',
    advanced: true,
  }),
};

export type SudoSettings = NonNullable<SftpConnectionSettings['sudo']>;
export type SftpConnectionSettings = setting.ValuesOf<typeof sftpSettings>;
