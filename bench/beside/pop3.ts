import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { connect } from 'node:tls';
import { simpleParser } from 'mailparser';
import pop3In from '../../adapters/pop3/pop3-in.ts';
import { pop3Lab } from '../../test/support/pop3-lab.ts';
import { message } from '../messages.ts';
import { kept, type Spent, type Subjects, Taken, taking } from './subject.ts';

const mail = Buffer.from(
  [
    'From: lab@lab.example',
    'To: box@lab.example',
    'Subject: Result',
    'Message-ID: <MARK@lab.example>',
    'Content-Type: text/plain',
    '',
    message(1).bytes.toString('latin1').replaceAll('\r', '\r\n'),
  ].join('\r\n'),
  'latin1',
);

/** Mails of a mailbox at Dovecot beside a client with mailparser that reads, stores and deletes one after another. */
export async function pop3Subjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const lab = undo.use(await pop3Lab());
  const box = await lab.box();
  const { credential } = box;
  if (credential.kind !== 'basic') throw new Error('no account');
  const where = {
    connect: `localhost:${lab.server.ports.pop3s}`,
    tls: { trust: lab.server.trust },
    credential: 'mailbox',
    every: '30ms',
    take: 'mail',
  };
  const ca = await readFile(lab.server.trust, 'utf8');
  const prepare = async (messages: number): Promise<void> => {
    const each = Array.from({ length: messages }, (_, n) =>
      Buffer.from(mail.toString('latin1').replace('MARK', `${Date.now()}-${n}`), 'latin1'),
    );
    await box.put(...each);
  };
  const at = { port: lab.server.ports.pop3s, ca, credential };
  const all = undo.move();
  return {
    subjects: [
      {
        what: 'pop3-in',
        prepare,
        bare: (messages) => readAll(at, messages),
        adapter: (messages) => taking(pop3In, where, { credential, messages }),
      },
    ],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

interface Box {
  readonly port: number;
  readonly ca: string;
  readonly credential: { readonly user: string; readonly password: string };
}

/** Reads the text of a mail, stores and deletes it, one after another. */
async function readAll({ port, ca, credential }: Box, messages: number): Promise<Spent> {
  const socket = connect({ host: 'localhost', port, ca });
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const ask = async (command?: string): Promise<void> => {
    if (command !== undefined) socket.write(`${command}\r\n`);
    const { value = '' } = (await lines.next()) as { value?: string };
    if (!value.startsWith('+OK')) throw new Error(value);
  };
  await ask();
  await ask(`USER ${credential.user}`);
  await ask(`PASS ${credential.password}`);
  const taken = new Taken(messages);
  for (let n = 1; n <= messages; n++) {
    await ask(`RETR ${n}`);
    const text: string[] = [];
    for (let line = await lines.next(); line.value !== '.'; line = await lines.next()) {
      text.push(String(line.value));
    }
    const { messageId } = await simpleParser(text.join('\r\n'));
    if (messageId === undefined) throw new Error('a mail without its id');
    taken.one();
    await kept();
    await ask(`DELE ${n}`);
  }
  const took = await taken.spent;
  await ask('QUIT');
  socket.destroy();
  return took;
}
