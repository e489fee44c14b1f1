import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { NatsServer } from '../../src/broker/embedded/nats-server.ts';
import type { SmallDisk } from './small-disk.ts';

/** Where something is done to a production from outside. */
export interface Outside {
  readonly nats: NatsServer & { readonly data: string };
  /** The disk of NATS, where one could be mounted. */
  readonly disk: SmallDisk | undefined;
  /** The disk of the engine with the operator plane, where one could be mounted. */
  readonly dataDisk: SmallDisk | undefined;
  /** The folder of the definition. */
  readonly files: string;
  /** The folder that a service polls. */
  readonly folderIn: string;
  /** The data folder of the engine with the operator plane. */
  readonly data: string;
  readonly below: (limit: number) => number;
  apply(): Promise<string>;
  /** Writes the definition as it should be. */
  write(): Promise<void>;
  /** Puts a file with the next message of its own sender under this name. */
  drop(name: string): Promise<void>;
}

type Acts = Readonly<Record<string, () => Promise<string>>>;

const any = <Item>(items: readonly Item[], { below }: Outside): Item =>
  items[below(items.length)] as Item;

type Manager = Awaited<ReturnType<typeof jetstreamManager>>;

async function streamNames(manager: Manager): Promise<string[]> {
  const found: string[] = [];
  for await (const { config } of manager.streams.list()) found.push(config.name);
  return found.toSorted();
}

/** What administrators of NATS do, and what its disk does. */
export function actsOnNats(of: Outside): Acts {
  const { nats, disk, below } = of;
  const managed = async <Result>(work: (manager: Manager) => Promise<Result>): Promise<Result> => {
    const { url, user, password } = nats;
    const connection = await connect({ servers: url, user: user ?? '', pass: password ?? '' });
    try {
      return await work(await jetstreamManager(connection));
    } finally {
      await connection.close();
    }
  };
  /** Lets the server read a changed configuration, for a while. */
  const configured = async (from: string | RegExp, to: string): Promise<string> => {
    const path = join(nats.data, 'nats.conf');
    const before = await readFile(path, 'utf8');
    for (const text of [before.replace(from, to), before]) {
      await writeFile(path, text);
      if (nats.pid !== undefined) process.kill(nats.pid, 'SIGHUP');
      await sleep(500 + below(4_000));
    }
    return '';
  };
  return {
    'somebody removes a consumer': () =>
      managed(async (manager) => {
        const stream = any(await streamNames(manager), of);
        const consumers: string[] = [];
        for await (const { name } of manager.consumers.list(stream)) consumers.push(name);
        if (consumers.length === 0) return `${stream} has none`;
        const name = any(consumers.toSorted(), of);
        await manager.consumers.delete(stream, name);
        return `${name} of ${stream}`;
      }),
    'somebody removes what is known of leases, steps or orders': () =>
      managed(async (manager) => {
        const stream = `KV_WB_events_${any(['STATE', 'STEPS', 'ORDERS'], of)}`;
        // it may not be made again yet
        if ((await streamNames(manager)).includes(stream)) await manager.streams.delete(stream);
        return stream;
      }),
    'the password of NATS is another one for a while': () =>
      configured(/password: "[^"]*"/, 'password: "another"'),
    'NATS takes less at once for a while': () =>
      configured('max_payload: 4MB', `max_payload: ${any(['1KB', '100KB', '200KB'], of)}`),
    'NATS takes only few connections for a while': () =>
      configured('max_payload: 4MB', 'max_payload: 4MB\nmax_connections: 2'),
    'the disk of NATS is full for a while': async () => {
      await disk?.fill(true);
      await sleep(2_000 + below(8_000));
      await disk?.fill(false);
      return '';
    },
  };
}

