import { setting } from 'waybill/adapter';
import { tlsClient } from 'waybill/peer/tls';

/** How to reach an FTP server: the same for both directions. */
export const ftpsSettings = {
  connect: setting.address({
    help: 'The FTP server and its port: mostly 21 for explicit TLS and 990 for implicit TLS. Not SFTP, which is another protocol.',
    example: 'ftp.example:21',
  }),
  security: setting.choice(
    {
      explicit:
        'begins in plain text and switches to TLS before the sign-in (AUTH TLS, mostly port 21)',
      implicit: 'speaks TLS from the start (mostly port 990)',
      none: 'no encryption: password and files can be read by anyone on the way',
    },
    {
      help: 'How the connection is encrypted. Commands and files are both encrypted or neither; it never falls back to plain text.',
      default: 'explicit',
    },
  ),
  tls: tlsClient('How the server is verified. If left out, the public authorities are trusted.'),
  credential: setting.credential({
    help: 'Who signs in: user and password.',
    example: 'drop',
    kinds: ['basic'],
  }),
  separateDataHost: setting.flag({
    help: 'Allows the server to send files from another address than the one we are connected to (PASV). Only for servers known to need it: it could be misused to reach other machines.',
    default: false,
    advanced: true,
  }),
  connectTimeout: setting.duration({
    help: 'How long connecting and signing in may take.',
    default: '15s',
    advanced: true,
  }),
  timeout: setting.duration({
    help: 'How long the server may be silent during a command or a transfer before the connection counts as lost.',
    default: '30s',
    advanced: true,
  }),
  idle: setting.duration({
    help: 'How long an unused connection is kept; it is opened again when needed.',
    default: '2m',
    advanced: true,
  }),
};

export type FtpsConnectionSettings = setting.ValuesOf<typeof ftpsSettings>;
