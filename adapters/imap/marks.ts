import type { MailboxObject } from 'imapflow';
import type { ImapValues } from './imap-settings.ts';

/** The keyword that marks taken mails if `afterwards` is `flag`. */
export const KEYWORD = '$Waybill';

/** Why taken mails cannot be marked in this folder; undefined if they can. */
export function marksProblem(
  { readOnly, permanentFlags }: MailboxObject,
  afterwards: ImapValues['afterwards'],
): string | undefined {
  if (readOnly === true && afterwards !== 'keep') {
    return 'is read-only for this account, so taken mails cannot be marked. Give it write permission, or use afterwards keep.';
  }
  const takesKeywords =
    permanentFlags === undefined || permanentFlags.has('\\*') || permanentFlags.has(KEYWORD);
  return afterwards === 'flag' && !takesKeywords
    ? 'does not support custom keywords. Use afterwards seen, archive or delete.'
    : undefined;
}
