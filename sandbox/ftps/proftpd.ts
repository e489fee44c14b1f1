import type { FtpsSetUp } from './ftps.ts';

/** ProFTPD with mod_tls (Debian: proftpd-core and proftpd-mod-crypto), which cannot be installed beside vsftpd. */
export const proftpd: FtpsSetUp = {
  path: '/usr/sbin/proftpd',
  args: (configuration) => ['--nodaemon', '--config', configuration],
  configuration: ({ folder, port, security, tls, lines }) => `ServerName sandbox
ServerType standalone
DefaultServer on
Port ${port}
DefaultAddress 127.0.0.1
SocketBindTight on
UseIPv6 off
UseReverseDNS off
ModulePath /usr/lib/proftpd
LoadModule mod_xfer.c
LoadModule mod_ls.c
${security === 'none' ? '' : 'LoadModule mod_tls.c'}
PidFile ${folder}/pid
ScoreboardFile ${folder}/scoreboard
SystemLog ${folder}/proftpd.log
TransferLog none
WtmpLog off
User nobody
Group nogroup
AuthOrder mod_auth_unix.c
RequireValidShell off
UseFtpUsers off
AllowOverwrite on
Umask 022
${security === 'none' ? '' : secured(folder, security, tls)}
${lines.join('\n')}
`,
};

function secured(folder: string, security: string, tls: string | undefined): string {
  return `TLSEngine on
TLSLog ${folder}/tls.log
TLSProtocol ${tls === undefined ? 'TLSv1.2 TLSv1.3' : `TLSv${tls}`}
TLSECCertificateFile ${folder}/server.crt
TLSECCertificateKeyFile ${folder}/server.key
TLSRequired on
TLSVerifyClient off
${security === 'implicit' ? 'TLSOptions UseImplicitSSL' : ''}`;
}
