import { expect, vi } from 'vitest';
import imapIn from '../../adapters/imap/imap-in.ts';
import type { ServiceOrder } from './killed-service.ts';
import { type MailServer, mailServer, USERS } from './mail-server.ts';
import { type Mailbox, mailbox, mailWith } from './mailbox.ts';
import { type OpenedInbound, openInbound } from './open-adapter.ts';

const BOB = 'bob@lab.example';

/** A running mail server, and `imap-in` on folders of it. */
export interface ImapLab extends AsyncDisposable {
  readonly server: MailServer;
  /** Its own folder. */
  box(): Promise<Mailbox>;
  /** The input for opening the adapter on the folder, also in another process. */
  order(box: Mailbox, more?: Record<string, unknown>): ServiceOrder;
  /** Opens it, through another port if the test has a proxy. */
  open(box: Mailbox, more?: Record<string, unknown>, memory?: string): Promise<OpenedInbound>;
}

export async function imapLab(options: Parameters<typeof mailServer>[0] = {}): Promise<ImapLab> {
  const server = await mailServer(options);
  const order: ImapLab['order'] = (box, more = {}) => ({
    adapter: 'imap-in',
    settings: {
      connect: `localhost:${server.ports.imaps}`,
      tls: { trust: server.trust },
      credential: 'mailbox',
      folder: box.folder,
      archive: `${box.folder}-taken`,
      every: '30ms',
      ...more,
    },
    credentials: { mailbox: { kind: 'basic', user: BOB, password: USERS[BOB] } },
  });
  return {
    server,
    box: () => mailbox(server, BOB),
    order,
    open(box, more = {}, memory) {
      const { settings, credentials } = order(box, more);
      const remembered = memory === undefined ? {} : { memory };
      return openInbound(imapIn, settings, { credentials, ...remembered });
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Waits until this many messages were delivered. */
export async function delivered(opened: OpenedInbound, count: number): Promise<void> {
  await vi.waitFor(() => expect(opened.delivered.length).toBe(count), { timeout: 15_000 });
}

/** Delivers one more mail: by then the folder has been polled again, and earlier mails could have been taken twice. */
export async function anotherLook(box: Mailbox, opened: OpenedInbound): Promise<void> {
  const attachments = [{ filename: 'last.txt', content: 'x' }];
  await box.put(await mailWith({ subject: 'last', text: 'x', attachments }));
  await vi.waitFor(
    () => {
      const names = opened.delivered.map(({ name }) => name);
      expect(names.some((name) => name === 'last' || name === 'last.txt')).toBe(true);
    },
    { timeout: 5_000 },
  );
}
