import type { MailboxObject } from 'imapflow';
import type { ImapValues } from './imap-settings.ts';

/** The keyword that marks taken mails where `afterwards` is `flag`. */
export const KEYWORD = '$Waybill';

/** Why taken mails could not be marked in this folder; undefined where they can. */
export function marksProblem(
  { readOnly, permanentFlags }: MailboxObject,
  afterwards: ImapValues['afterwards'],
): string | undefined {
  if (readOnly === true && afterwards !== 'keep') {
    return 'may only be read by this account, so taken mails cannot be marked. Give it the right to write, or use afterwards keep.';
  }
  const takesKeywords =
    permanentFlags === undefined || permanentFlags.has('\\*') || permanentFlags.has(KEYWORD);
  return afterwards === 'flag' && !takesKeywords
    ? 'takes no keywords of its users. Use afterwards seen, archive or delete.'
    : undefined;
}
