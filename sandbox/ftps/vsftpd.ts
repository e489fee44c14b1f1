import type { FtpsSetUp } from './ftps.ts';

/** vsftpd as Debian ships it: its options for TLS versions have names of their own (ssl_tlsv12). */
export const vsftpd: FtpsSetUp = {
  path: '/usr/sbin/vsftpd',
  args: (configuration) => [configuration],
  configuration: ({ folder, port, security, tls, lines }) => `listen=YES
listen_address=127.0.0.1
listen_port=${port}
background=NO
anonymous_enable=NO
local_enable=YES
write_enable=YES
local_umask=022
pam_service_name=vsftpd
secure_chroot_dir=${folder}/empty
delay_failed_login=0
delay_successful_login=0
use_localtime=NO
utf8_filesystem=YES
pasv_address=127.0.0.1
seccomp_sandbox=NO
xferlog_enable=YES
log_ftp_protocol=YES
vsftpd_log_file=${folder}/vsftpd.log
dirmessage_enable=NO
${security === 'none' ? 'ssl_enable=NO' : secured(folder, security, tls)}
${lines.join('\n')}
`,
};

function secured(folder: string, security: string, tls: string | undefined): string {
  const version = (one: string): string => (tls === undefined || tls === one ? 'YES' : 'NO');
  return `ssl_enable=YES
implicit_ssl=${security === 'implicit' ? 'YES' : 'NO'}
rsa_cert_file=${folder}/server.crt
rsa_private_key_file=${folder}/server.key
force_local_logins_ssl=YES
force_local_data_ssl=YES
require_ssl_reuse=YES
ssl_tlsv1=NO
ssl_tlsv12=${version('1.2')}
ssl_tlsv13=${version('1.3')}
ssl_ciphers=HIGH`;
}
