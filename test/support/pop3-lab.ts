import { access, chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pop3In from '../../adapters/pop3/pop3-in.ts';
import type { Credential } from '../../src/adapter/index.ts';
import type { ServiceOrder } from './killed-service.ts';
import { hasMailServers, type MailServer, mailServer } from './mail-server.ts';
import { type OpenedInbound, openInbound } from './open-adapter.ts';

const PASSWORD = 'box-secret';
/** Each test takes one or several, and others where it is tried again. */
const BOXES = 120;

/** Whether Dovecot is there and speaks POP3. */
export const hasPop3 = async (): Promise<boolean> =>
  (await hasMailServers()) &&
  (await access('/usr/lib/dovecot/pop3').then(
    () => true,
    // not installed
    () => false,
  ));

/** A mailbox of its own. */
export interface PopBox {
  readonly user: string;
  readonly credential: Credential;
  /** Puts mails into it, in this order. */
  put(...mails: readonly Buffer[]): Promise<void>;
  /** The mails that are in it, oldest first. */
  look(): Promise<readonly Buffer[]>;
  /** Makes the server give every mail another name. */
  rename(): Promise<void>;
}

/** A running Dovecot, and `pop3-in` on mailboxes of it. */
export interface Pop3Lab extends AsyncDisposable {
  readonly server: MailServer;
  box(): Promise<PopBox>;
  order(box: PopBox, more?: Record<string, unknown>): ServiceOrder;
  /** As an engine does, again and again while Dovecot has not noticed yet that the session before is gone. */
  open(box: PopBox, more?: Record<string, unknown>, memory?: string): Promise<OpenedInbound>;
}

export async function pop3Lab(): Promise<Pop3Lab> {
  const names = Array.from({ length: BOXES }, (_, n) => `box${n}@lab.example`);
  const more = Object.fromEntries(names.map((name) => [name, PASSWORD]));
  const server = await mailServer({ pop3: true, more });
  const free = names.values();
  const order: Pop3Lab['order'] = ({ credential }, settings = {}) => ({
    adapter: 'pop3-in',
    settings: {
      connect: `localhost:${server.ports.pop3s}`,
      tls: { trust: server.trust },
      credential: 'mailbox',
      every: '30ms',
      ...settings,
    },
    credentials: { mailbox: credential },
  });
  return {
    server,
    async box() {
      const { value: user } = free.next();
      if (user === undefined) throw new Error(`a lab has ${BOXES} boxes`);
      return await popBox(server, user);
    },
    order,
    open(box, given = {}, memory) {
      const { settings, credentials } = order(box, given);
      const remembered = memory === undefined ? {} : { memory };
      return onceFree(() => openInbound(pop3In, settings, { credentials, ...remembered }));
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Milliseconds until a mailbox that another session holds is tried again, and for which it is. */
const AGAIN = 100;
const PATIENCE = 60_000;

async function onceFree<Opened>(open: () => Promise<Opened>): Promise<Opened> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      const isHeld = /another session holds the mailbox/.test(String(error));
      if (!isHeld || performance.now() > end) throw error;
    }
    await sleep(AGAIN);
  }
}

let mails = 0;

async function popBox(server: MailServer, user: string): Promise<PopBox> {
  const home = join(server.folder, 'dovecot/mail', user);
  const folder = join(home, 'Maildir');
  for (const one of [home, folder, ...['new', 'cur', 'tmp'].map((name) => join(folder, name))]) {
    await mkdir(one);
    await chmod(one, 0o777);
  }
  return {
    user,
    credential: { kind: 'basic', user, password: PASSWORD },
    async put(...contents) {
      for (const content of contents) {
        mails += 1;
        // Dovecot numbers them in the order of their names.
        const name = `${1_700_000_000 + mails}.M${mails}P1.lab`;
        const path = join(folder, 'tmp', name);
        await writeFile(path, content);
        await chmod(path, 0o666);
        await rename(path, join(folder, 'new', name));
      }
    },
    look: () => server.mails(user),
    async rename() {
      await rm(join(folder, 'dovecot-uidlist'));
    },
  };
}
