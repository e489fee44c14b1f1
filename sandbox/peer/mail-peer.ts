import { certificateAuthority } from '../../src/credential/certificate-maker.ts';
import { letterBox } from '../letter-box.ts';
import { hasMailServers, mailServers } from '../mail/mail.ts';
import type { MissingPeer, Peer, PeerFolder, PeerStart } from './peer.ts';

const HUB = 'hub@hospital.example';
const REGISTRAR = 'registrar@hospital.example';
const PASSWORD = 'open sesame';

const NO_PAIR =
  'Postfix and Dovecot are not installed, or this is not root (apt-get install postfix dovecot-imapd dovecot-lmtpd)';

/** SMTP and IMAP: Postfix and Dovecot, or an SMTP server in this process that only accepts mail. */
export const mailPeer: PeerStart = async (folder) => {
  const authority = certificateAuthority('Sandbox mail');
  const own = authority.issue({
    commonName: 'localhost',
    names: ['DNS:localhost', 'IP:127.0.0.1'],
  });
  const trust = await folder.file('mail-ca.pem', authority.certificate);
  const made = { ...own, trust };
  if (!(await hasMailServers())) return [await letters(made), noPair()];
  return [await pair(folder, made)];
};

interface Made {
  readonly certificate: string;
  readonly key: string;
  readonly trust: string;
}

async function pair(folder: PeerFolder, { certificate, key, trust }: Made): Promise<Peer> {
  const { submission, imaps, ...servers } = await started(folder, { certificate, key });
  const signIn = `${HUB} or ${REGISTRAR}, password ${PASSWORD}; trust ${trust}`;
  const tls = { trust };
  const smtp = `localhost:${submission}`;
  const imap = `localhost:${imaps}`;
  return {
    rows: [
      { system: 'SMTP', program: 'Postfix', address: smtp, signIn: `${signIn}; STARTTLS` },
      { system: 'IMAP', program: 'Dovecot', address: imap, signIn },
    ],
    yaml: {
      credentials: {
        'sandbox-mail': { kind: 'basic', user: HUB, password: PASSWORD },
        'sandbox-mailbox': { kind: 'basic', user: REGISTRAR, password: PASSWORD },
      },
      services: {
        'sandbox-imap-in': {
          adapter: 'imap-in',
          settings: { connect: imap, tls, credential: 'sandbox-mailbox' },
          to: 'sandbox-mllp',
        },
      },
      operations: { 'sandbox-smtp': smtpOut(smtp, tls) },
    },
    [Symbol.asyncDispose]: () => servers.stop(),
  };
}

async function started(
  folder: PeerFolder,
  own: Pick<Made, 'certificate' | 'key'>,
): Promise<{ submission: number; imaps: number; stop(): Promise<void> }> {
  await folder.file('mail.crt', own.certificate);
  // Both programs read it as their own users.
  await folder.file('mail.key', own.key, 0o644);
  const servers = await mailServers({
    users: { [HUB]: PASSWORD, [REGISTRAR]: PASSWORD },
    certificate: `${folder.path}/mail.crt`,
    key: `${folder.path}/mail.key`,
  });
  const { submission, imaps } = servers.ports;
  return { submission, imaps, stop: async () => servers[Symbol.asyncDispose]() };
}

async function letters({ certificate, key, trust }: Made): Promise<Peer> {
  const token = 'sandbox-mail-token';
  const box = await letterBox({
    certificate,
    key,
    validate: (shown) => Promise.resolve(shown === token),
  });
  const address = `localhost:${box.port}`;
  return {
    rows: [
      {
        system: 'SMTP',
        program: 'smtp-server, in this process: it accepts mail and keeps none',
        address,
        signIn: `token ${token} (XOAUTH2); STARTTLS, trust ${trust}`,
      },
    ],
    yaml: {
      credentials: { 'sandbox-mail': { kind: 'bearer', token, user: HUB } },
      operations: { 'sandbox-smtp': smtpOut(address, { trust }) },
    },
    [Symbol.asyncDispose]: () => box[Symbol.asyncDispose](),
  };
}

const noPair = (): MissingPeer => ({ system: 'IMAP', reason: NO_PAIR });

const smtpOut = (connect: string, tls: object): object => ({
  adapter: 'smtp-out',
  settings: {
    connect,
    tls,
    credential: 'sandbox-mail',
    from: HUB,
    to: REGISTRAR,
    subject: '{type}',
  },
});
