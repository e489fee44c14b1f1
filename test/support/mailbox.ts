import { buffer } from 'node:stream/consumers';
import { ImapFlow } from 'imapflow';
import MailComposer, { type MailComposerOptions } from 'nodemailer/lib/mail-composer';
import { type MailServer, USERS } from './mail-server.ts';

/** A separate folder in a mailbox of a running server, seen through a separate client. */
export interface Mailbox extends AsyncDisposable {
  readonly folder: string;
  /** Puts a mail into the folder, unchanged. */
  put(mail: Buffer, folder?: string): Promise<void>;
  /** The mails of a folder, as files, with their flags; empty if it is not there. */
  look(
    folder?: string,
  ): Promise<readonly { readonly raw: Buffer; readonly flags: readonly string[] }[]>;
  /** Does anything else with the mailbox. */
  readonly client: ImapFlow;
}

let folders = 0;

export async function mailbox(server: MailServer, user: keyof typeof USERS): Promise<Mailbox> {
  folders += 1;
  const folder = `Test${folders}`;
  const client = new ImapFlow({
    host: 'localhost',
    port: server.ports.imaps,
    secure: true,
    auth: { user, pass: USERS[user] },
    tls: { ca: await server.authority() },
    logger: false,
    disableAutoIdle: true,
  });
  client.on('error', () => undefined);
  await client.connect();
  await client.mailboxCreate(folder);
  return {
    folder,
    client,
    async put(mail, into = folder) {
      await client.append(into, mail);
    },
    async look(at = folder) {
      const there = (await client.list()).some(({ path }) => path === at);
      if (!there) return [];
      const lock = await client.getMailboxLock(at);
      try {
        // The folder may already be open: ask for what has arrived since.
        await client.noop();
        const { mailbox: open } = client;
        if (open === false || open.exists === 0) return [];
        const found = await client.fetchAll('1:*', { source: true, flags: true });
        return found.map(({ source, flags }) => ({
          raw: source ?? Buffer.alloc(0),
          flags: [...(flags ?? [])],
        }));
      } finally {
        lock.release();
      }
    },
    async [Symbol.asyncDispose]() {
      await client.logout().catch(() => undefined);
      client.close();
    },
  };
}

/** A mail from a laboratory. */
export function mailWith(more: MailComposerOptions): Promise<Buffer> {
  const composed = new MailComposer({
    from: 'lab@lab.example',
    to: 'results@hospital.example',
    subject: 'Befund',
    date: new Date(Date.UTC(2026, 0, 1)),
    ...more,
  }).compile();
  return buffer(composed.createReadStream());
}
