import { chown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { descendants, signal } from '../../sandbox/daemon.ts';
import type { InboundPeer } from '../contract/inbound.contract.ts';

/** A separate folder below the home of the server's user, for one test. */
export interface RemoteFolder extends AsyncDisposable {
  /** As in the settings: relative to the user's start folder. */
  readonly name: string;
  /** On this machine's disk. */
  readonly path: string;
  /** Puts a file there in one step, like a careful sender. */
  put(name: string, content: Uint8Array | string): Promise<void>;
  /** The names of the files, including hidden ones. */
  names(): Promise<string[]>;
  read(name: string): Promise<Buffer>;
}

let folders = 0;

export async function remoteFolder(home: string): Promise<RemoteFolder> {
  const name = `t${process.pid}-${++folders}`;
  const path = join(home, name);
  const { uid, gid } = await stat(home);
  await mkdir(path);
  await chown(path, uid, gid);
  return {
    name,
    path,
    async put(file, content) {
      const temporary = join(home, `.${name}.${file.replaceAll('/', '-')}`);
      await writeFile(temporary, content);
      await rename(temporary, join(path, file));
    },
    async names() {
      return (await readdir(path)).toSorted();
    },
    read: (file) => readFile(join(path, file)),
    // A frozen server may still carry out earlier requests.
    [Symbol.asyncDispose]: () =>
      rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 }),
  };
}

/**
 * Sends a signal to every process that serves a connection: SIGSTOP is like a hanging network,
 * SIGKILL like a server crash.
 */
export async function signalConnections(pid: number, name: NodeJS.Signals): Promise<void> {
  for (const child of await descendants(pid)) signal(child, name);
}

/** A server of files that can be stopped. */
interface FileServer {
  readonly home: string;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Files that are taken from a folder of their own. */
export async function takenFilesPeer(
  server: FileServer,
  { given, options }: Pick<InboundPeer, 'given' | 'options'>,
): Promise<InboundPeer> {
  const folder = await remoteFolder(server.home);
  let files = 0;
  let broken = false;
  return {
    given: { ...given, folder: folder.name, every: '20ms', stable: '0s' },
    ...(options === undefined ? {} : { options }),
    async offer(body) {
      const name = `${++files}.hl7`;
      await folder.put(name, body);
      return {
        standing: () =>
          stat(join(folder.path, name)).then(
            () => 'waiting' as const,
            () => 'taken' as const,
          ),
      };
    },
    async breakDown() {
      broken = true;
      await server.stop();
    },
    async [Symbol.asyncDispose]() {
      if (broken) await server.start();
      broken = false;
      await folder[Symbol.asyncDispose]();
    },
  };
}
