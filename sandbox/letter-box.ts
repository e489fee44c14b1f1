import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { callbackify } from 'node:util';
import {
  SMTPServer,
  type SMTPServerAuthentication,
  type SMTPServerDataStream,
  type SMTPServerSession,
} from 'smtp-server';

export interface LetterBoxOptions {
  readonly certificate: string;
  readonly key: string;
  /** Whether a presented token (XOAUTH2) is valid. */
  readonly validate: (token: string) => Promise<boolean>;
  readonly port?: number;
}

/** A mail server that accepts mail after STARTTLS and a sign-in with a token, and counts it. */
export interface LetterBox extends AsyncDisposable {
  readonly port: number;
  /** The mails that arrived, unchanged. */
  readonly mails: readonly Buffer[];
}

/** Starts it on loopback; uses the SMTP package that nodemailer's authors made for tests. */
export async function letterBox({
  certificate,
  key,
  validate,
  port = 0,
}: LetterBoxOptions): Promise<LetterBox> {
  const mails: Buffer[] = [];
  const server = new SMTPServer({
    secure: false,
    cert: certificate,
    key,
    authMethods: ['XOAUTH2'],
    disabledCommands: [],
    logger: false,
    onAuth: callbackify(async (auth: SMTPServerAuthentication, _: SMTPServerSession) => {
      // whatever is wrong with it
      const good = await validate(auth.accessToken ?? '').catch(() => false);
      if (!good) throw new Error('the token is not good');
      return { user: auth.username ?? 'token' };
    }),
    onData: callbackify(async (stream: SMTPServerDataStream, _: SMTPServerSession) => {
      mails.push(await buffer(stream));
      return 'taken';
    }),
  });
  // a client that disconnects early is not an error of the server
  server.on('error', () => undefined);
  server.listen(port, '127.0.0.1');
  await once(server.server, 'listening');
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    async [Symbol.asyncDispose]() {
      const closed = once(server.server, 'close');
      server.close(() => undefined);
      await closed;
    },
  };
}
