import type { ImapClient } from './imap-client.ts';

/**
 * A folder as the server names it. Its levels may be written with `/` whatever the server puts between
 * them, and without what all of its folders begin with (`INBOX.`). One that is there as it is written is meant.
 */
export async function folderName(client: ImapClient, written: string): Promise<string> {
  const delimiter = client.namespace?.delimiter ?? '/';
  const prefix = client.namespace?.prefix ?? '';
  if (/^INBOX$/i.test(written)) return 'INBOX';
  const whole = (path: string): string => (path.startsWith(prefix) ? path : `${prefix}${path}`);
  const translated = whole(written.replaceAll('/', delimiter));
  if (translated === whole(written)) return translated;
  const folders = await client.list();
  return folders.some(({ path }) => path === whole(written)) ? whole(written) : translated;
}
