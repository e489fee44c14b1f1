import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { CertificateCredential } from '../../src/adapter/index.ts';

/** The capabilities and accounts of a bare server. */
export interface BareImapOptions {
  readonly certificate: CertificateCredential;
  /** The words after CAPABILITY, without `IMAP4rev1`. */
  readonly capabilities: readonly string[];
  /** Commands that are answered with NO, with their arguments. */
  readonly refuses?: RegExp;
  /** Lines before the end of an answer, instead of the usual ones, by the command with its arguments. */
  readonly says?: (command: string) => readonly string[] | undefined;
  /** A different answer to a command: `NO [INUSE] later`, or `* BYE …`, after which the connection is closed. */
  readonly instead?: (command: string) => string | undefined;
  /** Instead of the usual one; after `* BYE …` the connection is closed. */
  readonly greeting?: string;
  /** The answer to a sign-in: `OK`, or `NO [CODE] text`. `secret` is the decoded secret. */
  readonly signIn: (mechanism: string, secret: string) => string;
}

/** An IMAP server with an empty INBOX and nothing else, over TLS from the start. */
export interface BareImap extends AsyncDisposable {
  readonly port: number;
  /** Every received command, without its tag. */
  readonly commands: string[];
  /** The sign-in attempts, by mechanism. */
  readonly signIns: { readonly mechanism: string; readonly secret: string }[];
}

export async function bareImap(options: BareImapOptions): Promise<BareImap> {
  const commands: string[] = [];
  const signIns: BareImap['signIns'] = [];
  const sockets = new Set<Socket>();
  const { certificate, key } = options.certificate;
  const server = createServer({ cert: certificate, key }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, options, { commands, signIns });
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    commands,
    signIns,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const ANSWERS: Readonly<Record<string, readonly string[]>> = {
  NAMESPACE: ['NAMESPACE (("" "/")) NIL NIL'],
  LIST: ['LIST () "/" INBOX'],
  SELECT: [
    '0 EXISTS',
    '0 RECENT',
    'FLAGS (\\Seen \\Deleted)',
    'OK [PERMANENTFLAGS (\\Seen \\Deleted)] ok',
    'OK [UIDVALIDITY 7] ok',
    'OK [UIDNEXT 1] ok',
  ],
  SEARCH: ['SEARCH'],
  LOGOUT: ['BYE bye'],
};

function serve(
  socket: TLSSocket,
  { capabilities, signIn, refuses, says, instead, greeting = '* OK bare' }: BareImapOptions,
  seen: Pick<BareImap, 'commands' | 'signIns'>,
): void {
  let pending = '';
  /** Takes the next line instead of a command. */
  let next: ((line: string) => void) | undefined;
  const say = (line: string): void => void socket.write(`${line}\r\n`);
  const sayOrEnd = (line: string, tag = ''): void => {
    if (line.startsWith('* BYE')) socket.end(`${line}\r\n`);
    else say(tag === '' ? line : `${tag} ${line}`);
  };
  const enter = (tag: string, mechanism: string, secret: string): void => {
    seen.signIns.push({ mechanism, secret });
    sayOrEnd(signIn(mechanism, secret), tag);
  };
  const authenticate = (tag: string, [mechanism = '', initial]: readonly string[]): void => {
    const answer = (line: string): void => {
      next = undefined;
      enter(tag, mechanism, Buffer.from(line, 'base64').toString());
    };
    if (initial === undefined) {
      next = answer;
      say('+ ');
    } else answer(initial);
  };
  const usual = (name: string): readonly string[] =>
    name === 'CAPABILITY'
      ? [`CAPABILITY IMAP4rev1 ${capabilities.join(' ')}`]
      : (ANSWERS[name] ?? []);
  const command = (line: string): void => {
    const [tag = '', ...words] = line.replace(/^(\S+) UID /i, '$1 ').split(' ');
    const name = (words.shift() ?? '').toUpperCase();
    const whole = [name, ...words].join(' ');
    seen.commands.push(whole);
    if (name === 'AUTHENTICATE') return authenticate(tag, words);
    if (name === 'LOGIN') return enter(tag, 'LOGIN command', words.join(' '));
    const other = instead?.(name);
    if (other !== undefined) return sayOrEnd(other, tag);
    if (refuses?.test(whole) === true) return say(`${tag} NO not this`);
    for (const answer of says?.(whole) ?? usual(name)) say(`* ${answer}`);
    say(`${tag} OK ${name} done`);
  };
  socket.on('data', (chunk: Buffer) => {
    const lines = (pending + chunk.toString()).split('\r\n');
    pending = lines.pop() ?? '';
    for (const line of lines)
      if (next === undefined) command(line);
      else next(line);
  });
  sayOrEnd(greeting);
}
