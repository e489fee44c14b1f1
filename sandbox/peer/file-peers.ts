import { chown, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ftpsServer, whyNoFtpsServer } from '../ftps/ftps.ts';
import { sshServer, whyNoSshServer } from '../ssh.ts';
import { type OwnSshServer, ownSshServer, whyNoOwnSshServer } from '../ssh-own.ts';
import type { Peer, PeerStart } from './peer.ts';

/** SFTP: sshd with its own user, or without root with the user who starts it. */
export const sftpPeer: PeerStart = async (folder) => {
  const isPrivate = (await whyNoSshServer()) === undefined;
  const why = isPrivate ? undefined : await whyNoOwnSshServer();
  if (why !== undefined) return [{ system: 'SFTP', reason: why }];
  const server: OwnSshServer & { readonly password?: string } = isPrivate
    ? await sshServer()
    : await ownSshServer();
  const { port, user, password, hostKeys } = server;
  const at = {
    connect: `127.0.0.1:${port}`,
    credential: 'sandbox-sftp',
    hostKey: hostKeys.map(({ fingerprint }) => fingerprint),
  };
  const privateKey = await folder.file('sftp.key', server.privateKey, 0o600);
  const byPassword = password === undefined ? '' : `password ${password}, or `;
  const signIn = `${user}, ${byPassword}the key ${privateKey}`;
  await filesFolders(server.home);
  return [
    {
      rows: [{ system: 'SFTP', program: 'OpenSSH', address: at.connect, signIn }],
      yaml: filesYaml('sftp', at, { kind: 'ssh-key', user, privateKey }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    } satisfies Peer,
  ];
};

/** FTPS: vsftpd or ProFTPD, explicit TLS. */
export const ftpsPeer: PeerStart = async (folder) => {
  const why = await whyNoFtpsServer();
  if (why !== undefined) {
    return [
      { system: 'FTPS', reason: `${why}; it can only be started by root, with its own user` },
    ];
  }
  const server = await ftpsServer();
  const { port, user, password, program, authority } = server;
  const trust = await folder.file('ftps-ca.pem', authority);
  const at = { connect: `localhost:${port}`, credential: 'sandbox-ftps', tls: { trust } };
  await filesFolders(server.home);
  return [
    {
      rows: [
        {
          system: 'FTPS',
          program,
          address: at.connect,
          signIn: `${user}, password ${password}; explicit TLS, trust ${trust}`,
        },
      ],
      yaml: filesYaml('ftps', at, { kind: 'basic', user, password }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    } satisfies Peer,
  ];
};

/** `drop` is written to, `pickup` is read from. */
async function filesFolders(home: string): Promise<void> {
  const { uid, gid } = await stat(home);
  for (const name of ['drop', 'pickup']) {
    await mkdir(join(home, name), { recursive: true });
    await chown(join(home, name), uid, gid);
  }
}

function filesYaml(protocol: 'sftp' | 'ftps', at: object, credential: object): Peer['yaml'] {
  return {
    credentials: { [`sandbox-${protocol}`]: credential },
    services: {
      [`sandbox-${protocol}-in`]: {
        adapter: `${protocol}-in`,
        settings: { ...at, folder: 'pickup' },
        to: 'sandbox-mllp',
      },
    },
    operations: {
      [`sandbox-${protocol}`]: {
        adapter: `${protocol}-out`,
        settings: { ...at, folder: 'drop', name: '{id}.hl7' },
      },
    },
  };
}
