import type { SftpSession } from './sftp-session.ts';

/** What one request may carry: OpenSSH takes 255 KB, and every other server 32 KB with all that goes with it. */
export function partSize({ facts }: SftpSession): number {
  return facts.software.startsWith('OpenSSH') ? 128 * 1024 : 30 * 1024;
}
