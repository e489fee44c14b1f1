import type { SftpSession } from './sftp-session.ts';

const isOpenSsh = ({ facts }: SftpSession): boolean => facts.software.startsWith('OpenSSH');

/** What one request may carry: OpenSSH accepts 255 KB, all other servers 32 KB including overhead. */
export function partSize(session: SftpSession): number {
  return isOpenSsh(session) ? 255 * 1024 : 30 * 1024;
}

/** Whether a rename never overwrites a file, as version 3 says. Some servers other than OpenSSH do. */
export const keepsWhatIsThere: (session: SftpSession) => boolean = isOpenSsh;

/** Whether pipelined requests are always processed in order. */
export const doesInOrder: (session: SftpSession) => boolean = isOpenSsh;
