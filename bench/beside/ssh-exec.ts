import { connect } from 'node:net';
import { Client } from 'ssh2';
import sshExecOut from '../../adapters/ssh/exec/ssh-exec-out.ts';
import { sshServer } from '../../sandbox/ssh.ts';
import { message } from '../messages.ts';
import { type Subjects, sender, timed } from './subject.ts';

const body = Buffer.from(message(1).bytes);
/** A command for each message at OpenSSH, one after another, which gets it as input and says something, beside ssh2. */
export async function sshExecSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const server = undo.use(await sshServer({ lines: ['MaxSessions 32', 'Compression no'] }));
  const { port, user, privateKey, hostKeys } = server;
  const credential = { kind: 'ssh-key', user, privateKey } as const;
  const given = {
    connect: `127.0.0.1:${port}`,
    credential: 'drop',
    hostKey: hostKeys[0]?.fingerprint ?? '',
    command: 'wc -c',
  };
  const out = await sender(sshExecOut, given, credential);
  undo.defer(() => out.close());
  const client = new Client();
  const ready = Promise.withResolvers<void>();
  client.on('ready', ready.resolve).on('error', ready.reject);
  const sock = connect({ host: '127.0.0.1', port, noDelay: true });
  client.connect({ sock, username: user, privateKey, hostVerifier: () => true });
  await ready.promise;
  undo.defer(() => void client.end());
  const all = undo.move();
  return {
    subjects: [
      {
        what: 'ssh-exec-out',
        bare: (messages) => inTurns(messages, () => ran(client)),
        adapter: (messages) => inTurns(messages, () => out.send(body)),
      },
    ],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

const inTurns = (messages: number, work: () => Promise<unknown>) => timed(messages, work, 1);

function ran(client: Client): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  client.exec('wc -c', (error, channel) => {
    if (error !== undefined) return reject(error);
    let said = '';
    channel.setEncoding('utf8');
    channel.on('data', (chunk: string) => {
      said += chunk;
    });
    channel.stderr.resume();
    channel.on('close', (code: number) => (code === 0 ? resolve(said) : reject(new Error(said))));
    channel.end(body);
  });
  return promise;
}
