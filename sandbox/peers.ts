import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { freePort } from './free-port.ts';
import { graphPeer, oauth2Peer } from './peer/cloud-peers.ts';
import { ftpsPeer, sftpPeer } from './peer/file-peers.ts';
import { mailPeer } from './peer/mail-peer.ts';
import { mllpPeer } from './peer/mllp-peer.ts';
import {
  isPeer,
  type MissingPeer,
  type Peer,
  type PeerFolder,
  type PeerRow,
  type PeerStart,
} from './peer/peer.ts';

/** Everything that could be started, and a production that uses it. */
export interface Peers extends AsyncDisposable {
  readonly rows: readonly PeerRow[];
  readonly missing: readonly MissingPeer[];
  /** As an object of YAML: credentials, services and operations. */
  readonly production: Readonly<Record<string, unknown>>;
}

const ALL: readonly PeerStart[] = [mllpPeer, sftpPeer, ftpsPeer, mailPeer, oauth2Peer, graphPeer];

/** Starts the systems on loopback. Certificates and keys for the production are written to `path`. */
export async function startPeers(path: string): Promise<Peers> {
  const folder = await peerFolder(path);
  const started = await Promise.allSettled(ALL.map((start) => start(folder)));
  const all = started.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  const peers = all.filter(isPeer);
  const stop = async (): Promise<void> => {
    await Promise.all(peers.map((one) => one[Symbol.asyncDispose]()));
  };
  const failed = started.find((one) => one.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  return {
    rows: peers.flatMap(({ rows }) => rows),
    missing: all.filter((one): one is MissingPeer => !isPeer(one)),
    production: productionOf(peers, await freePort()),
    [Symbol.asyncDispose]: stop,
  };
}

async function peerFolder(path: string): Promise<PeerFolder> {
  const whole = resolve(path);
  await mkdir(whole, { recursive: true });
  return {
    path: whole,
    async file(name, content, mode = 0o644) {
      await writeFile(join(whole, name), content, { mode });
      return name;
    },
  };
}

/** HL7 that comes in at `port` goes to every system. */
function productionOf(peers: readonly Peer[], port: number): Record<string, unknown> {
  const gathered = (part: keyof Peer['yaml']): Record<string, object> =>
    Object.assign({}, ...peers.map(({ yaml }) => yaml[part])) as Record<string, object>;
  const operations = gathered('operations');
  return {
    production: 'sandbox',
    title: 'What waybill sandbox has started',
    services: {
      'sandbox-in': {
        adapter: 'mllp-in',
        settings: { listen: `127.0.0.1:${port}` },
        to: Object.keys(operations),
      },
      ...gathered('services'),
    },
    operations,
    credentials: gathered('credentials'),
  };
}
