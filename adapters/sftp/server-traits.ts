import type { SftpSession } from './sftp-session.ts';

const isOpenSsh = ({ facts }: SftpSession): boolean => facts.software.startsWith('OpenSSH');

/** What one request may carry: OpenSSH takes 255 KB, and every other server 32 KB with all that goes with it. */
export function partSize(session: SftpSession): number {
  return isOpenSsh(session) ? 255 * 1024 : 30 * 1024;
}

/** Whether a rename never writes over a file, as version 3 has it. Others than OpenSSH do at times. */
export const keepsWhatIsThere: (session: SftpSession) => boolean = isOpenSsh;

/** Whether requests that are sent without waiting are done in their order, whatever they are about. */
export const doesInOrder: (session: SftpSession) => boolean = isOpenSsh;
