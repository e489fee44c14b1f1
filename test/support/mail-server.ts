import { generateKeyPairSync } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { importPKCS8, SignJWT } from 'jose';
import { type MailServers, type MailServersOptions, mailServers } from '../../sandbox/mail/mail.ts';
import { certificates } from './certificates.ts';

export { hasMailServers } from '../../sandbox/mail/mail.ts';

/** Postfix and Dovecot with users, a certificate and an issuer of tokens. */
export interface MailServer extends MailServers {
  /** The path of the authority's certificate, for `trust`. */
  readonly trust: string;
  /** Its content. */
  authority(): Promise<string>;
  /** A token for a mailbox; `lifetime` in seconds, negative for an expired one. */
  token(mailbox: string, lifetime?: number): Promise<string>;
  /** The mails in a folder of a mailbox, oldest first, as files. */
  mails(mailbox: string, folder?: string): Promise<readonly Buffer[]>;
}

/** What signs tokens: one for this process, since making one takes a sixth of a second of the processor. */
let signer: ReturnType<typeof newSigner> | undefined;

const newSigner = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

/** The users every test has. */
export const USERS = { 'alice@lab.example': 'alice-secret', 'bob@lab.example': 'bob-secret' };

export async function mailServer({
  more = {},
  ...options
}: Pick<MailServersOptions, 'sizeLimit' | 'refusals' | 'separator' | 'prefix' | 'pop3'> & {
  /** Users beyond those of every test. */
  readonly more?: Readonly<Record<string, string>>;
} = {}): Promise<MailServer> {
  const files = await certificates();
  const pair = (signer ??= newSigner());
  const key = await importPKCS8(pair.privateKey, 'RS256');
  const servers = await mailServers({
    ...options,
    users: { ...USERS, ...more },
    certificate: await files.file('server.crt', files.server.certificate),
    key: await files.file('server.key', files.server.key),
    tokenKeys: { k1: pair.publicKey },
  });
  return {
    ...servers,
    trust: files.trust,
    authority: () => readFile(files.trust, 'utf8'),
    token: (mailbox, lifetime = 600) =>
      new SignJWT({ email: mailbox, azp: 'default' })
        .setProtectedHeader({ alg: 'RS256', kid: 'k1', typ: 'JWT' })
        .setSubject(mailbox)
        .setIssuedAt(Math.floor(Date.now() / 1000) - 3600)
        .setExpirationTime(Math.floor(Date.now() / 1000) + lifetime)
        .sign(key),
    mails: (mailbox, folder) => mailsIn(join(servers.folder, 'dovecot/mail', mailbox), folder),
    async [Symbol.asyncDispose]() {
      await servers[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}

async function mailsIn(home: string, folder: string | undefined): Promise<readonly Buffer[]> {
  const below = join(home, 'Maildir', folder === undefined ? '' : `.${folder}`);
  const found = await Promise.all(
    ['new', 'cur'].map(async (state) => {
      const names = await readdir(join(below, state)).catch(() => []);
      return names.map((name) => ({ name, path: join(below, state, name) }));
    }),
  );
  const ordered = found.flat().toSorted((a, b) => a.name.localeCompare(b.name));
  return Promise.all(ordered.map(({ path }) => readFile(path)));
}
