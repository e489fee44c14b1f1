import { ImapFlow } from 'imapflow';
import imapIn from '../../adapters/imap/imap-in.ts';
import { mailServer, USERS } from '../../test/support/mail-server.ts';
import { message } from '../messages.ts';
import { kept, type Spent, type Subjects, Taken, taking } from './subject.ts';

const USER = 'bob@lab.example';
const credential = { kind: 'basic', user: USER, password: USERS[USER] } as const;
const folder = 'Bench';
const archive = 'Bench-taken';

const mail = (id: string): Buffer =>
  Buffer.from(
    [
      'From: lab@lab.example',
      'To: box@lab.example',
      'Subject: Result',
      `Message-ID: <${id}@lab.example>`,
      'Content-Type: text/plain',
      '',
      message(1).bytes.toString('latin1').replaceAll('\r', '\r\n'),
    ].join('\r\n'),
    'latin1',
  );

/** Mails of a folder at Dovecot beside imapflow, which reads, stores and moves one after another. */
export async function imapSubjects(): Promise<Subjects> {
  const server = await mailServer();
  const ca = await server.authority();
  const opened = async (): Promise<ImapFlow> => {
    const client = new ImapFlow({
      host: 'localhost',
      port: server.ports.imaps,
      secure: true,
      auth: { user: USER, pass: USERS[USER] },
      tls: { ca },
      logger: false,
      disableAutoIdle: true,
      disableCompression: true,
    });
    await client.connect();
    return client;
  };
  const box = await opened();
  for (const one of [folder, archive]) await box.mailboxCreate(one);
  const prepare = async (messages: number): Promise<void> => {
    for (const one of [folder, archive]) {
      await box.mailboxDelete(one);
      await box.mailboxCreate(one);
    }
    for (let n = 0; n < messages; n++) await box.append(folder, mail(`${Date.now()}-${n}`));
  };
  const where = {
    connect: `localhost:${server.ports.imaps}`,
    tls: { trust: server.trust },
    credential: 'mailbox',
    folder,
    archive,
    every: '30ms',
    take: 'mail',
  };
  return {
    subjects: [
      {
        what: 'imap-in',
        prepare,
        bare: (messages) => readAll(opened, messages),
        adapter: (messages) => taking(imapIn, where, { credential, messages }),
      },
    ],
    async [Symbol.asyncDispose]() {
      await box.logout();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Reads a mail whole, stores and moves it, one after another. */
async function readAll(open: () => Promise<ImapFlow>, messages: number): Promise<Spent> {
  const client = await open();
  const taken = new Taken(messages);
  const lock = await client.getMailboxLock(folder);
  const uids = (await client.search({ all: true }, { uid: true })) || [];
  for (const uid of uids) {
    const asked = { source: true, envelope: true } as const;
    const one = await client.fetchOne(String(uid), asked, { uid: true });
    if (one === false || one.source === undefined) throw new Error('a mail is gone');
    if (one.envelope?.messageId === undefined) throw new Error('a mail without its id');
    taken.one();
    await kept();
    await client.messageMove(String(uid), archive, { uid: true });
  }
  const took = await taken.spent;
  lock.release();
  await client.logout();
  return took;
}
