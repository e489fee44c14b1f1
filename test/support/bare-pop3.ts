import { once } from 'node:events';
import { type AddressInfo, createServer as createPlain, type Socket } from 'node:net';
import { createServer, TLSSocket } from 'node:tls';
import type { CertificateCredential } from '../../src/adapter/index.ts';

/** A POP3 server that says what a test wants. */
export interface BarePop3Options {
  readonly certificate: CertificateCredential;
  /** The mails, by their names. They are gone after a QUIT that is not refused. */
  readonly mails?: Map<string, string>;
  /** The lines after CAPA; undefined refuses CAPA. */
  readonly capabilities?: readonly string[] | undefined;
  /** Another answer to a command, with its line ends; `''` closes the connection. */
  readonly instead?: (command: string) => string | undefined;
  readonly greeting?: string;
  /** Begins in plain text, and knows STLS. What is given is sent along with the agreement. */
  readonly stls?: string;
  /** Contents are written in pieces of so many bytes. */
  readonly pieces?: number;
}

export interface BarePop3 extends AsyncDisposable {
  readonly port: number;
  /** Every received line. */
  readonly commands: string[];
}

export async function barePop3(options: BarePop3Options): Promise<BarePop3> {
  const commands: string[] = [];
  const sockets = new Set<Socket>();
  const { certificate: cert, key } = options.certificate;
  const serve = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    new BareSession(socket, options, commands).begin();
  };
  const server =
    options.stls === undefined ? createServer({ cert, key }, serve) : createPlain(serve);
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    commands,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

class BareSession {
  #socket: Socket;
  readonly #options: BarePop3Options;
  readonly #commands: string[];
  readonly #uids: readonly string[];
  readonly #deleted = new Set<string>();
  #text = '';

  constructor(socket: Socket, options: BarePop3Options, commands: string[]) {
    this.#socket = socket;
    this.#options = options;
    this.#commands = commands;
    this.#uids = [...(options.mails ?? new Map()).keys()];
  }

  begin(): void {
    this.#socket.on('data', this.#heard);
    this.#say(this.#options.greeting ?? '+OK bare\r\n');
  }

  readonly #heard = (bytes: Buffer): void => {
    const lines = (this.#text + bytes.toString('latin1')).split('\r\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) {
      this.#commands.push(line);
      const answer = this.#options.instead?.(line) ?? this.#answer(line);
      if (answer === '') this.#socket.destroy();
      else if (line.startsWith('RETR')) void this.#inPieces(answer);
      else this.#say(line === 'STLS' ? answer + (this.#options.stls ?? '') : answer);
      if (line === 'STLS' && answer.startsWith('+OK')) this.#secure();
    }
  };

  #answer(line: string): string {
    const [command = '', first = ''] = line.split(' ');
    const uid = this.#uids[Number(first) - 1] ?? '';
    const mails = this.#options.mails ?? new Map<string, string>();
    const content = mails.get(uid) ?? '';
    const answers: Readonly<Record<string, () => string>> = {
      CAPA: () => this.#capabilities(),
      UIDL: () => this.#listed((name) => name),
      LIST: () => this.#listed((name) => mails.get(name)?.length ?? 0),
      RETR: () => stuffed(content),
      TOP: () => stuffed(content.slice(0, content.indexOf('\r\n\r\n') + 4)),
    };
    if (command === 'DELE') this.#deleted.add(uid);
    if (command === 'QUIT') for (const one of this.#deleted) mails.delete(one);
    const lines = answers[command]?.();
    return lines === undefined ? '+OK\r\n' : `+OK\r\n${lines}.\r\n`;
  }

  #capabilities(): string {
    const { capabilities = ['USER', 'UIDL', 'TOP'] } = this.#options;
    return capabilities.map((one) => `${one}\r\n`).join('');
  }

  #listed(of: (name: string) => string | number): string {
    return this.#uids.map((name, at) => `${at + 1} ${of(name)}\r\n`).join('');
  }

  #say(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  async #inPieces(text: string): Promise<void> {
    const { pieces = text.length } = this.#options;
    for (let at = 0; at < text.length; at += pieces) {
      this.#say(text.slice(at, at + pieces));
      await new Promise(setImmediate);
    }
  }

  #secure(): void {
    this.#socket.off('data', this.#heard);
    const { certificate: cert, key } = this.#options.certificate;
    this.#socket = new TLSSocket(this.#socket, { isServer: true, cert, key });
    this.#socket.on('error', () => undefined).on('data', this.#heard);
  }
}

const stuffed = (content: string): string => content.replaceAll(/^\./gm, '..');