/** What editors and tools for deployment do. */
export function actsOnFiles(of: Outside): Acts {
  const path = join(of.files, 'production.yaml');
  /** Applies what is there, then what should be. */
  const wrongly = async (break_: () => Promise<unknown>): Promise<string> => {
    await break_();
    const said = await of.apply();
    await rm(path, { recursive: true, force: true });
    await of.write();
    return said;
  };
  return {
    'the definition is emptied': () => wrongly(() => writeFile(path, '')),
    'the definition is half written': () =>
      wrongly(async () => {
        const whole = await readFile(path, 'utf8');
        await writeFile(path, whole.slice(0, 100 + of.below(whole.length - 100)));
      }),
    'the definition is gone': () => wrongly(() => rm(path)),
    'the definition is a folder': () =>
      wrongly(async () => {
        await rm(path);
        await mkdir(path);
      }),
    'the definition is a link to one that is replaced': () =>
      wrongly(async () => {
        const aside = join(of.files, `..data-${of.below(1_000_000)}`);
        await rename(path, aside);
        await symlink(aside, path);
      }),
    'two people apply at once': async () =>
      (await Promise.all([of.apply(), of.apply()])).join(' | '),
  };
}

/** What happens to a polled folder. */
export function actsOnFolder(of: Outside): Acts {
  const { folderIn, below } = of;
  return {
    'the folder is away for a while': async () => {
      await rename(folderIn, `${folderIn}.away`);
      await sleep(below(3_000));
      // who looks for it may have made it
      await rm(folderIn, { recursive: true, force: true });
      await rename(`${folderIn}.away`, folderIn);
      return '';
    },
    'a file comes again under the same name': async () => {
      for (let times = 0; times < 3; times++) {
        await of.drop('same.hl7');
        await sleep(below(1_500));
      }
      return '';
    },
    'files with odd names come': async () => {
      await of.drop(`a\nb ${below(1_000_000)}.hl7`);
      await of.drop(`a..${below(1_000_000)}.hl7`);
      await of.drop(`%2e%2e%2f${below(1_000_000)}\\..\\x.hl7`);
      return '';
    },
    'links that lead nowhere lie there': async () => {
      const name = join(folderIn, `loop-${below(1_000_000)}`);
      await symlink(name, name);
      await symlink(`${name}-nowhere`, `${name}.hl7`);
      await mkdir(`${name}-folder.hl7`);
      return '';
    },
  };
}

/** What happens to the files of an operator plane. */
export function actsOnData(of: Outside): Acts {
  const { data, dataDisk, below } = of;
  const trace = join(data, 'trace');
  const removed = async (pattern: RegExp, folder: string): Promise<string> => {
    const name = any((await readdir(folder)).filter((one) => pattern.test(one)).toSorted(), of) as
      | string
      | undefined;
    if (name !== undefined) await rm(join(folder, name));
    return name ?? 'none';
  };
  return {
    'a file of the trace is removed': () => removed(/\.db$/, trace),
    'a log of the trace is removed': () => removed(/\.db-(wal|shm)$/, trace),
    'somebody locks a file of the operator plane for a while': async () => {
      const names = [join('trace', 'held.db'), 'meta.db', 'audit.db'];
      const days = (await readdir(trace)).filter((name) => name.endsWith('.db'));
      const all = [...names, ...days.map((name) => join('trace', name))].filter((name) =>
        existsSync(join(data, name)),
      );
      const name = any(all.toSorted(), of);
      const locked = new DatabaseSync(join(data, name), { timeout: 2_000 });
      try {
        locked.exec('begin immediate');
        await sleep(1_000 + below(14_000));
      } catch {
        return `${name} is in use`;
      } finally {
        locked.close();
      }
      return name;
    },
    'the disk of an engine is full for a while': async () => {
      await dataDisk?.fill(true);
      await sleep(2_000 + below(10_000));
      await dataDisk?.fill(false);
      return '';
    },
    'a file of the operator plane is removed': () => removed(/^(meta|audit)\.db$/, data),
    'the data folder is away for a while': async () => {
      await rename(data, `${data}.away`);
      await sleep(500 + below(3_000));
      // the engine makes it again, and writes into it meanwhile
      await rm(data, { recursive: true, force: true, maxRetries: 20, retryDelay: 20 });
      await rename(`${data}.away`, data);
      return '';
    },
  };
}
