import { chown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { descendants, signal } from '../../sandbox/daemon.ts';

/** A folder of its own below the home of the server's user, for one test. */
export interface RemoteFolder extends AsyncDisposable {
  /** As the settings name it: it counts from where the sign-in starts. */
  readonly name: string;
  /** On this machine's disk. */
  readonly path: string;
  /** Puts a file there in one step, as a careful sender does. */
  put(name: string, content: Uint8Array | string): Promise<void>;
  /** The names of the files, hidden ones too. */
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
    // A server that was frozen may still do what it was asked before.
    [Symbol.asyncDispose]: () =>
      rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 }),
  };
}

/** Sends a signal to every process that serves a connection: SIGSTOP is a network that hangs, SIGKILL a server that dies. */
export async function signalConnections(pid: number, name: NodeJS.Signals): Promise<void> {
  for (const child of await descendants(pid)) signal(child, name);
}
